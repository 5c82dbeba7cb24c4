//! Decoding that no single value can break: strict first, and when that fails once more over a repaired text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};

/// Decodes JSON text. `NaN` and `Infinity` read as null, half surrogates as U+FFFD.
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(strict) => match repair(text) {
            Some(repaired) => serde_json::from_str(&repaired).map_err(|_| strict),
            None => Err(strict),
        },
    }
}

/// Decodes the bytes of a body or a binary frame; what is not UTF-8 becomes U+FFFD.
pub(crate) fn decode_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(_) => decode(&String::from_utf8_lossy(bytes)),
    }
}

/// The text, repaired when it needs to be.
pub(crate) fn tolerant(text: String) -> String {
    repair(&text).unwrap_or(text)
}

/// Rewrites what strict JSON refuses but senders produce. None when there is nothing to rewrite.
fn repair(text: &str) -> Option<String> {
    let suspicious = ["NaN", "Infinity", "\\ud", "\\uD"].iter().any(|needle| text.contains(needle));
    suspicious.then(|| Repair { out: String::with_capacity(text.len()) }.run(text))
}

struct Repair {
    out: String,
}

impl Repair {
    fn run(mut self, mut rest: &str) -> String {
        while let Some(quote) = rest.find('"') {
            let (outside, string) = rest.split_at(quote);
            self.outside(outside);
            let end = end_of_string(string);
            let (string, after) = string.split_at(end);
            self.string(string);
            rest = after;
        }
        self.outside(rest);
        self.out
    }

    /// Between strings the only letters are literals, so the replacement cannot hit anything else.
    fn outside(&mut self, text: &str) {
        if text.contains("NaN") || text.contains("Infinity") {
            let nulls = text.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
            self.out.push_str(&nulls);
        } else {
            self.out.push_str(text);
        }
    }

    /// One string with its quotes: escapes of half a surrogate pair become U+FFFD.
    fn string(&mut self, mut rest: &str) {
        while let Some(at) = rest.find('\\') {
            let (plain, escape) = rest.split_at(at);
            self.out.push_str(plain);
            let taken = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
                (Some(first), Some(second)) if first < 0xDC00 && second >= 0xDC00 => {
                    self.out.push_str(escape.get(..12).unwrap_or_default());
                    12
                }
                (Some(_), _) => {
                    self.out.push_str("\\ufffd");
                    6
                }
                (None, _) => self.other_escape(escape),
            };
            rest = escape.get(taken..).unwrap_or_default();
        }
        self.out.push_str(rest);
    }

    fn other_escape(&mut self, escape: &str) -> usize {
        let mut characters = escape.chars();
        let kept: String = characters.by_ref().take(2).collect();
        self.out.push_str(&kept);
        kept.len()
    }
}

/// The code of a `\uD8xx`–`\uDFxx` escape at the start of the text.
fn surrogate(escape: &str) -> Option<u16> {
    let hex = escape.strip_prefix("\\u")?.get(..4)?;
    let code = u16::from_str_radix(hex, 16).ok()?;
    (0xD800..=0xDFFF).contains(&code).then_some(code)
}

/// Length of the string literal at the start of the text, quotes included.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A string of the input, borrowed when it stands there without escapes.
pub(crate) struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_strict_json_refuses_are_repaired() {
        let text = r#"{"a":NaN,"b":[-Infinity,1e999],"c":"\ud800 \uD83D\uDE00 \\ud800 NaN","d":1}"#;
        let repaired = repair(text).unwrap_or_default();
        assert_eq!(repaired, r#"{"a":null,"b":[null,1e999],"c":"\ufffd \uD83D\uDE00 \\ud800 NaN","d":1}"#);
    }

    #[test]
    fn a_string_with_half_a_surrogate_decodes() {
        let decoded: Vec<String> = decode(r#"["x\udc00y"]"#).unwrap_or_default();
        assert_eq!(decoded, ["x\u{FFFD}y"]);
    }

    #[test]
    fn broken_utf8_decodes() {
        let decoded: Vec<String> = decode_bytes(b"[\"a\xffb\"]").unwrap_or_default();
        assert_eq!(decoded, ["a\u{FFFD}b"]);
    }
}
