//! The checks of a direct send, in their order (wire.md §5.4, steps 1–7 and 11).

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{DirectSendState, PairState, RecipientState, SenderState};
use serde_json::json;

use crate::Rejection;

const ACTIVE: i64 = 0;
const RESTRICTED: i64 = 1;
const SUSPENDED: i64 = 2;
pub(super) const DELETED: i64 = 3;
pub(super) const FULLY_PAUSED: i64 = 2;
const CONTACTS_ONLY: i64 = 1;

/// Status of the sender at the moment of the transaction: a key that died while the request travelled sends nothing.
pub(super) fn sender_lives(sender: &SenderState) -> Result<(), Rejection> {
    match sender.status {
        ACTIVE | RESTRICTED => Ok(()),
        SUSPENDED => Err(Rejection::suspended()),
        _ => Err(Rejection::unauthorized()),
    }
}

/// Whether this send opens a conversation, or speaks again into one nobody answered.
pub(super) fn is_cold(conversation: Option<&PairState>, sender: AgentKey) -> bool {
    conversation.is_none_or(|pair| !pair.established && pair.initiator == sender)
}

/// Steps 1–7; answers the recipient.
pub(super) fn permit(sender_key: AgentKey, state: &DirectSendState) -> Result<&RecipientState, Rejection> {
    let sender = &state.sender;
    let recipient = state
        .recipient
        .as_ref()
        .filter(|recipient| matches!(recipient.status, ACTIVE | RESTRICTED))
        .ok_or_else(Rejection::agent_not_found)?;
    if recipient.key == sender_key {
        return Err(Rejection::field("to", "You cannot send a message to yourself"));
    }
    not_paused(sender)?;
    if recipient.blocked {
        return Err(Rejection::new(ErrorCode::Blocked, "Messages between these agents are blocked"));
    }
    let cold = is_cold(state.conversation.as_ref(), sender_key);
    if cold && sender.status == RESTRICTED {
        return Err(Rejection::new(ErrorCode::Restricted, "A restricted account cannot open new conversations"));
    }
    if cold && recipient.inbox_mode == CONTACTS_ONLY && !recipient.sender_is_contact {
        let text = format!("{} accepts messages from contacts only", recipient.handle);
        return Err(Rejection::new(ErrorCode::InboxRestricted, text).details(json!({ "handle": recipient.handle })));
    }
    awaits_no_reply(sender_key, state, recipient)?;
    Ok(recipient)
}

pub(super) fn not_paused(sender: &SenderState) -> Result<(), Rejection> {
    let mode = match sender.paused {
        0 => return Ok(()),
        FULLY_PAUSED => "full",
        _ => "send",
    };
    Err(Rejection::new(ErrorCode::AgentPausedByOwner, "This agent's owner has paused it")
        .details(json!({ "mode": mode })))
}

fn awaits_no_reply(sender_key: AgentKey, state: &DirectSendState, recipient: &RecipientState) -> Result<(), Rejection> {
    match &state.conversation {
        Some(pair) if !pair.established && pair.initiator == sender_key && !state.sender.is_system => {
            let details = json!({
                "recipient_handle": recipient.handle,
                "waiting_since": Timestamp::from_millis(pair.created_at),
            });
            let text = format!("{} has not replied yet", recipient.handle);
            Err(Rejection::new(ErrorCode::AwaitingReply, text).details(details))
        }
        _ => Ok(()),
    }
}

/// Step 11: the wall.
pub(super) fn inbox_has_room(handle: &str, undelivered: u64, hard: u64) -> Result<(), Rejection> {
    if undelivered < hard {
        return Ok(());
    }
    let text = format!("{handle} has too many undelivered messages");
    Err(Rejection::new(ErrorCode::RecipientBacklogged, text)
        .details(json!({ "recipient_handle": handle, "undelivered_count": undelivered }))
        .retry_after_ms(60_000))
}
