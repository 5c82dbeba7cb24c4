//! `POST /v1/messages` to one agent: replay first, then the checks in their order, then the store steps.

use std::hash::{DefaultHasher, Hash, Hasher};

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, ConversationKind, MessageId};
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::{ContextConversation, Message};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::trace::TraceContext;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::{
    AttachmentScope, DirectMessage, DirectSendState, DirectTarget, EarlierSend, Loudness, PairState, RecipientState,
    Run, StoredDirect,
};
use agentchat_store::{HotRow, Tx, Write};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::direct_rules::{DELETED, FULLY_PAUSED, inbox_has_room, is_cold, permit, sender_lives};
use super::rates::{self, Rate, Spent};
use super::sent::{Fresh, expiry, first_16, fresh, replayed, same_message};
use super::view;
use crate::{Error, Rejection, Verdict, attachments};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One direct send.
#[derive(Debug, Clone)]
pub struct SendDirect {
    pub sender: AgentKey,
    pub request: SendRequest,
    /// `client_msg_id` of the body or, without one there, the `Idempotency-Key` header.
    pub client_msg_id: String,
    pub now: Timestamp,
    pub message_id: MessageId,
    /// Bytes for the conversation's id, should this send open one.
    pub conversation_id: [u8; 16],
    /// What the `send` policy said.
    pub verdict: Verdict,
    pub limits: SendLimits,
}

/// The counts a send is held against.
#[derive(Debug, Clone, Copy)]
pub struct SendLimits {
    /// Unanswered conversations an agent may open within 24 hours.
    pub cold_cap: u64,
    /// Undelivered messages at which a recipient refuses further ones.
    pub backlog_hard: u64,
    /// Undelivered messages from which on the sender is warned.
    pub backlog_warn: u64,
    /// Seconds a message may wait at the most before it expires by itself.
    pub expiry_max_s: u64,
    /// All senders of one group together; None: no limit.
    pub group_send: Option<Rate>,
    /// Quick answers in one conversation, all senders together; None: no limit.
    pub loop_guard: Option<Rate>,
}

/// What a send answers.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The sender's view.
    pub message: Message,
    /// The same message was stored before; nothing happened now.
    pub replayed: bool,
    pub backlog: Option<BacklogWarning>,
    /// Group members that got no envelope because their inbox is full.
    pub skipped_recipients: Vec<Handle>,
    pub conversation: ConversationKey,
    /// Who has it waiting now; empty on a replay.
    pub deliveries: Vec<Delivery>,
    /// What policies of the conversation have left, by their names.
    pub spent: Vec<(&'static str, Spent)>,
}

/// A recipient whose inbox is filling up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacklogWarning {
    pub handle: Handle,
    /// Undelivered messages before this send.
    pub undelivered: u64,
}

/// One envelope of a fresh message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    pub recipient: AgentKey,
    pub position: u64,
    /// The recipient's epoch in this transaction.
    pub epoch: i64,
    /// Not pushed live: muted, or fully paused.
    pub quiet: bool,
    /// What else waits for the recipient's messages: `WANTS_MESSAGES`, `WANTS_WAKING`.
    pub hooks: i64,
}

impl Write for SendDirect {
    type Out = Sent;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Sent, Error> {
        let key16 = first_16(&Sha256::digest(self.client_msg_id.as_bytes()).into());
        let state = self.state(tx, &key16).await?;
        sender_lives(&state.sender)?;
        if let Some(earlier) = state.earlier {
            return self.replay(tx, &state, earlier).await;
        }
        expiry(&self.request, self.now, self.limits.expiry_max_s)?;
        match &self.request.conversation_id {
            Some(id) if id.kind == ConversationKind::Group => {
                return Err(Rejection::new(ErrorCode::GroupNotFound, "No such group").into());
            }
            Some(_) if state.conversation.is_none() => return Err(Rejection::conversation_not_found().into()),
            _ => {}
        }
        let recipient = permit(self.sender, &state)?;
        if let Verdict::Refused(refusal) = self.verdict {
            return Err(refusal.rejection().into());
        }
        let loop_tat_us = self.loop_guard(&state).map_err(|refusal| refusal.rejection())?;
        self.cold_cap(tx, &state).await?;
        let attachment = match &self.request.attachment_id {
            Some(id) => Some(attachments::check(tx, self.sender, AttachmentScope::Agent(recipient.key), id).await?),
            None => None,
        };
        let undelivered = self.undelivered(tx, recipient).await?;
        inbox_has_room(&recipient.handle, undelivered, self.limits.backlog_hard)?;
        let sent = self.store(tx, &state, recipient, &key16, loop_tat_us).await?;
        if let Some(attachment) = attachment {
            tx.use_attachment(self.message_id, attachment).await?;
        }
        Ok(Sent { backlog: self.warning(recipient, undelivered), ..sent })
    }

