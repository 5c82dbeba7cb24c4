//! `agentchat send TO TEXT…`.

use std::time::{Duration, Instant};

use agentchat::{Client, DeliveryId, Message, MessageId, MessageType, RawJson, SendMessage, Sent};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::message_line::message_line;
use super::target::Target;
use crate::context::Context;
use crate::failure::Failure;
use crate::session::Session;

/// Between two looks at the conversation at most, however quiet the server is.
const LOOK_EVERY: Duration = Duration::from_secs(10);

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// A handle, conv_… or grp_…
    to: String,
    /// The text; `-` reads it from standard input
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Id of the message this one answers
    #[arg(long, value_name = "ID")]
    reply_to: Option<String>,
    /// An object for programs
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Own id of the message: sent twice with the same id it is stored once
    #[arg(long, value_name = "ID")]
    client_msg_id: Option<String>,
    /// Wait for the next message of the conversation and print it
    #[arg(long, value_name = "SECONDS")]
    wait_reply: Option<u64>,
}

/// Sends, then waits if asked to.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let sent = session.client.send_message(request(&arguments)?).await?;
    warn(context, &sent);
    let Some(seconds) = arguments.wait_reply else {
        return context.printer.data(line(&sent), &document(&sent)?);
    };
    context.printer.talk(line(&sent));
    let reply = wait_for_reply(&session.client, &sent.message, Duration::from_secs(seconds)).await?;
    let text = reply.as_ref().map(|reply| message_line(&context.printer, reply));
    let exchange = Exchange { sent: document(&sent)?, reply };
    if let Some(text) = text {
        return context.printer.data(text, &exchange);
    }
    if context.printer.is_json() {
        context.printer.document(&exchange)?;
    }
    Err(Failure::failed(format!("no reply within {seconds} s")).hint("the message was sent all the same"))
}

fn request(arguments: &Arguments) -> Result<SendMessage, Failure> {
    let mut request = match Target::parse(&arguments.to) {
        Target::Handle(handle) => SendMessage::to(handle.as_str()),
        Target::Conversation(id) => SendMessage::in_conversation(id),
    };
    let text = text(arguments)?;
    if text.is_none() && arguments.data.is_none() {
        return Err(Failure::usage("nothing to send: give a text, `-` or --data"));
    }
    if let Some(data) = &arguments.data {
        request = request.data(&object(data)?).kind(MessageType::Structured);
    }
    if let Some(text) = text {
        request = request.text(text).kind(MessageType::Text);
    }
    if let Some(id) = &arguments.reply_to {
        request = request.reply_to(&MessageId::from(id.as_str()));
    }
    if let Some(id) = &arguments.client_msg_id {
        request = request.client_msg_id(id);
    }
    Ok(request)
}

/// The object as it was typed: numbers keep their digits.
fn object(text: &str) -> Result<RawJson, Failure> {
    let raw = RawJson::new(text.trim()).map_err(|error| Failure::usage(format!("--data: {}", error.message())))?;
    if !raw.as_str().starts_with('{') {
        return Err(Failure::usage("--data must be a JSON object"));
    }
    Ok(raw)
}

fn text(arguments: &Arguments) -> Result<Option<String>, Failure> {
    match arguments.text.as_slice() {
        [] => Ok(None),
        [dash] if dash == "-" => {
            let text = std::io::read_to_string(std::io::stdin())?;
            Ok(Some(text.strip_suffix('\n').unwrap_or(&text).to_owned()))
        }
        words => Ok(Some(words.join(" "))),
    }
}

fn warn(context: &Context, sent: &Sent) {
    if let Some(backlog) = &sent.backlog {
        let (handle, count) = (&backlog.recipient_handle, backlog.undelivered_count);
        context.printer.talk(format!("warning: @{handle} has {count} undelivered messages"));
    }
    if sent.replayed {
        context.printer.talk("this client_msg_id was sent before; nothing new was stored");
    }
}

fn line(sent: &Sent) -> String {
    let message = &sent.message;
    format!("{} {} #{} {}", message.id.as_str(), message.conversation_id.as_str(), message.seq, message.status)
}

/// The message as on the wire, digit for digit, with what the headers said.
fn document(sent: &Sent) -> Result<Box<RawValue>, Failure> {
    let warning = sent.backlog.as_ref().map(
        |backlog| json!({"recipient_handle": backlog.recipient_handle, "undelivered_count": backlog.undelivered_count}),
    );
    let message = serde_json::to_string(&sent.message)?;
    let members = message.strip_suffix('}').unwrap_or(&message);
    let (replayed, warning) = (sent.replayed, json!(warning));
    Ok(RawValue::from_string(format!(r#"{members},"replayed":{replayed},"backlog_warning":{warning}}}"#))?)
}

/// A send and what came back.
#[derive(Serialize)]
struct Exchange {
    sent: Box<RawValue>,
    reply: Option<Message>,
}

/// The next message that somebody else writes into the conversation. Nothing is acknowledged: the
/// reply stays in the queue for whoever drains it.
async fn wait_for_reply(client: &Client, sent: &Message, limit: Duration) -> Result<Option<Message>, Failure> {
    let deadline = Instant::now() + limit;
    let mut cursor: Option<DeliveryId> = None;
    let mut seen = sent.seq;
    loop {
        let rows = client.get_messages(&sent.conversation_id).after_seq(seen).await?;
        if let Some(reply) = rows.iter().find(|row| row.sender != sent.sender) {
            return Ok(Some(reply.clone()));
        }
        seen = rows.last().map_or(seen, |row| row.seq);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        wait_for_any(client, &mut cursor, left.min(LOOK_EVERY)).await?;
    }
}

/// Returns as soon as a message that was not seen yet waits for the account, or after `limit`.
async fn wait_for_any(client: &Client, cursor: &mut Option<DeliveryId>, limit: Duration) -> Result<(), Failure> {
    let mut call = client.sync().limit(500).wait(limit);
    if let Some(cursor) = cursor.as_ref() {
        call = call.after(cursor);
    }
    if let Some(last) = call.await?.into_iter().last() {
        *cursor = last.delivery_id.or(cursor.take());
    }
    Ok(())
}
