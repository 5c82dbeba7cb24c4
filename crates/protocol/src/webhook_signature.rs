//! What proves to a webhook's receiver that a call came from here (wire.md §17.3): two schemes over the same bytes.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a webhook's secret begins with; base64 follows.
pub const SECRET_PREFIX: &str = "whsec_";

/// `Agentchat-Signature`: hex over `<t>.<body>`, keyed with the secret as it is spelled.
///
/// `seconds` is the time of the attempt, Unix seconds.
pub fn sign(secret: &str, seconds: i64, body: &[u8]) -> String {
    let code = code(secret.as_bytes(), &[seconds.to_string().as_bytes(), b".", body]);
    let mut header = format!("t={seconds},v1=");
    for byte in code {
        // Writing into a String cannot fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}

/// `webhook-signature` of the Standard Webhooks: base64 over `<id>.<t>.<body>`, one entry a secret, keyed with the bytes
/// that each stands for. A secret that does not begin with [`SECRET_PREFIX`], or whose rest is no base64, stands for
/// itself.
pub fn sign_standard(secrets: &[String], id: &str, seconds: i64, body: &[u8]) -> String {
    let seconds = seconds.to_string();
    let entry = |secret: &String| {
        let parts = [id.as_bytes(), b".", seconds.as_bytes(), b".", body];
        format!("v1,{}", STANDARD.encode(code(&key_of(secret), &parts)))
    };
    secrets.iter().map(entry).collect::<Vec<_>>().join(" ")
}

fn key_of(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(SECRET_PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn code(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::{sign, sign_standard};

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BODY: &str = r#"{"event":"message.read","timestamp":"2026-01-15T09:30:00.000Z","data":{"message_id":"msg_01KF0FV2EEEHNV40B5XV4HWRT4","conversation_id":"conv_01KF0FV2ENFV1T8ZEF0PGKKP4N","seq":7,"read_by":"bob","read_at":"2026-01-15T09:30:00.000Z","through_seq":7,"reader":"bob"}}"#;
    const ID: &str = "whd_01KF0FV2FRFXDRWYYSDEK5YHBH";
    const SECONDS: i64 = 1_768_469_400;

    #[test]
    fn the_worked_example_comes_out() {
        assert_eq!(BODY.len(), 262);
        assert_eq!(
            sign(SECRET, SECONDS, BODY.as_bytes()),
            "t=1768469400,v1=57cdcdb3cbdc14fb383774799619d5494778205ce141926dc5fe6a8ac1259383"
        );
        assert_eq!(
            sign_standard(&[SECRET.to_owned()], ID, SECONDS, BODY.as_bytes()),
            "v1,GCu41xZalom9z+cBxQnGIGUfov1QvaxPJ6aKfU2QQTc="
        );
    }

    #[test]
    fn each_secret_signs() {
        let (old, new) = (SECRET.to_owned(), "whsec_c29tZXRoaW5nIGVsc2U=".to_owned());
        let both = sign_standard(&[new.clone(), old.clone()], ID, SECONDS, b"{}");
        let alone = |secret: &String| sign_standard(std::slice::from_ref(secret), ID, SECONDS, b"{}");
        assert_eq!(both, format!("{} {}", alone(&new), alone(&old)));
        assert_ne!(alone(&"not base64".to_owned()), alone(&"whsec_not base64".to_owned()));
    }
}
