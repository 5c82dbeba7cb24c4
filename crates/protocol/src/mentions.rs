//! Who a text mentions: `@handle` tokens.

use crate::handle::{Handle, MAX_LENGTH};

/// The most mentions one message has.
pub const MAX_MENTIONS: usize = 50;

/// The handles mentioned in `text`, in order of first occurrence, each once, at most 50. Nobody checks that they exist.
///
/// An `@` counts at the start or after a character other than `A–Z a–z 0–9 _ . @ -`; the handle is the longest
/// run of letters, digits and hyphens after it, trailing hyphens removed.
pub fn find(text: &str) -> Vec<Handle> {
    let mut found: Vec<Handle> = Vec::new();
    for (at, _) in text.match_indices('@') {
        if found.len() == MAX_MENTIONS {
            break;
        }
        let mentioned = if starts_token(text, at) { token(&text[at + 1..]) } else { None };
        if let Some(handle) = mentioned.filter(|handle| !found.contains(handle)) {
            found.push(handle);
        }
    }
    found
}

fn starts_token(text: &str, at: usize) -> bool {
    let before = at.checked_sub(1).map(|index| text.as_bytes()[index]);
    before.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-')))
}

fn token(rest: &str) -> Option<Handle> {
    let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let end = rest.bytes().take_while(in_run).count();
    let name = rest[..end].trim_end_matches('-');
    (name.len() <= MAX_LENGTH).then(|| Handle::parse(name).ok()).flatten()
}
