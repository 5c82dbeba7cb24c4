//! The pushed frame of a new message, rendered once for all its recipients.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::{MessageContext, MessageType};
use crate::handle::Handle;
use crate::id::{ConversationId, DeliveryId, MessageId};
use crate::json::RawJson;
use crate::timestamp::Timestamp;

/// What a fresh message's frame says, the same for every recipient.
#[derive(Debug, Clone, Copy)]
pub struct MessageFrameParts<'a> {
    /// The message.
    pub id: MessageId,
    /// Where it was written.
    pub conversation_id: ConversationId,
    /// Who wrote it.
    pub sender: &'a Handle,
    /// The sender's own id for it.
    pub client_msg_id: &'a str,
    /// Its place in the conversation.
    pub seq: i64,
    /// What it is.
    pub kind: &'a MessageType,
    /// Its content, compact.
    pub content: &'a RawJson,
    /// Its metadata, compact.
    pub metadata: &'a RawJson,
    /// What the platform says about it.
    pub context: &'a MessageContext,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it leaves the queue by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// The text of a `message.new` frame as two halves around the recipient's delivery id.
///
/// The quotes of the id belong to the halves: a frame is `head`, the bare id, `tail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFrame {
    /// Up to and with the quote before the id.
    pub head: Arc<str>,
    /// From the quote after the id.
    pub tail: Arc<str>,
}

impl LiveFrame {
    /// Renders a message that was stored this moment, as its recipients see it: `stored`, not their own.
    pub fn render(parts: &MessageFrameParts<'_>) -> Self {
        Self { head: head(parts).into(), tail: tail(parts).into() }
    }

    /// How long the whole frame is, in bytes.
    pub fn len(&self) -> usize {
        self.head.len() + DELIVERY_ID_LENGTH + self.tail.len()
    }

    /// Never: a frame has both halves.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The whole frame for one recipient.
    pub fn for_recipient(&self, delivery_id: DeliveryId) -> String {
        let mut text = String::with_capacity(self.len());
        self.write(delivery_id, &mut text);
        text
    }

    /// Appends the whole frame for one recipient.
    pub fn write(&self, delivery_id: DeliveryId, out: &mut String) {
        out.push_str(&self.head);
        push(out, delivery_id);
        out.push_str(&self.tail);
    }
}

const DELIVERY_ID_LENGTH: usize = 36;

fn head(parts: &MessageFrameParts<'_>) -> String {
    let mut out = String::with_capacity(640 + parts.content.as_str().len() + parts.metadata.as_str().len());
    out.push_str(r#"{"type":"message.new","payload":{"id":""#);
    push(&mut out, parts.id);
    out.push_str(r#"","conversation_id":""#);
    push(&mut out, parts.conversation_id);
    out.push_str(r#"","sender":""#);
    out.push_str(parts.sender.as_str());
    out.push_str(r#"","client_msg_id":"#);
    push_json(&mut out, parts.client_msg_id);
    out.push_str(r#","seq":"#);
    push(&mut out, parts.seq);
    out.push_str(r#","type":"#);
    push_json(&mut out, parts.kind.as_str());
    out.push_str(r#","content":"#);
    out.push_str(parts.content.as_str());
    out.push_str(r#","metadata":"#);
    out.push_str(parts.metadata.as_str());
    out.push_str(r#","context":"#);
    push_json(&mut out, parts.context);
    out.push_str(r#","status":"stored","created_at":""#);
    push(&mut out, parts.created_at);
    out.push_str(r#"","delivered_at":null,"read_at":null,"delivery_id":""#);
    out
}

fn tail(parts: &MessageFrameParts<'_>) -> String {
    let mut out = format!(r#"","is_own":false,"sender_handle":"{}""#, parts.sender);
    if let Some(at) = parts.expires_at {
        out.push_str(r#","expires_at":""#);
        push(&mut out, at);
        out.push('"');
    }
    out.push_str("}}");
    out
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // Writing into a String cannot fail.
    let _ = write!(out, "{value}");
}

fn push_json<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    // Strings, and structs of strings and numbers, always serialise.
    out.push_str(&serde_json::to_string(value).unwrap_or_default());
}
