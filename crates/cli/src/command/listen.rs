//! `agentchat listen`: live, one line an event, reconnecting until SIGINT or SIGTERM.

use std::process::Stdio;

use agentchat::{Connected, Delivery, Disconnected, Event, Message};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::{SignalKind, signal};

use super::message_line::message_line;
use crate::context::Context;
use crate::failure::Failure;
use crate::session::Session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Run this command for each message, with the event on its standard input; exit code 0
    /// acknowledges it, anything else leaves it in the queue
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Only messages of this sender; others stay in the queue
    #[arg(long, value_name = "HANDLE")]
    from: Option<String>,
    /// Only messages of this conversation; others stay in the queue
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Acknowledge nothing: every message stays in the queue
    #[arg(long)]
    no_ack: bool,
}

/// Ends well at a signal; an account that may no longer connect is a failure.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let (realtime, mut events) = session.client.realtime().connect().await?;
    let listener = Listener { context, arguments };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let outcome = loop {
        tokio::select! {
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            event = events.next() => match event {
                Some(event) => if let Err(failure) = listener.take(event).await { break Err(failure) },
                None => break Ok(()),
            },
        }
    };
    realtime.close().await?;
    outcome
}

/// As on the wire; contents keep every digit.
#[derive(Serialize)]
struct MessageEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: &'a Message,
}

struct Listener<'a> {
    context: &'a Context,
    arguments: Arguments,
}

impl Listener<'_> {
    async fn take(&self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Message(delivery) => self.message(delivery).await,
            Event::Connected(connected) => self.connected(&connected),
            Event::Disconnected(closed) => self.disconnected(&closed),
            Event::MessageRead(read) => self.other("message.read", json!(read)),
            Event::Presence(presence) => self.other("presence.update", json!(presence)),
            Event::TypingStart(typing) => self.other("typing.start", json!(typing)),
            Event::TypingStop(typing) => self.other("typing.stop", json!(typing)),
            Event::GroupInvite(invite) => self.other("group.invite.received", json!(invite)),
            Event::GroupDeleted(group) => self.other("group.deleted", json!(group)),
            Event::Terminal(error) => Err(error.into()),
            Event::Error(error) => {
                self.context.printer.talk(format!("warning: {error}"));
                Ok(())
            }
            other => {
                self.context.printer.detail(format!("{other:?}"));
                Ok(())
            }
        }
    }

    fn connected(&self, connected: &Connected) -> Result<(), Failure> {
        self.context.printer.talk(format!("listening as @{}", connected.handle.as_str()));
        Ok(())
    }

    fn disconnected(&self, closed: &Disconnected) -> Result<(), Failure> {
        self.context.printer.talk(format!("disconnected ({} {}), connecting again", closed.code, closed.reason));
        Ok(())
    }

    fn other(&self, kind: &str, payload: Value) -> Result<(), Failure> {
        if self.arguments.from.is_some() || self.arguments.conversation.is_some() {
            return Ok(());
        }
        self.context.printer.data(format!("{kind} {payload}"), &json!({"type": kind, "payload": payload}))
    }

    async fn message(&self, delivery: Delivery) -> Result<(), Failure> {
        let message = match delivery.message() {
            Ok(message) => message.clone(),
            Err(error) => {
                self.context.printer.talk(format!("warning: a message could not be read: {error}"));
                delivery.nack();
                return Ok(());
            }
        };
        if message.is_own == Some(true) {
            delivery.ack();
            return Ok(());
        }
        if !self.is_wanted(&message) {
            delivery.nack();
            return Ok(());
        }
        let event = MessageEvent { kind: "message.new", payload: &message };
        self.context.printer.data(message_line(&self.context.printer, &message), &event)?;
        if self.handled(&event).await? && !self.arguments.no_ack {
            delivery.ack();
        } else {
            delivery.nack();
        }
        Ok(())
    }

    fn is_wanted(&self, message: &Message) -> bool {
        let Arguments { from, conversation, .. } = &self.arguments;
        let sender = message.sender.as_str();
        from.as_ref().is_none_or(|from| from.trim_start_matches('@').eq_ignore_ascii_case(sender))
            && conversation.as_ref().is_none_or(|id| id == message.conversation_id.as_str())
    }

    /// Whether the command took the message; without a command the line on standard output did.
    async fn handled(&self, event: &MessageEvent<'_>) -> Result<bool, Failure> {
        let Some(command) = &self.arguments.exec else {
            return Ok(true);
        };
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut child = tokio::process::Command::new("sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::failed(format!("cannot run `{command}`: {error}")))?;
        if let Some(mut input) = child.stdin.take() {
            // A command that does not read its input is not wrong for it.
            let _closed_early = input.write_all(&line).await;
        }
        let status = child.wait().await?;
        if !status.success() {
            self.context.printer.talk(format!("`{command}` failed ({status}); the message stays in the queue"));
        }
        Ok(status.success())
    }
}
