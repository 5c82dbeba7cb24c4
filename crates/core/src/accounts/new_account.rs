//! What somebody wants to register: validated, not yet an account.

use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::validate::{FieldErrors, Object};
use agentchat_store::Tx;
use serde_json::json;

use super::{EmailCaps, check_email_caps};
use crate::agents::{ProfileText, TextLengths};
use crate::{Error, Rejection};

/// E-mail, handle and profile of an account to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    pub email: Email,
    pub handle: Handle,
    pub display_name: Option<String>,
    pub description: Option<String>,
}

impl NewAccount {
    /// Reads a registration's body: every field first, then the handle's form and the reserved names.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`, `INVALID_HANDLE`.
    pub fn parse(body: &[u8], lengths: TextLengths) -> Result<Self, Rejection> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let email = body.req_str("email", &mut errors).map(Email::parse);
        if matches!(email, Some(Err(_))) {
            errors.field("email", "Not a valid e-mail address");
        }
        let handle = body.req_str("handle", &mut errors);
        let text = ProfileText::read(&body, lengths, &mut errors);
        match (email, handle) {
            (Some(Ok(email)), Some(handle)) if errors.is_empty() => Ok(Self {
                email,
                handle: acceptable(handle)?,
                display_name: text.display_name.flatten(),
                description: text.description.flatten(),
            }),
            _ => Err(errors.into()),
        }
    }

    /// `HANDLE_TAKEN`, then the caps of the e-mail.
    pub(crate) async fn check(&self, tx: &mut Tx<'_>, caps: &EmailCaps) -> Result<(), Error> {
        tx.lock_mailbox(&self.email);
        if tx.agent_by_handle(&self.handle).await?.is_some() {
            return Err(handle_taken().into());
        }
        check_email_caps(tx, &self.email, caps).await
    }
}

fn acceptable(text: &str) -> Result<Handle, Rejection> {
    let Ok(handle) = Handle::parse(text) else {
        let message = "A handle has 3 to 30 of a-z, 0-9 and single inner hyphens, and starts with a letter";
        return Err(invalid_handle(message, "format"));
    };
    if handle.is_reserved() { Err(invalid_handle("This handle is reserved", "reserved")) } else { Ok(handle) }
}

fn invalid_handle(message: &str, reason: &str) -> Rejection {
    Rejection::new(ErrorCode::InvalidHandle, message).details(json!({ "reason": reason }))
}

/// The handle exists, be its account deleted or not.
pub(crate) fn handle_taken() -> Rejection {
    Rejection::new(ErrorCode::HandleTaken, "This handle is taken")
}
