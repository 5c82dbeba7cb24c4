//! What all sends have in common: replays, expiry, and the message as its sender sees it at once.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::{ContextConversation, Message, MessageContext, MessageStatus};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{EarlierSend, SenderState};
use agentchat_store::{StoreError, Tx};

use super::{Sent, view};
use crate::{Error, Rejection};

/// A message that waits no longer than this would never arrive.
const SOONEST_MS: i64 = 1_000;

/// §5.3: the same target and payload answer the original; anything else is a conflict.
pub(super) fn same_message(same_target: bool, earlier: &EarlierSend, request: &SendRequest) -> Result<(), Rejection> {
    if same_target && earlier.payload_hash == first_16(&request.payload_hash) {
        return Ok(());
    }
    let text = "This client_msg_id was used for another message";
    Err(Rejection::new(ErrorCode::IdempotencyKeyConflict, text))
}

/// The answer to a repeated send: the original as its sender sees it now.
pub(super) async fn replayed(
    tx: &mut Tx<'_>,
    sender: AgentKey,
    earlier: EarlierSend,
    now: Timestamp,
) -> Result<Sent, Error> {
    let row = tx
        .message(sender, earlier.message, now.as_millis())
        .await?
        .ok_or_else(|| StoreError::Internal(format!("message {} of a replay is gone", earlier.message.0)))?;
    let conversation = row.conversation;
    Ok(Sent {
        message: view::message(row)?,
        replayed: true,
        backlog: None,
        skipped_recipients: Vec::new(),
        conversation,
        deliveries: Vec::new(),
        spent: Vec::new(),
    })
}

/// A first write's `expires_at` lies between a second and `max_s` ahead. Asked after replays: a repeat may come later.
pub(super) fn expiry(request: &SendRequest, now: Timestamp, max_s: u64) -> Result<(), Rejection> {
    let Some(at) = request.expires_at else { return Ok(()) };
    let ahead = at.as_millis() - now.as_millis();
    let most = i64::try_from(max_s).unwrap_or(i64::MAX).saturating_mul(1_000);
    if (SOONEST_MS..=most).contains(&ahead) {
        return Ok(());
    }
    Err(Rejection::field("expires_at", &format!("Must be 1 to {max_s} seconds ahead")))
}

/// A message that was stored this moment.
pub(super) struct Fresh<'a> {
    pub(super) request: &'a SendRequest,
    pub(super) id: MessageId,
    pub(super) client_msg_id: &'a str,
    pub(super) sender: &'a SenderState,
    pub(super) conversation_id: ConversationId,
    pub(super) conversation: ContextConversation,
    pub(super) seq: i64,
    pub(super) created_at: i64,
}

/// The message as its sender sees it right after it was stored.
pub(super) fn fresh(new: &Fresh<'_>) -> Result<Message, Error> {
    let sender = view::handle(&new.sender.handle)?;
    let request = new.request;
    Ok(Message {
        id: new.id,
        conversation_id: new.conversation_id,
        sender: sender.clone(),
        client_msg_id: new.client_msg_id.to_owned(),
        seq: new.seq,
        kind: request.kind.clone(),
        content: request.content.clone(),
        metadata: request.metadata.clone().unwrap_or_else(RawJson::empty_object),
        context: MessageContext {
            sender: view::sender_context(sender, new.sender.display_name.clone(), new.sender.is_system),
            conversation: new.conversation.clone(),
            mentions: request.mentions.clone(),
            trace: request.trace.clone(),
        },
        status: MessageStatus::Stored,
        created_at: Timestamp::from_millis(new.created_at),
        delivered_at: None,
        read_at: None,
        delivery_id: None,
        is_own: None,
        sender_handle: None,
        age_ms: None,
        redelivered: None,
        expires_at: request.expires_at,
        expired: None,
    })
}

/// The half of a hash that is kept.
pub(super) fn first_16(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}
