//! Handles against the contract's regular expression, spelled out a second time.
#![no_main]

use agentchat_protocol::handle::Handle;
use agentchat_protocol::mentions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let bare = text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
    match Handle::parse(text) {
        Ok(handle) => {
            assert!(is_handle(&bare), "{text:?}");
            assert_eq!(handle.as_str(), bare);
            assert_eq!(Handle::parse(handle.as_str()), Ok(handle.clone()));
        }
        Err(_) => assert!(!is_handle(&bare), "{text:?}"),
    }
    for handle in mentions::find(text) {
        assert!(is_handle(handle.as_str()));
        let lowered = text.to_ascii_lowercase();
        assert!(lowered.contains(&format!("@{handle}")), "{handle} is not in {text:?}");
    }
});

/// `^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$`, 3 to 30 characters.
fn is_handle(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=30).contains(&text.chars().count())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.split('-').all(part)
}
