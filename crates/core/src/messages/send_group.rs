//! `POST /v1/messages` to a group: replay first, then the checks of wire.md §5.5, then the fan-out.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::ContextConversation;
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::trace::TraceContext;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AttachmentScope, GroupMessage, GroupSendState, GroupState, Said, StoredGroup};
use agentchat_store::{Tx, Write};
use sha2::{Digest, Sha256};

use super::direct_rules::{not_paused, sender_lives};
use super::rates;
use super::sent::{Fresh, expiry, first_16, fresh, replayed, same_message};
use super::{Delivery, SendLimits, Sent, view};
use crate::conversations::deleted_group;
use crate::{Error, Rejection, Verdict, attachments};

/// One send to a group.
#[derive(Debug, Clone)]
pub struct SendGroup {
    pub sender: AgentKey,
    pub group: ConversationId,
    pub request: SendRequest,
    /// `client_msg_id` of the body or, without one there, the `Idempotency-Key` header.
    pub client_msg_id: String,
    pub now: Timestamp,
    pub message_id: MessageId,
    /// What the `send` policy said.
    pub verdict: Verdict,
    pub limits: SendLimits,
}

/// The states of the group's policies after this message.
struct Taken {
    send_tat_us: i64,
    loop_tat_us: i64,
}

impl Write for SendGroup {
    type Out = Sent;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Sent, Error> {
        let key16 = first_16(&Sha256::digest(self.client_msg_id.as_bytes()).into());
        tx.lock_conversation(self.group);
        tx.lock_member_inboxes(self.group);
        let state =
            tx.group_send_state(self.sender, &key16, &self.group.bytes()).await?.ok_or_else(Rejection::unauthorized)?;
        sender_lives(&state.sender)?;
        if let Some(earlier) = state.earlier {
            let target = tx.group_key(&self.group.bytes()).await?;
            same_message(target == Some(earlier.target), &earlier, &self.request)?;
            return replayed(tx, self.sender, earlier, self.now).await;
        }
        expiry(&self.request, self.now, self.limits.expiry_max_s)?;
        let group = self.permit(tx, &state).await?;
        let taken = self.take(&state, group)?;
        let attachment = match &self.request.attachment_id {
            Some(id) => Some(attachments::check(tx, self.sender, AttachmentScope::Group(group.key), id).await?),
            None => None,
        };
        let sent = self.store(tx, &state, group, &key16, &taken).await?;
        if let Some(attachment) = attachment {
            tx.use_attachment(self.message_id, attachment).await?;
        }
        Ok(sent)
    }
}

impl SendGroup {
    /// Steps 1 and 2.
    async fn permit<'a>(&self, tx: &mut Tx<'_>, state: &'a GroupSendState) -> Result<&'a GroupState, Error> {
        let group = state.group.as_ref().ok_or_else(Rejection::group_not_found)?;
        if let Some(deletion) = group.deleted {
            return Err(Rejection::group_deleted(&deleted_group(tx, self.group, deletion).await?).into());
        }
        if !group.is_member {
            return Err(Rejection::group_not_found().into());
        }
        not_paused(&state.sender)?;
        Ok(group)
    }

    /// Step 3, and the loop guard.
    fn take(&self, state: &GroupSendState, group: &GroupState) -> Result<Taken, Rejection> {
        if let Verdict::Refused(refusal) = self.verdict {
            return Err(refusal.rejection());
        }
        let send_tat_us = rates::group_send(self.limits.group_send, group.send_tat_us, self.now)
            .map_err(|refusal| refusal.rejection())?;
        let guard = self.limits.loop_guard.filter(|_| !state.sender.is_system);
        let loop_tat_us =
            rates::loop_guard(guard, group.run, self.sender, self.now).map_err(|refusal| refusal.rejection())?;
        Ok(Taken { send_tat_us, loop_tat_us })
    }

    /// Step 5, under the locks.
    async fn store(
        &self,
        tx: &mut Tx<'_>,
        state: &GroupSendState,
        group: &GroupState,
        key16: &[u8; 16],
        taken: &Taken,
    ) -> Result<Sent, Error> {
        // Clocks may step back; a conversation's times never do.
        let created_at = self.now.as_millis().max(group.last_at);
        let mentions = self.request.mentions.iter().map(Handle::as_str).collect::<Vec<_>>().join(" ");
        let trace = self.request.trace.as_ref().map(TraceContext::to_stored);
        let stored = tx
            .store_group_message(&GroupMessage {
                id: &self.message_id.bytes(),
                conversation: group.key,
                sender: self.sender,
                kind: view::kind_number(&self.request.kind),
                created_at,
                client_msg_id: &self.client_msg_id,
                metadata: self.request.metadata.as_ref().map(RawJson::as_str),
                content: self.request.content.as_str(),
                mentions: (!mentions.is_empty()).then_some(mentions.as_str()),
                trace: trace.as_deref(),
                insists: false,
                expires_at: self.request.expires_at.map(Timestamp::as_millis),
                backlog_hard: i64::try_from(self.limits.backlog_hard).unwrap_or(i64::MAX),
                said: Some(Said {
                    key16,
                    payload_hash: &first_16(&self.request.payload_hash),
                    send_tat_us: taken.send_tat_us,
                    loop_tat_us: taken.loop_tat_us,
                }),
            })
            .await?;
        let message = fresh(&Fresh {
            request: &self.request,
            id: self.message_id,
            client_msg_id: &self.client_msg_id,
            sender: &state.sender,
            conversation_id: self.group,
            conversation: ContextConversation::group(group.name.clone(), group.members),
            seq: stored.seq,
            created_at,
        })?;
        Ok(Sent {
            message,
            replayed: false,
            backlog: None,
            skipped_recipients: stored.skipped.iter().map(|one| view::handle(one)).collect::<Result<_, _>>()?,
            conversation: group.key,
            deliveries: deliveries(&stored),
            spent: self.spent(taken),
        })
    }

    fn spent(&self, taken: &Taken) -> Vec<(&'static str, rates::Spent)> {
        let send = self.limits.group_send.map(|rate| ("group_send", rate.spent(taken.send_tat_us, self.now)));
        let guard = self.limits.loop_guard.map(|rate| ("loop", rate.spent(taken.loop_tat_us, self.now)));
        send.into_iter().chain(guard).collect()
    }
}

/// Who has a group's message waiting now.
pub(crate) fn deliveries(stored: &StoredGroup) -> Vec<Delivery> {
    let delivery = |envelope: &agentchat_store::tables::GroupEnvelope| Delivery {
        recipient: envelope.recipient,
        position: envelope.position.unsigned_abs(),
        epoch: envelope.epoch,
        quiet: envelope.quiet,
        hooks: envelope.hooks,
    };
    stored.envelopes.iter().map(delivery).collect()
}