    /// The recipient's inbox, as far as the request names it.
    fn hot_row(&self) -> Option<HotRow> {
        let mut hasher = DefaultHasher::new();
        match &self.request.conversation_id {
            Some(id) => id.hash(&mut hasher),
            None => self.request.to.hash(&mut hasher),
        }
        Some(HotRow { row: hasher.finish(), order: self.sender.0 })
    }

    fn lock_before_hot_row(&self, tx: &mut Tx<'_>) {
        let mut handle = None;
        tx.lock_direct_conversation(self.sender, self.target(&mut handle));
    }
}

impl SendDirect {
    /// Whom it is for; `handle` keeps what the request spells.
    fn target<'a>(&'a self, handle: &'a mut Option<Handle>) -> DirectTarget<'a> {
        match &self.request.conversation_id {
            Some(id) => DirectTarget::Conversation(id.bytes()),
            None => {
                // What is not a handle is nobody's handle.
                *handle = self.request.to.as_deref().and_then(|to| Handle::parse(to).ok());
                DirectTarget::Handle(handle.as_ref().map_or("", Handle::as_str))
            }
        }
    }

    async fn state(&self, tx: &mut Tx<'_>, key16: &[u8; 16]) -> Result<DirectSendState, Error> {
        let mut handle = None;
        let target = self.target(&mut handle);
        tx.lock_direct(self.sender, target);
        tx.direct_send_state(self.sender, key16, target, self.now.as_millis())
            .await?
            .ok_or_else(|| Rejection::unauthorized().into())
    }

    /// §5.3: the same target and payload answer the original; anything else is a conflict.
    async fn replay(&self, tx: &mut Tx<'_>, state: &DirectSendState, earlier: EarlierSend) -> Result<Sent, Error> {
        let names_a_group = self.request.conversation_id.is_some_and(|id| id.is_group());
        let same_target = !names_a_group && state.conversation.is_some_and(|pair| pair.key == earlier.target);
        same_message(same_target, &earlier, &self.request)?;
        let backlog = match &state.recipient {
            Some(recipient) => self.warning(recipient, self.undelivered(tx, recipient).await?),
            None => None,
        };
        Ok(Sent { backlog, ..replayed(tx, self.sender, earlier, self.now).await? })
    }

    fn loop_guard(&self, state: &DirectSendState) -> Result<i64, crate::Refusal> {
        let run = state.conversation.map(|pair| pair.run).unwrap_or_default();
        let rate = self.limits.loop_guard.filter(|_| !state.sender.is_system);
        rates::loop_guard(rate, run, self.sender, self.now)
    }

    /// What waits for the recipient. What does not any more but was not taken off the counter yet does not count; it is
    /// asked for only where it may matter.
    async fn undelivered(&self, tx: &mut Tx<'_>, recipient: &RecipientState) -> Result<u64, Error> {
        let counted = recipient.undelivered;
        if recipient.status == DELETED {
            return Ok(0);
        }
        let matters = counted.unsigned_abs() >= self.limits.backlog_hard.min(self.limits.backlog_warn);
        let gone = if matters { tx.gone(recipient.key, self.now.as_millis()).await? } else { 0 };
        Ok((counted - gone).unsigned_abs())
    }

