//! Query parameters under §1.2: an empty value is an absent one, the last of several wins.

use std::convert::Infallible;

use agentchat_protocol::validate::FieldErrors;
use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::app::App;

/// The query of a request. Readers note what is wrong in `errors`, all of it in one answer:
///
/// ```text
/// let mut errors = FieldErrors::default();
/// let limit = query.limit(200, 50, &mut errors);
/// let before = query.int("before_seq", &mut errors);
/// errors.into_result()?;
/// ```
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequestParts<App> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or("")))
    }
}

impl Query {
    /// Reads `a=1&b=x%20y`; `+` is a space.
    pub(crate) fn parse(query: &str) -> Self {
        Self(query.split('&').filter(|pair| !pair.is_empty()).map(decode_pair).collect())
    }

    /// The parameter's text, if given and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let last = self.0.iter().rev().find(|(key, _)| key == name)?;
        (!last.1.is_empty()).then_some(last.1.as_str())
    }

    /// A whole number that is not negative.
    pub(crate) fn int(&self, name: &str, errors: &mut FieldErrors) -> Option<u64> {
        let text = self.text(name)?;
        let number = parse_whole(text);
        if number.is_none() {
            errors.field(name, "Expected a non-negative integer");
        }
        number
    }

    /// `limit`: below 1 is an error, above `max` is `max`, absent is `default`.
    pub(crate) fn limit(&self, max: u64, default: u64, errors: &mut FieldErrors) -> u64 {
        match self.text("limit").map(parse_whole) {
            None => default,
            Some(Some(number)) if number >= 1 => number.min(max),
            Some(_) => {
                errors.field("limit", "Expected an integer of at least 1");
                default
            }
        }
    }

    /// `offset`: negative or no integer is an error, absent is 0.
    pub(crate) fn offset(&self, errors: &mut FieldErrors) -> u64 {
        self.int("offset", errors).unwrap_or(0)
    }
}

/// Digits, optionally after `+`; a number beyond every list counts as the largest one JSON holds exactly.
fn parse_whole(text: &str) -> Option<u64> {
    let digits = text.trim();
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX).min((1 << 53) - 1))
}

fn decode_pair(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decode(name), decode(value))
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(query: &str) -> Result<u64, String> {
        let mut errors = FieldErrors::default();
        let limit = Query::parse(query).limit(200, 50, &mut errors);
        errors.into_result().map(|()| limit).map_err(|errors| errors.into_details()["fieldErrors"].to_string())
    }

    #[test]
    fn a_limit_is_clamped_from_above_and_refused_below_one() {
        let wrong = Err(r#"{"limit":["Expected an integer of at least 1"]}"#.to_owned());
        assert_eq!(limit(""), Ok(50));
        assert_eq!(limit("limit="), Ok(50));
        assert_eq!(limit("limit=7"), Ok(7));
        assert_eq!(limit("limit=201"), Ok(200));
        assert_eq!(limit("limit=99999999999999999999999"), Ok(200));
        for refused in ["limit=0", "limit=-1", "limit=1.5", "limit=ten", "limit=0x10"] {
            assert_eq!(limit(refused), wrong, "{refused}");
        }
    }

    #[test]
    fn an_offset_is_not_negative() {
        let mut errors = FieldErrors::default();
        assert_eq!(Query::parse("offset=12").offset(&mut errors), 12);
        assert_eq!(Query::parse("offset=&x=1").offset(&mut errors), 0);
        assert!(errors.is_empty());
        Query::parse("offset=-1").offset(&mut errors);
        assert!(!errors.is_empty());
    }

    #[test]
    fn values_are_decoded_and_the_last_wins() {
        let query = Query::parse("q=a%20b&q=%40alice+x&&flag");
        assert_eq!(query.text("q"), Some("@alice x"));
        assert_eq!(query.text("flag"), None);
        assert_eq!(query.text("other"), None);
    }
}
