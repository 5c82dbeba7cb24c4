//! The `Retry-After` header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::types::{days_from_civil, days_in_month};

/// Longest wait that is told apart: 2^53 − 1 ms.
const LONGEST: Duration = Duration::from_millis((1 << 53) - 1);
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads seconds or an HTTP date (IMF-fixdate, RFC 850, asctime; no zone means UTC). A time that has passed is zero.
pub fn parse_retry_after(raw: &str, now: SystemTime) -> Option<Duration> {
    let text = raw.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(seconds(text));
    }
    let date = parse_date(text, now)?;
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(date).ok()?))?;
    Some(at.duration_since(now).unwrap_or_default().min(LONGEST))
}

fn seconds(digits: &str) -> Duration {
    let value = if digits.len() <= 15 { digits.parse().unwrap_or(u64::MAX) } else { u64::MAX };
    Duration::from_millis(value.saturating_mul(1000)).min(LONGEST)
}

/// Seconds since 1970 of one of the three HTTP dates.
fn parse_date(text: &str, now: SystemTime) -> Option<i64> {
    let words: Vec<&str> = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    match *words.as_slice() {
        [_, day, month, year, clock] if is_month(month) => date(year, month, day, clock, now),
        [_, day, month, year, clock, zone] if is_month(month) && is_utc(zone) => date(year, month, day, clock, now),
        [_, month, day, clock, year] if is_month(month) => date(year, month, day, clock, now),
        _ => None,
    }
}

fn is_month(word: &str) -> bool {
    MONTHS.iter().any(|month| month.eq_ignore_ascii_case(word))
}

fn is_utc(word: &str) -> bool {
    ["GMT", "UTC"].iter().any(|zone| zone.eq_ignore_ascii_case(word))
}

fn date(year: &str, month: &str, day: &str, clock: &str, now: SystemTime) -> Option<i64> {
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? as i64 + 1;
    let year = full_year(year, now)?;
    let day = number(day, 1..=2)?;
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 2..=2)?, number(parts.next()?, 2..=2)?);
    let second = number(parts.next()?, 2..=2)?;
    let real = (1..=days_in_month(year, month)).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let whole = real && parts.next().is_none();
    whole.then(|| days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Two digits mean the century that is at most 50 years ahead (RFC 9110).
fn full_year(text: &str, now: SystemTime) -> Option<i64> {
    let year = number(text, 2..=4)?;
    match text.len() {
        4 => Some(year),
        2 => {
            let this = 1970 + i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()? / 31_556_952;
            let candidate = this - this % 100 + year;
            Some(if candidate > this + 50 { candidate - 100 } else { candidate })
        }
        _ => None,
    }
}

fn number(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let plain = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-10-21T07:28:00Z.
    const NOW: u64 = 1_445_412_480;

    fn parse(raw: &str) -> Option<u128> {
        parse_retry_after(raw, UNIX_EPOCH + Duration::from_secs(NOW)).map(|wait| wait.as_millis())
    }

    #[test]
    fn d40_n_seconds_and_dates_are_read() {
        assert_eq!(parse(" 7 "), Some(7000));
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("999999999999999"), Some((1 << 53) - 1));
        assert_eq!(parse("9999999999999999999999"), Some((1 << 53) - 1));
        assert_eq!(parse("Wed, 21 Oct 2015 07:28:05 GMT"), Some(5000));
        assert_eq!(parse("Wed, 21 Oct 2015 07:28:05"), Some(5000));
        assert_eq!(parse("Wednesday, 21-Oct-15 07:28:05 GMT"), Some(5000));
        assert_eq!(parse("Wed Oct 21 07:28:05 2015"), Some(5000));
        assert_eq!(parse("Wed, 21 Oct 1970 07:28:05 GMT"), Some(0));
        assert_eq!(parse("Wednesday, 21-Oct-70 07:28:05 GMT"), Some(0));
    }

    #[test]
    fn d40_n_anything_else_is_no_hint() {
        let bad =
            ["", " ", "60s", "1.5", "-1", "+5", "1e3", "2015-10-21T07:28:05Z", "Wed, 31 Feb 2015 07:28:05 GMT", "٥"];
        for raw in bad {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }
}
