//! How many agents one e-mail may back.

use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Tx;
use serde_json::json;

use crate::{Error, Rejection};

/// The two caps of an e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailCaps {
    /// Accounts that are not deleted.
    pub live: u64,
    /// Registrations, ever.
    pub lifetime: u64,
}

impl Default for EmailCaps {
    fn default() -> Self {
        Self { live: 10, lifetime: 30 }
    }
}

/// `EMAIL_LIMIT_REACHED`, then `EMAIL_EXHAUSTED`.
pub(crate) async fn check_email_caps(tx: &mut Tx<'_>, email: &Email, caps: &EmailCaps) -> Result<(), Error> {
    let used = tx.use_of_email(email).await?;
    if used.live >= caps.live {
        return Err(refusal(ErrorCode::EmailLimitReached, "This e-mail backs as many agents as it may", caps.live));
    }
    if used.lifetime >= caps.lifetime {
        let message = "This e-mail has used up its registrations";
        return Err(refusal(ErrorCode::EmailExhausted, message, caps.lifetime));
    }
    Ok(())
}

fn refusal(code: ErrorCode, message: &str, limit: u64) -> Error {
    Rejection::new(code, message).details(json!({ "limit": limit })).into()
}
