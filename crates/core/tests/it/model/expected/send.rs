//! Sending (wire.md §5, extensions.md X2, X3).

use agentchat_protocol::id::{ConversationId, MessageId};
use serde_json::{Value, json};

use super::views::time;
use super::{
    Answer, Conversation, DAY, Draft, Envelope, Kind, LIMITS, Model, Muted, Pause, Refused, Said, Seat, Sent, Status,
    Target, Turn, Who, invalid, refused, refused_with,
};
use crate::model::script::NAMES;

/// An answer that is quicker than this after what another said counts for the loop guard.
const QUICK: i64 = 30_000;
/// What expires sooner is not taken.
const SOONEST: i64 = 1_000;

/// A message on its way into a conversation.
pub(super) struct News {
    pub(super) id: MessageId,
    pub(super) sender: Who,
    pub(super) client_msg_id: String,
    pub(super) kind: &'static str,
    pub(super) content: Value,
    pub(super) metadata: Value,
    pub(super) expires_at: Option<i64>,
}

/// What became of a message: where it is, and who was passed over.
pub(super) struct Stored {
    pub(super) conversation: usize,
    pub(super) seq: usize,
    pub(super) skipped: Vec<Who>,
}

impl Model {
    pub(super) fn send(&mut self, who: Who, target: &Target, draft: &Draft, turn: &Turn) -> Answer {
        if let Some(earlier) = self.sent.get(&(who, draft.client_msg_id.clone())).cloned() {
            return self.replay(who, target, draft, &earlier);
        }
        if draft.expires_at.is_some_and(|at| !(SOONEST..=LIMITS.expiry_max_ms).contains(&(at - self.now))) {
            return Err(invalid());
        }
        match target {
            Target::Name(name) => self.send_direct(who, self.find_somebody(name)?, target, draft, turn),
            Target::Conversation(id) if id.is_group() => self.send_to_group(who, *id, target, draft, turn),
            Target::Conversation(id) => {
                let other = self.counterparty(who, *id).ok_or_else(|| refused("CONVERSATION_NOT_FOUND"))?;
                let other = self.find_somebody(NAMES[other])?;
                self.send_direct(who, other, target, draft, turn)
            }
        }
    }

    /// The other side of an own direct conversation.
    fn counterparty(&self, who: Who, id: ConversationId) -> Option<Who> {
        let conversation = &self.conversations[self.find_conversation(id)?];
        conversation.seats.get(&who).and_then(|_| conversation.other(who))
    }

    fn replay(&self, who: Who, target: &Target, draft: &Draft, earlier: &Sent) -> Answer {
        let recipient = |target: &Target| match target {
            Target::Name(name) => self.named(name).map(|other| (Some(other), None)),
            Target::Conversation(id) if id.is_group() => Some((None, Some(*id))),
            Target::Conversation(id) => self.counterparty(who, *id).map(|other| (Some(other), None)),
        };
        let same_target = recipient(target).is_some_and(|this| Some(this) == recipient(&earlier.target));
        let payload = |draft: &Draft| (draft.kind, draft.content.clone(), draft.metadata.clone(), draft.expires_at);
        if !same_target || payload(draft) != payload(&earlier.draft) {
            return Err(refused("IDEMPOTENCY_KEY_CONFLICT"));
        }
        let other = self.conversations[earlier.conversation].other(who);
        Ok(json!({
            "message": self.message(who, earlier.conversation, earlier.seq),
            "replayed": true,
            "skipped_recipients": [],
            "backlog": other.map(|other| self.backlog_warning(other)),
            "pushed": {},
        }))
    }

    fn backlog_warning(&self, recipient: Who) -> Value {
        match self.undelivered(recipient) {
            count if count >= LIMITS.backlog_warn => json!({ "handle": NAMES[recipient], "undelivered": count }),
            _ => Value::Null,
        }
    }

    fn not_paused(&self, who: Who) -> Result<(), Refused> {
        match self.agent(who).pause {
            Pause::No => Ok(()),
            Pause::Send => Err(refused_with("AGENT_PAUSED_BY_OWNER", json!({ "mode": "send" }))),
            Pause::Full => Err(refused_with("AGENT_PAUSED_BY_OWNER", json!({ "mode": "full" }))),
        }
    }

