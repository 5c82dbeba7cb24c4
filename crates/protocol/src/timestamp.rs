//! Moments, in milliseconds.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not an RFC 3339 moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time with an offset, such as 2026-01-15T09:30:00.000Z")]
pub struct InvalidTimestamp;

/// Milliseconds since 1970-01-01 UTC, spelled `2026-01-15T09:30:00.000Z`. Anything finer is cut off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `millis` later (earlier, when negative); stays at the end of the range.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this moment; negative when it is in fact later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    fn civil(self) -> jiff::Timestamp {
        // Out of the calendar's range: show its nearest end rather than fail to print.
        let end = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(end)
    }
}

/// `YYYY-MM-DD` `T` `HH:MM:SS[.f…]` and `Z` or `±HH:MM`: what RFC 3339 allows and nothing of ISO 8601 beyond it.
fn is_rfc3339(text: &str) -> bool {
    let Some((head, rest)) = text.as_bytes().split_at_checked(19) else {
        return false;
    };
    let shape = b"dddd-dd-ddTdd:dd:dd";
    matches(head, shape) && offset_follows(rest)
}

fn matches(bytes: &[u8], shape: &[u8]) -> bool {
    bytes.len() == shape.len()
        && bytes.iter().zip(shape).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            b'+' => matches!(byte, b'+' | b'-'),
            _ => byte == wanted,
        })
}

fn offset_follows(rest: &[u8]) -> bool {
    let offset = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    matches!(offset, b"Z" | b"z") || matches(offset, b"+dd:dd")
}

/// jiff reads at most nine fractional digits; we keep three.
fn cut_fraction(text: &str) -> Cow<'_, str> {
    let digits = text[19..].bytes().skip(1).take_while(u8::is_ascii_digit).count();
    if text.as_bytes()[19] == b'.' && digits > 9 {
        Cow::Owned(format!("{}{}", &text[..29], &text[20 + digits..]))
    } else {
        Cow::Borrowed(text)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if !is_rfc3339(text) {
            return Err(InvalidTimestamp);
        }
        let moment: jiff::Timestamp = cut_fraction(text).parse().map_err(|_| InvalidTimestamp)?;
        Ok(Self(moment.as_nanosecond().div_euclid(1_000_000) as i64))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        f.write_str(&PRINTER.timestamp_to_string(&self.civil()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::spelled::from_text(deserializer, str::parse)
    }
}

crate::spelled::text_schema!(
    Timestamp,
    "2026-01-15T09:30:00.000Z",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
);
