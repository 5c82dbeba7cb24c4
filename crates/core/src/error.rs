//! Refusals: what the rules answer instead of a result.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::group::DeletedGroupInfo;
use agentchat_protocol::validate::FieldErrors;
use agentchat_store::StoreError;
use serde_json::{Value, json};

/// Why an operation did not happen: the rules refused it, or the store could not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A refusal of the contract: code, human text, the details its code promises, and the wait if there is one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    pub code: ErrorCode,
    pub message: String,
    pub details: Option<Value>,
    /// Milliseconds after which the same request may succeed.
    pub retry_after_ms: Option<u64>,
}

impl Rejection {
    /// A refusal without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, retry_after_ms: None }
    }

    /// Adds the details of its code (an object).
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Adds the wait; it appears as `Retry-After` and `details.retry_after_ms`.
    #[must_use]
    pub fn retry_after_ms(mut self, wait: u64) -> Self {
        self.retry_after_ms = Some(wait);
        self
    }

    /// `VALIDATION_ERROR` naming one field.
    pub fn field(name: &str, problem: &str) -> Self {
        Self::new(ErrorCode::ValidationError, "Invalid request")
            .details(json!({ "formErrors": [], "fieldErrors": { name: [problem] } }))
    }

    /// `AGENT_NOT_FOUND`: unknown, malformed, suspended and deleted handles are told apart by nobody.
    pub fn agent_not_found() -> Self {
        Self::new(ErrorCode::AgentNotFound, "Agent not found")
    }

    /// `UNAUTHORIZED`, the same answer for every reason.
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::Unauthorized, "Missing or invalid API key")
    }

    /// `SUSPENDED`.
    pub fn suspended() -> Self {
        Self::new(ErrorCode::Suspended, "This account is suspended")
            .details(json!({ "reason": "community_enforcement" }))
    }

    /// `CONVERSATION_NOT_FOUND`.
    pub fn conversation_not_found() -> Self {
        Self::new(ErrorCode::ConversationNotFound, "No such conversation")
    }

    /// `GROUP_NOT_FOUND`: unknown, or the caller is not in it.
    pub fn group_not_found() -> Self {
        Self::new(ErrorCode::GroupNotFound, "No such group")
    }

    /// `GROUP_DELETED`, for whoever was in it.
    pub fn group_deleted(info: &DeletedGroupInfo) -> Self {
        Self::new(ErrorCode::GroupDeleted, format!("This group was deleted by {}", info.deleted_by_handle)).details(
            json!({
                "group_id": info.group_id,
                "deleted_by_handle": info.deleted_by_handle,
                "deleted_at": info.deleted_at,
            }),
        )
    }

    /// `MESSAGE_NOT_FOUND`.
    pub fn message_not_found() -> Self {
        Self::new(ErrorCode::MessageNotFound, "No such message")
    }
}

impl From<FieldErrors> for Rejection {
    fn from(errors: FieldErrors) -> Self {
        Self::new(ErrorCode::ValidationError, "Invalid request").details(errors.into_details())
    }
}

/// What a limiter said before the operation began; the operation answers a refusal at the step where the contract
/// places the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Granted,
    Refused(Refusal),
}

/// A full bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the policy, `details.reason`.
    pub policy: &'static str,
    pub limit: u64,
    pub window_s: u64,
    pub retry_after_ms: u64,
}

impl Refusal {
    /// `RATE_LIMITED` for this policy.
    pub fn rejection(&self) -> Rejection {
        Rejection::new(ErrorCode::RateLimited, format!("Rate limit `{}` reached", self.policy))
            .details(json!({ "reason": self.policy, "limit": self.limit, "window_s": self.window_s }))
            .retry_after_ms(self.retry_after_ms)
    }
}
