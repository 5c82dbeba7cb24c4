//! Ids and keys.

use agentchat_protocol::api_key::ApiKey;
use agentchat_protocol::id::MessageId;

#[test]
fn the_contracts_uuid_is_spelled_as_it_says() {
    let bytes = 0x019b_c0f0_a4c0_7a1b_8c2d_3e4f_5061_7283_u128.to_be_bytes();
    let id = MessageId::from_bytes(bytes);
    assert_eq!(id.to_string(), "msg_01KF0F1960F8DRRB9Y9X862WM3");
    assert_eq!("msg_01KF0F1960F8DRRB9Y9X862WM3".parse(), Ok(id));
}

#[test]
fn the_contracts_key_is_spelled_as_it_says() {
    let key = ApiKey::from_entropy(std::array::from_fn(|at| at as u8));
    assert_eq!(
        key.expose(),
        "ac_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf45tWMh"
    );
    assert!(ApiKey::checksum_ok(key.expose()));
}
