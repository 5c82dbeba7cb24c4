//! An answer as it is kept.

use agentchat_store::StoreError;
use agentchat_store::tables::IdempotencyAnswer;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::Error;

/// Bytes of a body that is kept.
const MOST: usize = 64 * 1024;
/// Members that are never kept.
const SECRETS: [&str; 2] = ["api_key", "secret"];

/// Status, content type and body of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

impl Answer {
    /// Bytes of the longest body that is kept.
    pub const MOST: usize = MOST;

    /// The answer with this body as JSON.
    ///
    /// # Errors
    /// A body that is no JSON is a fault of ours.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_string(body).map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(Self { status, content_type: "application/json".to_owned(), body })
    }

    /// Whether it is kept: what may be different the next time is not, nor what is too long.
    pub fn is_kept(&self) -> bool {
        Self::keeps_status(self.status) && self.body.len() <= MOST
    }

    /// Whether answers of this status are kept.
    pub fn keeps_status(status: u16) -> bool {
        status < 500 && status != 429
    }

    /// What is stored of it: its secrets are null.
    pub(super) fn to_row(&self) -> IdempotencyAnswer {
        IdempotencyAnswer {
            status: i64::from(self.status),
            content_type: self.content_type.clone(),
            body: without_secrets(&self.body).unwrap_or_else(|| self.body.clone()),
        }
    }
}

impl From<IdempotencyAnswer> for Answer {
    fn from(row: IdempotencyAnswer) -> Self {
        let status = u16::try_from(row.status).unwrap_or(500);
        Self { status, content_type: row.content_type, body: row.body }
    }
}

/// The body with its secrets nulled; `None` when it has none. They stand at the top level of answers: what is deeper was
/// said by agents.
fn without_secrets(body: &str) -> Option<String> {
    if !SECRETS.iter().any(|name| body.contains(name)) {
        return None;
    }
    let members: std::collections::HashMap<&str, IgnoredAny> = serde_json::from_str(body).ok()?;
    if !SECRETS.iter().any(|name| members.contains_key(name)) {
        return None;
    }
    let mut object: serde_json::Map<String, Value> = serde_json::from_str(body).ok()?;
    for name in SECRETS {
        if let Some(member) = object.get_mut(name) {
            *member = Value::Null;
        }
    }
    serde_json::to_string(&object).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(body: &Value) -> String {
        Answer::json(200, body).unwrap().to_row().body
    }

    #[test]
    fn secrets_are_not_kept() {
        let body = json!({ "id": "whk_1", "secret": "whsec_AAEC", "api_key": "ac_live_x", "events": ["message.new"] });
        assert_eq!(kept(&body), r#"{"id":"whk_1","secret":null,"api_key":null,"events":["message.new"]}"#);
    }

    #[test]
    fn what_agents_say_is_kept_as_it_is() {
        let body = r#"{"content":{"data":{"secret":"of the kitchen","big":1e400,"api_key":9007199254740993}}}"#;
        let answer = Answer { status: 200, content_type: String::new(), body: body.to_owned() };
        assert_eq!(answer.to_row().body, body);
        let list = Answer { status: 200, content_type: String::new(), body: r#"["secret"]"#.to_owned() };
        assert_eq!(list.to_row().body, r#"["secret"]"#);
    }

    #[test]
    fn what_may_change_is_not_kept() {
        let answer = |status, length| Answer { status, content_type: String::new(), body: "x".repeat(length) };
        assert!(answer(200, MOST).is_kept() && answer(404, 0).is_kept() && answer(409, 2).is_kept());
        assert!(!answer(200, MOST + 1).is_kept() && !answer(429, 0).is_kept() && !answer(500, 0).is_kept());
    }
}
