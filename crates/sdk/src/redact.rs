//! Keeps secrets out of texts that come from lower layers.

const MASK: &str = "***";

/// The text without the key, without bearer tokens and without the user part of URLs.
pub(crate) fn scrub(text: &str, key: &str) -> String {
    let without_key = if key.is_empty() { text.to_owned() } else { text.replace(key, MASK) };
    scrub_user_info(&scrub_bearer(&without_key))
}

fn scrub_bearer(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find_ignoring_case(rest, "bearer ") {
        let (before, token) = rest.split_at(at + "bearer ".len());
        out.push_str(before);
        out.push_str(MASK);
        let end = token.find(|character: char| character.is_whitespace() || character == '"').unwrap_or(token.len());
        rest = token.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    text.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
}

fn scrub_user_info(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        out.push_str(before);
        let end = authority.find(|character: char| "/?# \"'".contains(character)).unwrap_or(authority.len());
        let (authority, after) = authority.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => out.extend([MASK, "@", host]),
            None => out.push_str(authority),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d18_e_secrets_of_lower_layers_are_masked() {
        let text = "sent bearer ac_live_OTHER to http://user:pw@host:1/x with ac_live_SECRET";
        assert_eq!(scrub(text, "ac_live_SECRET"), "sent bearer *** to http://***@host:1/x with ***");
    }
}