    /// Step 9: opening yet another conversation.
    async fn cold_cap(&self, tx: &mut Tx<'_>, state: &DirectSendState) -> Result<(), Error> {
        let cap = self.limits.cold_cap;
        if state.conversation.is_some() || state.sender.is_system {
            return Ok(());
        }
        tx.lock_cold(self.sender);
        let now = self.now.as_millis();
        let (open, oldest) = tx.cold_conversations(self.sender, now - DAY_MS).await?;
        if open.unsigned_abs() < cap {
            return Ok(());
        }
        // The oldest one counts up to and including its 24th hour.
        let wait = oldest.map_or(DAY_MS, |oldest| oldest + DAY_MS - now) + 1;
        Err(Rejection::new(ErrorCode::RateLimited, "Cold outreach limit reached")
            .details(json!({ "reason": "cold_outreach_cap", "limit": cap, "window_s": DAY_MS / 1000 }))
            .retry_after_ms(wait.unsigned_abs())
            .into())
    }

    fn warning(&self, recipient: &RecipientState, undelivered: u64) -> Option<BacklogWarning> {
        let handle = Handle::parse(&recipient.handle).ok()?;
        (undelivered >= self.limits.backlog_warn).then_some(BacklogWarning { handle, undelivered })
    }

    /// Step 12, under the locks.
    async fn store(
        &self,
        tx: &mut Tx<'_>,
        state: &DirectSendState,
        recipient: &RecipientState,
        key16: &[u8; 16],
        loop_tat_us: i64,
    ) -> Result<Sent, Error> {
        let now = self.now.as_millis();
        let pair = self.conversation(tx, state, recipient).await?;
        let answers = !pair.established && !is_cold(Some(&pair), self.sender);
        // Clocks may step back; a conversation's times never do.
        let created_at = now.max(pair.last_at);
        if answers {
            tx.add_contact(self.sender, recipient.key, now).await?;
            tx.add_contact(recipient.key, self.sender, now).await?;
        }
        let mentions = self.request.mentions.iter().map(Handle::as_str).collect::<Vec<_>>().join(" ");
        let trace = self.request.trace.as_ref().map(TraceContext::to_stored);
        let loudness = loudness(recipient);
        let StoredDirect { seq, position, .. } = tx
            .store_direct(&DirectMessage {
                id: &self.message_id.bytes(),
                conversation: pair.key,
                sender: self.sender,
                recipient: recipient.key,
                kind: view::kind_number(&self.request.kind),
                created_at,
                client_msg_id: &self.client_msg_id,
                key16,
                payload_hash: &first_16(&self.request.payload_hash),
                content: self.request.content.as_str(),
                metadata: self.request.metadata.as_ref().map(RawJson::as_str),
                mentions: (!mentions.is_empty()).then_some(mentions.as_str()),
                establishes: answers,
                loudness,
                hooks: recipient.hooks,
                trace: trace.as_deref(),
                expires_at: self.request.expires_at.map(Timestamp::as_millis),
                loop_tat_us,
            })
            .await?;
        Ok(Sent {
            message: fresh(&Fresh {
                request: &self.request,
                id: self.message_id,
                client_msg_id: &self.client_msg_id,
                sender: &state.sender,
                conversation_id: ConversationId::direct(pair.id),
                conversation: ContextConversation::direct(),
                seq,
                created_at,
            })?,
            replayed: false,
            backlog: None,
            skipped_recipients: Vec::new(),
            conversation: pair.key,
            deliveries: vec![Delivery {
                recipient: recipient.key,
                position: position.unsigned_abs(),
                epoch: recipient.epoch,
                quiet: loudness.is_quiet(),
                hooks: recipient.hooks,
            }],
            spent: self.limits.loop_guard.map(|rate| ("loop", rate.spent(loop_tat_us, self.now))).into_iter().collect(),
        })
    }

    /// The pair's conversation, made now if this is their first message.
    async fn conversation(
        &self,
        tx: &mut Tx<'_>,
        state: &DirectSendState,
        recipient: &RecipientState,
    ) -> Result<PairState, Error> {
        if let Some(pair) = state.conversation {
            return Ok(pair);
        }
        let now = self.now.as_millis();
        let id = self.conversation_id;
        let key = tx.create_direct_conversation(&id, self.sender, recipient.key, now).await?;
        Ok(PairState {
            key,
            id,
            initiator: self.sender,
            established: false,
            created_at: now,
            last_at: now,
            run: Run::default(),
        })
    }
}

fn loudness(recipient: &RecipientState) -> Loudness {
    match () {
        () if recipient.muted => Loudness::Muted,
        () if recipient.paused == FULLY_PAUSED => Loudness::Held,
        () => Loudness::Loud,
    }
}