    /// Steps 2–11 of §5.4, then 12.
    fn send_direct(&mut self, who: Who, other: Who, target: &Target, draft: &Draft, turn: &Turn) -> Answer {
        if other == who {
            return Err(invalid());
        }
        self.not_paused(who)?;
        if self.is_blocked_between(who, other) {
            return Err(refused("BLOCKED"));
        }
        let existing = self.direct_with(who, other);
        let unanswered = existing.filter(|at| {
            matches!(self.conversations[*at].kind, Kind::Direct { initiator, established: false } if initiator == who)
        });
        let cold = existing.is_none() || unanswered.is_some();
        let (sender, recipient) = (self.agent(who), self.agent(other));
        if cold && sender.status == Status::Restricted {
            return Err(refused("RESTRICTED"));
        }
        if cold && recipient.inbox_contacts_only && !self.knows(other, who) {
            return Err(refused_with("INBOX_RESTRICTED", json!({ "handle": NAMES[other] })));
        }
        if let Some(at) = unanswered.filter(|_| !sender.is_system) {
            let since = self.conversations[at].messages[0].created_at;
            let details = json!({ "recipient_handle": NAMES[other], "waiting_since": time(since) });
            return Err(refused_with("AWAITING_REPLY", details));
        }
        let loop_guard = existing.map_or(Ok(0), |at| self.loop_guard(who, at))?;
        if existing.is_none() && !sender.is_system {
            self.cold_cap(who)?;
        }
        if self.undelivered(other) >= LIMITS.backlog_hard {
            let details = json!({
                "recipient_handle": NAMES[other],
                "undelivered_count": self.undelivered(other),
                "retry_after_ms": 60_000,
            });
            return Err(refused_with("RECIPIENT_BACKLOGGED", details));
        }
        let backlog = self.backlog_warning(other);
        let at = existing.unwrap_or_else(|| self.open_direct(who, other, turn));
        self.conversations[at].loop_guard = loop_guard;
        self.establish(at, who, other);
        let stored = self.say(at, news(who, draft, turn), &[other], usize::MAX);
        self.remember(who, target, draft, &stored);
        Ok(self.sent(who, &stored, backlog))
    }

    /// Policy `loop` after one more message of `who`.
    fn loop_guard(&self, who: Who, at: usize) -> Result<i64, Refused> {
        let conversation = &self.conversations[at];
        let last = conversation.messages.iter().rev().find(|message| message.kind != "system");
        let quick = last.is_some_and(|last| last.sender != who && self.now - last.created_at < QUICK);
        if !quick || self.agent(who).is_system {
            return Ok(conversation.loop_guard);
        }
        LIMITS.loop_guard.take("loop_guard", conversation.loop_guard, self.now)
    }

    fn cold_cap(&self, who: Who) -> Result<(), Refused> {
        let counted: Vec<i64> = self
            .conversations
            .iter()
            .filter(|one| matches!(one.kind, Kind::Direct { initiator, established: false } if initiator == who))
            .map(|one| one.created_at)
            .filter(|created_at| *created_at >= self.now - DAY)
            .collect();
        match counted.iter().min() {
            Some(oldest) if counted.len() >= LIMITS.cold_cap => {
                let details = json!({
                    "reason": "cold_outreach_cap",
                    "limit": LIMITS.cold_cap,
                    "window_s": DAY / 1000,
                    "retry_after_ms": oldest + DAY + 1 - self.now,
                });
                Err(refused_with("RATE_LIMITED", details))
            }
            _ => Ok(()),
        }
    }

    fn open_direct(&mut self, who: Who, other: Who, turn: &Turn) -> usize {
        let seats = [who, other].into_iter().map(|one| (one, Seat::new(1, turn.now))).collect();
        self.conversations.push(Conversation {
            id: ConversationId::direct(turn.conversation()),
            created_at: turn.now,
            messages: Vec::new(),
            seats,
            kind: Kind::Direct { initiator: who, established: false },
            group_send: 0,
            loop_guard: 0,
        });
        self.conversations.len() - 1
    }

    /// The first answer establishes the conversation and makes both contacts.
    fn establish(&mut self, at: usize, who: Who, other: Who) {
        match &mut self.conversations[at].kind {
            Kind::Direct { initiator, established } if *initiator != who && !*established => *established = true,
            _ => return,
        }
        self.become_contact(who, other);
        self.become_contact(other, who);
    }

