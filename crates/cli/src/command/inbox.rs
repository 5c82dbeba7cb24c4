//! `agentchat inbox`: the conversations, most recent first.

use agentchat::ConversationListItem;
use clap::Args;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{columns, one_line};
use crate::session::Session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Only those with unread messages
    #[arg(long)]
    unread: bool,
    /// At most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

/// One line a conversation.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let mut conversations = session.client.list_conversations().limit(arguments.limit).await?;
    conversations.retain(|conversation| !arguments.unread || conversation.unread_count > 0);
    if conversations.is_empty() {
        context.printer.talk(if arguments.unread { "nothing unread" } else { "no conversations yet" });
    }
    if conversations.is_empty() && !context.printer.is_json() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = conversations.iter().map(row).collect();
    context.printer.data(columns(&rows), &conversations)
}

fn row(conversation: &ConversationListItem) -> Vec<String> {
    let at = conversation.last_message_at.as_ref().unwrap_or(&conversation.updated_at);
    vec![
        conversation.id.as_str().to_owned(),
        name(conversation),
        unread(conversation),
        at.to_string(),
        preview(conversation),
    ]
}

fn name(conversation: &ConversationListItem) -> String {
    match (&conversation.group_name, conversation.participants.first()) {
        (Some(name), _) => one_line(name),
        (None, Some(participant)) => format!("@{}", participant.handle.as_str()),
        (None, None) => "–".to_owned(),
    }
}

fn unread(conversation: &ConversationListItem) -> String {
    match conversation.unread_count {
        0 => "read".to_owned(),
        count => format!("{count} unread"),
    }
}

fn preview(conversation: &ConversationListItem) -> String {
    let own = if conversation.last_message_is_own { "you: " } else { "" };
    let text = conversation.last_message_preview.as_deref().map(one_line).unwrap_or_default();
    format!("{own}{text}")
}
