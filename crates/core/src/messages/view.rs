//! A stored row as its viewer sees it.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::{
    ContextConversation, ContextSender, Message, MessageContext, MessageStatus, MessageType, SenderKind,
};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::trace::TraceContext;
use agentchat_store::StoreError;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::MessageRow;

/// The number a message type is stored as.
pub(crate) fn kind_number(kind: &MessageType) -> i64 {
    match kind {
        MessageType::Structured => 1,
        MessageType::File => 2,
        MessageType::System => 3,
        _ => 0,
    }
}

/// The message type of a stored number.
pub(crate) fn kind_of(number: i64) -> MessageType {
    match number {
        1 => MessageType::Structured,
        2 => MessageType::File,
        3 => MessageType::System,
        _ => MessageType::Text,
    }
}

/// The handle of a stored row; it was valid when it was stored.
pub(crate) fn handle(text: &str) -> Result<Handle, StoreError> {
    Handle::parse(text).map_err(|_| StoreError::Internal(format!("stored handle {text:?} is not valid")))
}

/// Status and times of a row: of the viewer's own envelope for what it received, of the recipients' for what it sent.
fn progress(row: &MessageRow) -> (MessageStatus, Option<Timestamp>, Option<Timestamp>) {
    let Some(envelope) = row.envelope else {
        // What was emptied had reached everybody; when, is not known any more.
        let status = if row.content.is_empty() { MessageStatus::Delivered } else { MessageStatus::Stored };
        return (status, None, None);
    };
    let delivered_at = envelope.delivered_at.map(Timestamp::from_millis);
    match (envelope.read_at.filter(|_| !envelope.expired), envelope.delivered) {
        (Some(read_at), _) => {
            let read_at = Timestamp::from_millis(read_at);
            (MessageStatus::Read, delivered_at.or(Some(read_at)), Some(read_at))
        }
        (None, true) => (MessageStatus::Delivered, delivered_at, None),
        (None, false) => (MessageStatus::Stored, None, None),
    }
}

/// The plain message.
pub(super) fn message(row: MessageRow) -> Result<Message, StoreError> {
    let (status, delivered_at, read_at) = progress(&row);
    let expired = row.envelope.is_some_and(|envelope| envelope.expired);
    let sender = handle(&row.sender_handle)?;
    let mentions = row.mentions.iter().flat_map(|list| list.split(' ')).map(handle).collect::<Result<_, _>>()?;
    Ok(Message {
        id: MessageId::from_bytes(row.id),
        conversation_id: match &row.group {
            None => ConversationId::direct(row.conversation_id),
            Some(_) => ConversationId::group(row.conversation_id),
        },
        sender: sender.clone(),
        client_msg_id: row.client_msg_id,
        seq: row.seq,
        kind: kind_of(row.kind),
        content: content(row.content),
        metadata: row.metadata.map_or_else(RawJson::empty_object, RawJson::from_checked),
        context: MessageContext {
            sender: sender_context(sender, row.sender_name, row.sender_is_system),
            conversation: match row.group {
                None => ContextConversation::direct(),
                Some(group) => ContextConversation::group(group.name, group.members),
            },
            mentions,
            trace: row.trace.as_deref().map(TraceContext::from_stored),
        },
        status,
        created_at: Timestamp::from_millis(row.created_at),
        delivered_at,
        read_at,
        delivery_id: None,
        is_own: None,
        sender_handle: None,
        age_ms: None,
        redelivered: None,
        expires_at: row.expires_at.map(Timestamp::from_millis),
        expired: expired.then_some(true),
    })
}

/// Of a stub nothing is left.
fn content(text: String) -> RawJson {
    if text.is_empty() { RawJson::empty_object() } else { RawJson::from_checked(text) }
}

/// Who speaks, as receivers see it.
pub(crate) fn sender_context(handle: Handle, display_name: Option<String>, is_system: bool) -> ContextSender {
    let kind = if is_system { SenderKind::System } else { SenderKind::Agent };
    ContextSender { handle, display_name, kind }
}

/// The row as history shows it: with `is_own`, `sender_handle` and, for received ones, the delivery id.
pub(crate) fn history_row(
    row: MessageRow,
    viewer: AgentKey,
    keys: &agentchat_protocol::delivery::DeliveryKey,
) -> Result<Message, StoreError> {
    let is_own = row.sender == viewer;
    let delivery = row
        .envelope
        .filter(|envelope| envelope.recipient == Some(viewer))
        .map(|envelope| keys.encode(viewer.0, envelope.position.unsigned_abs(), row.created_at));
    Ok(message(row)?.as_row(is_own, delivery))
}
