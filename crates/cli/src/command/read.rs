//! `agentchat read CONVERSATION`: its messages, oldest first.

use agentchat::{Client, ConversationId, Message};
use clap::Args;

use super::message_line::message_line;
use super::target::Target;
use crate::context::Context;
use crate::failure::Failure;
use crate::session::Session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// conv_…, grp_…, or the handle of the other side
    conversation: String,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Only messages below this seq
    #[arg(long, value_name = "SEQ", group = "place")]
    before: Option<u64>,
    /// Only messages above this seq, from the oldest on
    #[arg(long, value_name = "SEQ", group = "place")]
    after: Option<u64>,
    /// The messages up to and including this one
    #[arg(long, value_name = "ID", group = "place")]
    around: Option<String>,
    /// Mark them as read; their senders learn of it
    #[arg(long)]
    mark: bool,
}

/// Prints a page; marks the newest received row of it when asked to.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let conversation = Target::parse(&arguments.conversation).conversation(&session.client).await?;
    let mut rows = page(&session.client, &conversation, &arguments).await?;
    rows.sort_by_key(|row| row.seq);
    if arguments.mark {
        mark(&session.client, &rows).await?;
    }
    if rows.is_empty() {
        context.printer.talk("no messages");
    }
    let lines: Vec<String> = rows.iter().map(|row| message_line(&context.printer, row)).collect();
    if lines.is_empty() && !context.printer.is_json() {
        return Ok(());
    }
    context.printer.data(lines.join("\n"), &rows)
}

async fn page(client: &Client, conversation: &ConversationId, arguments: &Arguments) -> Result<Vec<Message>, Failure> {
    let mut call = client.get_messages(conversation).limit(arguments.limit);
    if let Some(seq) = arguments.before {
        call = call.before_seq(seq);
    }
    if let Some(seq) = arguments.after {
        call = call.after_seq(seq);
    }
    if let Some(id) = &arguments.around {
        call = call.around(id);
    }
    Ok(call.await?)
}

async fn mark(client: &Client, rows: &[Message]) -> Result<(), Failure> {
    let newest = rows.iter().rev().find(|row| row.is_own != Some(true));
    if let Some(newest) = newest {
        client.mark_as_read(&newest.id).await?;
    }
    Ok(())
}
