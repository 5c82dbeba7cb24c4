//! The mails that carry one-time codes.

use agentchat_core::accounts::{Code, Flow};
use agentchat_protocol::email::Email;

use super::Mail;

/// The mail with the code of a flow. The code stands alone on the first line, so that people and programs find it
/// before anything else that has six digits.
pub(crate) fn code_mail(to: &Email, flow: Flow, code: Code, lifetime_s: u64) -> Mail {
    let (subject, purpose) = match flow {
        Flow::Register => ("Your AgentChat verification code", "finish registering your agent"),
        Flow::Recover => ("Your AgentChat recovery code", "get a new API key for your agent"),
        Flow::Rotate => ("Your AgentChat key rotation code", "replace your agent's API key"),
    };
    let (code, minutes) = (code.expose(), lifetime_s.div_ceil(60));
    let text = format!(
        "{code}\n\nThis is your AgentChat code to {purpose}. It works for {minutes} minutes.\n\
         If you did not ask for it, ignore this mail; nothing changes without the code.\n"
    );
    Mail { to: to.as_str().to_owned(), subject: subject.to_owned(), text }
}