    /// §5.5.
    fn send_to_group(&mut self, who: Who, id: ConversationId, target: &Target, draft: &Draft, turn: &Turn) -> Answer {
        let at = self.enter(who, id, "GROUP_NOT_FOUND")?;
        self.not_paused(who)?;
        let group_send = LIMITS.group_send.take("group_send", self.conversations[at].group_send, self.now)?;
        let loop_guard = self.loop_guard(who, at)?;
        self.conversations[at].group_send = group_send;
        self.conversations[at].loop_guard = loop_guard;
        let others: Vec<Who> = self.members(at).into_iter().filter(|other| *other != who).collect();
        let stored = self.say(at, news(who, draft, turn), &others, LIMITS.backlog_hard);
        self.remember(who, target, draft, &stored);
        Ok(self.sent(who, &stored, Value::Null))
    }

    fn remember(&mut self, who: Who, target: &Target, draft: &Draft, stored: &Stored) {
        let sent =
            Sent { conversation: stored.conversation, seq: stored.seq, draft: draft.clone(), target: target.clone() };
        self.sent.insert((who, draft.client_msg_id.clone()), sent);
    }

    fn sent(&self, who: Who, stored: &Stored, backlog: Value) -> Value {
        let mut skipped: Vec<&str> = stored.skipped.iter().map(|one| NAMES[*one]).collect();
        skipped.sort_unstable();
        json!({
            "message": self.message(who, stored.conversation, stored.seq),
            "replayed": false,
            "skipped_recipients": skipped,
            "backlog": backlog,
            "pushed": self.pushed(stored),
        })
    }

    /// Who has a message waiting, and whether it is kept from being pushed.
    pub(super) fn pushed(&self, stored: &Stored) -> Value {
        let message = &self.conversations[stored.conversation].messages[stored.seq - 1];
        let envelopes = message.envelopes.iter();
        envelopes
            .map(|envelope| (NAMES[envelope.to].to_owned(), json!(envelope.quiet)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Stores a message with an envelope for each of `to` who has fewer than `wall` waiting.
    pub(super) fn say(&mut self, at: usize, news: News, to: &[Who], wall: usize) -> Stored {
        let id = self.conversations[at].id;
        let (skipped, to): (Vec<Who>, Vec<Who>) = to.iter().partition(|one| self.undelivered(**one) >= wall);
        let envelopes = to.iter().map(|one| self.envelope(*one, &news, at)).collect();
        self.touched.extend(to.iter().chain(&skipped).chain([&news.sender]));
        self.touched_in.insert(id);
        let now = self.now;
        let messages = &mut self.conversations[at].messages;
        messages.push(Said {
            id: news.id,
            sender: news.sender,
            client_msg_id: news.client_msg_id,
            kind: news.kind,
            mentions: mentions(news.content["text"].as_str().unwrap_or_default()),
            content: news.content,
            metadata: news.metadata,
            created_at: now,
            expires_at: news.expires_at,
            envelopes,
            is_empty: false,
        });
        Stored { conversation: at, seq: messages.len(), skipped }
    }

    /// A notify level keeps it quiet as a mute does.
    fn is_below_level(&self, to: Who, news: &News, at: usize) -> bool {
        let conversation = &self.conversations[at];
        let mentioned =
            || mentions(news.content["text"].as_str().unwrap_or_default()).iter().any(|one| one == NAMES[to]);
        match conversation.seats[&to].notify {
            "none" => true,
            "mentions" => conversation.group().is_some() && !mentioned(),
            _ => false,
        }
    }

    fn envelope(&mut self, to: Who, news: &News, at: usize) -> Envelope {
        let (sender, conversation) = (news.sender, self.conversations[at].id);
        let muted =
            self.has_muted(to, &Muted::Name(NAMES[sender])) || self.has_muted(to, &Muted::Conversation(conversation));
        let below = self.is_below_level(to, news, at);
        let agent = self.agent_mut(to);
        agent.envelopes += 1;
        Envelope {
            to,
            place: agent.envelopes,
            delivered_at: None,
            read_at: None,
            quiet: muted || below || agent.pause == Pause::Full,
        }
    }
}

fn news(who: Who, draft: &Draft, turn: &Turn) -> News {
    let object = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    News {
        id: turn.message(0),
        sender: who,
        client_msg_id: draft.client_msg_id.clone(),
        kind: draft.kind,
        content: object(&draft.content),
        metadata: draft.metadata.as_deref().map_or_else(|| json!({}), object),
        expires_at: draft.expires_at,
    }
}

/// Handles that a text mentions (§2): what the generator writes has no others than those with an `@` after a space or
/// at the start.
fn mentions(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let Some(name) = word.strip_prefix('@') else { continue };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(name.len());
        let name = name[..end].trim_end_matches('-').to_lowercase();
        if name.len() >= 3 && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
