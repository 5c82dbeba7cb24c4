//! Points in time as the server writes them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A time as it stands on the wire (`2026-01-15T09:30:00.000Z`), read when asked.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(Arc<str>);

impl Timestamp {
    /// The text of the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The point in time, or none when the text is not a time. `T` or a space, up to nine fraction digits, `Z` or an
    /// offset; no offset, and a date alone, mean UTC.
    pub fn to_system_time(&self) -> Option<SystemTime> {
        let nanos = parse_nanos(self.0.trim())?;
        let magnitude = Duration::from_nanos(u64::try_from(nanos.unsigned_abs()).ok()?);
        if nanos >= 0 { UNIX_EPOCH.checked_add(magnitude) } else { UNIX_EPOCH.checked_sub(magnitude) }
    }

    /// The wire's text of a point in time, to the millisecond.
    pub fn from_system_time(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
        };
        let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z").into())
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self::from_system_time(time)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Nanoseconds since 1970 of an RFC 3339 like text.
fn parse_nanos(text: &str) -> Option<i128> {
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = parse_date(date)?;
    let days = i128::from(days_from_civil(year, month, day));
    if rest.is_empty() {
        return Some(days * 86_400_000_000_000);
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let offset_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, offset) = clock.split_at_checked(offset_at)?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * 86_400 + i128::from(hour * 3600 + minute * 60 + second) - i128::from(parse_offset(offset)?);
    Some(seconds * 1_000_000_000 + i128::from(parse_fraction(fraction)?))
}

fn parse_date(date: &str) -> Option<(i64, i64, i64)> {
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let real = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    (real && parts.next().is_none()).then_some((year, month, day))
}

fn parse_fraction(fraction: &str) -> Option<i64> {
    if fraction.is_empty() {
        return Some(0);
    }
    let value = digits(fraction, fraction.len())?;
    let missing = 9_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    Some(value * 10_i64.pow(missing))
}

/// Seconds east of UTC: `Z`, nothing, `±HH`, `±HHMM`, `±HH:MM`.
fn parse_offset(offset: &str) -> Option<i64> {
    if offset.is_empty() || offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let bare: String = offset.get(1..)?.chars().filter(|&character| character != ':').collect();
    let (hours, minutes) = match bare.len() {
        2 => (digits(&bare, 2)?, 0),
        4 => (digits(bare.get(..2)?, 2)?, digits(bare.get(2..)?, 2)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (years counted from March, in eras of 400).
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<i128> {
        parse_nanos(text).map(|nanos| nanos / 1_000_000)
    }

    #[test]
    fn every_spelling_of_one_moment_is_the_same() {
        let expected = millis("2026-07-25T17:19:00.000Z");
        assert!(expected.is_some());
        for spelling in [
            "2026-07-25T17:19:00Z",
            "2026-07-25 17:19:00.0",
            "2026-07-25T17:19:00.000000000+00:00",
            "2026-07-25T22:49:00+0530",
            "2026-07-25T19:19+02",
        ] {
            assert_eq!(millis(spelling), expected, "{spelling}");
        }
        assert_eq!(millis("2026-07-25"), millis("2026-07-25T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "2026-13-01", "2026-02-29", "2026-07-25T25:00:00Z", "2026-07-25T17:19:00.0000000001Z"]
        {
            assert_eq!(parse_nanos(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_survives_the_wire() {
        for text in ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2026-02-28T23:59:59.001Z"] {
            let time = Timestamp::from(text).to_system_time();
            assert_eq!(time.map(Timestamp::from_system_time), Some(Timestamp::from(text)));
        }
    }
}
