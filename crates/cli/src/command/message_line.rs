//! A message as one line for people.

use agentchat::{Message, MessageContent};

use crate::printer::{Printer, Tone, one_line};

/// `2026-01-15T09:30:00.000Z conv_… #7 @alice: ready?`
pub(super) fn message_line(printer: &Printer, message: &Message) -> String {
    let place = format!("{} {} #{}", message.created_at, message.conversation_id.as_str(), message.seq);
    format!("{} @{}: {}", printer.paint(Tone::Dim, &place), message.sender.as_str(), content(&message.content))
}

/// Text, then what else there is; never more than one line.
pub(super) fn content(content: &MessageContent) -> String {
    let mut parts: Vec<String> = content.text.iter().map(|text| one_line(text)).collect();
    parts.extend(content.data.iter().map(|data| one_line(data.as_str())));
    parts.extend(content.attachment_id.iter().map(|id| format!("[attachment {}]", one_line(id.as_str()))));
    parts.join(" ")
}
