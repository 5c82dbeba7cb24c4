//! Signed addresses open one thing, for one purpose, for some time.

use agentchat_objects::{AddressKey, Purpose};

const OBJECT: [u8; 16] = [7; 16];

#[test]
fn an_address_opens_what_it_was_signed_for_until_its_second() {
    let key = AddressKey::new([1; 32]);
    let signature = key.sign(Purpose::Upload, &OBJECT, 1_000);
    assert_eq!(signature.len(), 43);
    assert!(signature.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{signature}");
    assert!(key.verify(Purpose::Upload, &OBJECT, 1_000, &signature, 999));
    assert!(!key.verify(Purpose::Upload, &OBJECT, 1_000, &signature, 1_000), "expired");
}

#[test]
fn nothing_else_is_opened_with_it() {
    let key = AddressKey::new([1; 32]);
    let signature = key.sign(Purpose::Upload, &OBJECT, 1_000);
    assert!(!key.verify(Purpose::Download, &OBJECT, 1_000, &signature, 0), "another purpose");
    assert!(!key.verify(Purpose::Upload, &[8; 16], 1_000, &signature, 0), "another object");
    assert!(!key.verify(Purpose::Upload, &OBJECT, 1_001, &signature, 0), "another end");
    assert!(!AddressKey::new([2; 32]).verify(Purpose::Upload, &OBJECT, 1_000, &signature, 0), "another key");
    for forged in ["", "A", &signature[1..], &format!("{signature}A"), &signature.replace(&signature[..1], "*")] {
        assert!(!key.verify(Purpose::Upload, &OBJECT, 1_000, forged, 0), "{forged}");
    }
}

#[test]
fn a_key_does_not_print() {
    assert_eq!(format!("{:?}", AddressKey::new([1; 32])), "AddressKey(***)");
}
