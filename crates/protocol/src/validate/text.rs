//! Text fields: trimmed, without characters that could disturb a terminal or a prompt, of bounded length.

const CONTROL: &str = "Must not contain control characters";
const TOO_LONG: &str = "Too long";

/// A single-line field, trimmed: no control or direction characters, at most `max` characters.
pub fn single_line(text: &str, max: usize) -> Result<String, &'static str> {
    checked(text, max, |_| false)
}

/// A multi-line field: as [`single_line`], but line feeds, carriage returns and tabs may stay.
pub fn multi_line(text: &str, max: usize) -> Result<String, &'static str> {
    checked(text, max, |c| matches!(c, '\n' | '\r' | '\t'))
}

/// Whether a character may disturb whoever shows it: C0, C1, line and paragraph separators, bidi controls.
pub fn is_disturbing(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn checked(text: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<String, &'static str> {
    let text = text.trim();
    if text.chars().any(|c| is_disturbing(c) && !allowed(c)) {
        return Err(CONTROL);
    }
    if text.chars().count() > max {
        return Err(TOO_LONG);
    }
    Ok(text.into())
}

/// Any text of `least` to `most` characters, trimmed.
pub fn of_length(text: &str, least: usize, most: usize) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 if least > 0 => Err("Must not be empty"),
        count if count < least => Err("Too short"),
        count if count > most => Err(TOO_LONG),
        _ => Ok(text.into()),
    }
}
