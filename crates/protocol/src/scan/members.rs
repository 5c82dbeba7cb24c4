//! The members of one object, each value as received.

use std::borrow::Cow;

use super::{Fault, Literal, Scanner, Skip};

/// An object's members in the order received, duplicates included.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    list: Vec<(Literal<'a>, &'a str)>,
}

impl<'a> Members<'a> {
    /// Reads a whole text as one object.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut scanner = Scanner::of_bytes(bytes)?;
        let mut list = Vec::with_capacity(8);
        scanner.object(|scanner, key| {
            list.push((key, scanner.value(&mut Skip::default())?));
            Ok(())
        })?;
        scanner.end()?;
        Ok(Self { list })
    }

    /// The last value of that key, `null` being none.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.list.iter().rev().find(|(key, _)| key.is(name)).map(|(_, raw)| *raw).filter(|raw| *raw != "null")
    }

    /// Keys and values in the order received.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> + '_ {
        self.list.iter().map(|(key, raw)| (key.decode(), *raw))
    }
}

/// The text that a checked value stands for, if it is a string.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.starts_with('"') {
        return None;
    }
    Scanner::new(raw).string().ok().map(Literal::decode)
}

/// The strings of a checked array, other elements left out; `None` if it is no array.
pub(crate) fn strings(raw: &str) -> Option<Vec<Cow<'_, str>>> {
    Some(elements(raw)?.into_iter().filter_map(string).collect())
}

/// The elements of a checked array, each as received; `None` if it is no array.
pub(crate) fn elements(raw: &str) -> Option<Vec<&str>> {
    if !raw.starts_with('[') {
        return None;
    }
    Scanner::new(raw).array().ok()
}

/// The whole number that a checked value stands for, if it is one and fits; `3.0` and `3e2` are whole.
pub(crate) fn integer(raw: &str) -> Option<i64> {
    if let Ok(value) = raw.parse() {
        return Some(value);
    }
    if !raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return None;
    }
    let value: f64 = raw.parse().ok()?;
    // Beyond 2^53 a float no longer says which integer was meant.
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}
