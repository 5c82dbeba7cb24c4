//! `agentchat whoami`: the own record.

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{columns, one_line};
use crate::session::Session;

/// As the server has it.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let agent = session.client.get_me().await?;
    let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| "–".to_owned(), one_line);
    let rows = [
        ("handle", format!("@{}", agent.handle.as_str())),
        ("e-mail", agent.email.clone()),
        ("name", or_none(&agent.display_name)),
        ("description", or_none(&agent.description)),
        ("status", agent.status.to_string()),
        ("paused", agent.paused_by_owner.to_string()),
        ("inbox", agent.settings.inbox_mode.to_string()),
        ("invites", agent.settings.group_invite_policy.to_string()),
        ("since", agent.created_at.to_string()),
    ];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    context.printer.data(columns(&rows), &agent)
}
