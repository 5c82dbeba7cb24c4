//! Signatures of webhook calls against HMAC written out from its definition.
#![no_main]

use agentchat_protocol::webhook_signature::{SECRET_PREFIX, sign, sign_standard};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|input: (&str, &[u8], &str, i64, &[u8])| {
    let (secret, raw, id, seconds, body) = input;
    let payload = [seconds.to_string().as_bytes(), b".", body].concat();
    let expected: String = hmac(secret.as_bytes(), &payload).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sign(secret, seconds, body), format!("t={seconds},v1={expected}"));

    let spelled = format!("{SECRET_PREFIX}{}", STANDARD.encode(raw));
    let payload = [id.as_bytes(), b".", &payload].concat();
    let entry = format!("v1,{}", STANDARD.encode(hmac(raw, &payload)));
    assert_eq!(sign_standard(&[spelled.clone()], id, seconds, body), entry);
    assert_eq!(sign_standard(&[spelled.clone(), spelled], id, seconds, body), format!("{entry} {entry}"));
});

/// RFC 2104.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}
