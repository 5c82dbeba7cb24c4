//! String literals: checked once, decoded only when somebody wants the text.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A checked string literal, quotes left out, escapes as received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Literal<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Literal<'a> {
    pub(crate) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// As received.
    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }

    /// The text it stands for.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(Decoded(self.raw).collect()) } else { Cow::Borrowed(self.raw) }
    }

    /// Whether it stands for this text.
    pub(crate) fn is(self, text: &str) -> bool {
        if self.escaped { Decoded(self.raw).eq(text.chars()) } else { self.raw == text }
    }

    /// Compares the texts, by scalar value.
    pub(crate) fn order(self, other: Self) -> Ordering {
        if self.escaped || other.escaped {
            Decoded(self.raw).cmp(Decoded(other.raw))
        } else {
            // Bytes of UTF-8 sort as the scalars do.
            self.raw.cmp(other.raw)
        }
    }
}

/// The characters of a checked literal.
struct Decoded<'a>(&'a str);

impl Iterator for Decoded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        if first != '\\' {
            self.0 = chars.as_str();
            return Some(first);
        }
        let escape = chars.next()?;
        self.0 = chars.as_str();
        match escape {
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => self.unicode(),
            other => Some(other),
        }
    }
}

impl Decoded<'_> {
    /// Behind `\u`: four digits, and the other half if they are half of a pair.
    fn unicode(&mut self) -> Option<char> {
        let first = unit(self.0.as_bytes())?;
        let mut length = 4;
        let mut value = u32::from(first);
        if is_high(first) {
            let second = unit(&self.0.as_bytes()[6..])?;
            length = 10;
            value = 0x1_0000 + ((value - 0xd800) << 10) + (u32::from(second) - 0xdc00);
        }
        self.0 = &self.0[length..];
        char::from_u32(value)
    }
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

/// Four hex digits.
fn unit(bytes: &[u8]) -> Option<u16> {
    bytes.get(..4)?.iter().try_fold(0, |value, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(value << 4 | digit as u16)
    })
}

/// Checks the escape that begins at `at` and returns where it ends.
pub(super) fn escape_end(bytes: &[u8], at: usize) -> Result<usize, &'static str> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => unicode_end(bytes, at),
        _ => Err("unknown escape in a string"),
    }
}

fn unicode_end(bytes: &[u8], at: usize) -> Result<usize, &'static str> {
    let first = unit(&bytes[at + 2..]).ok_or("malformed \\u escape")?;
    if first == 0 {
        return Err("U+0000 in a string");
    }
    if is_low(first) {
        return Err("lone surrogate in a string");
    }
    if !is_high(first) {
        return Ok(at + 6);
    }
    let paired = bytes.get(at + 6..at + 8) == Some(b"\\u") && unit(&bytes[at + 8..]).is_some_and(is_low);
    if paired { Ok(at + 12) } else { Err("lone surrogate in a string") }
}
