//! What agents see: rows, lists and contexts (wire.md §2, §6.3, §7.1, §8, §9.1).

use std::cmp::Reverse;

use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Envelope, Invite, Kind, Model, Mute, Muted, Pause, Refused, Said, Status, Who, invalid, refused};
use crate::model::script::{Anchor, NAMES};

pub(super) fn time(millis: i64) -> Value {
    json!(Timestamp::from_millis(millis))
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Restricted => "restricted",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

fn policy(contacts_only: bool) -> &'static str {
    if contacts_only { "contacts_only" } else { "open" }
}

/// Status and times of a row.
struct Progress {
    status: &'static str,
    delivered_at: Option<i64>,
    read_at: Option<i64>,
}

const STORED: Progress = Progress { status: "stored", delivered_at: None, read_at: None };

impl Model {
    /// Everything about an agent that is no conversation's.
    pub(in super::super) fn view(&self, who: Who) -> Value {
        json!({
            "me": self.me(who),
            "conversations": self.list(who, 200, 0),
            "sync": self.sync_rows(who, 0, 500),
            "undelivered": self.undelivered(who),
            "invites": self.invites(who),
            "contacts": self.contacts(who),
            "blocked": self.blocked(who),
            "mutes": self.mutes(who),
        })
    }

    /// Everything an agent may ask about a conversation.
    pub(in super::super) fn view_of(&self, who: Who, id: ConversationId) -> Value {
        json!({
            "history": or_code(self.history(who, id, Anchor::Newest, 200)),
            "participants": or_code(self.participants(who, id)),
            "context": or_code(self.context(who, id)),
            "group": or_code(self.show_group(who, id)),
            "mute": or_code(self.show_mute(who, &Muted::Conversation(id))),
        })
    }

    /// Everybody whose account can look at something.
    pub(in super::super) fn everybody(&self) -> Vec<Who> {
        (0..NAMES.len()).filter(|who| self.agents[*who].is_some() && self.is_reachable(*who)).collect()
    }

    /// All conversations there ever were.
    pub(in super::super) fn all_conversations(&self) -> Vec<ConversationId> {
        self.conversations.iter().map(|conversation| conversation.id).collect()
    }

    /// The how manyth envelope of its recipient a message is.
    pub(in super::super) fn place_of(&self, who: Who, message: &str) -> Option<u64> {
        let (at, index) = self.find_message(message.parse().ok()?)?;
        self.conversations[at].messages[index].envelope(who).map(|envelope| envelope.place)
    }

    pub(super) fn me(&self, who: Who) -> Value {
        let agent = self.agent(who);
        json!({
            "id": agent.id,
            "handle": NAMES[who],
            "display_name": agent.display_name,
            "description": null,
            "status": agent.status.word(),
            "paused_by_owner": match agent.pause {
                Pause::No => "none",
                Pause::Send => "send",
                Pause::Full => "full",
            },
            "settings": {
                "inbox_mode": policy(agent.inbox_contacts_only),
                "group_invite_policy": policy(agent.invites_contacts_only),
            },
            "is_system": agent.is_system,
        })
    }

    fn participant(&self, who: Who) -> Value {
        json!({ "handle": NAMES[who], "display_name": self.agent(who).display_name, "avatar_url": null })
    }

    fn invites(&self, who: Who) -> Value {
        let mut invites: Vec<&Invite> = self.invites.iter().filter(|invite| invite.invitee == who).collect();
        invites.sort_by_key(|invite| invite.created_at);
        invites.into_iter().map(|invite| self.invitation(invite)).collect()
    }

    pub(super) fn invitation(&self, invite: &Invite) -> Value {
        let group = self.group_of(invite.group);
        json!({
            "id": invite.id,
            "group_id": self.conversations[invite.group].id,
            "group_name": group.name,
            "group_description": group.description,
            "group_avatar_url": group.avatar_url,
            "group_member_count": self.members(invite.group).len(),
            "inviter_handle": NAMES[invite.inviter],
            "created_at": time(invite.created_at),
        })
    }

    fn contacts(&self, who: Who) -> Value {
        let mut contacts: Vec<Who> = self.agent(who).contacts.keys().copied().collect();
        contacts.sort_by_key(|other| NAMES[*other]);
        contacts.into_iter().map(|other| self.contact_row(who, other)).collect()
    }

    pub(super) fn contact_row(&self, owner: Who, other: Who) -> Value {
        let (agent, edge) = (self.agent(other), &self.agent(owner).contacts[&other]);
        json!({
            "handle": NAMES[other],
            "display_name": agent.display_name,
            "description": null,
            "avatar_url": null,
            "status": agent.status.word(),
            "notes": edge.notes,
            "added_at": time(edge.added_at),
        })
    }

    fn blocked(&self, who: Who) -> Value {
        let mut blocked: Vec<(i64, Who)> = self.agent(who).blocks.iter().map(|(other, at)| (*at, *other)).collect();
        blocked.sort_by_key(|(at, _)| Reverse(*at));
        let row = |(at, other): (i64, Who)| {
            json!({
                "handle": NAMES[other],
                "display_name": self.agent(other).display_name,
                "blocked_at": time(at),
            })
        };
        blocked.into_iter().map(row).collect()
    }

    fn mutes(&self, who: Who) -> Value {
        let mut mutes = self.active_mutes(who);
        mutes.sort_by_key(|mute| Reverse(mute.created_at));
        mutes.into_iter().map(|mute| self.mute_row(who, mute)).collect()
    }

    pub(super) fn mute_row(&self, who: Who, mute: &Mute) -> Value {
        let (kind, id, handle) = match &mute.what {
            Muted::Name(name) => ("agent", json!(name), Some(name)),
            Muted::Conversation(id) => ("conversation", json!(id), None),
        };
        json!({
            "muter_agent_id": self.agent(who).id,
            "target_kind": kind,
            "target_id": id,
            "target_handle": handle,
            "muted_until": mute.until.map(time),
            "created_at": time(mute.created_at),
        })
    }

    fn show_mute(&self, who: Who, what: &Muted) -> Answer {
        if let Muted::Conversation(id) = what {
            self.not_deleted(who, *id)?;
        }
        let found = self.active_mutes(who).into_iter().find(|mute| mute.what == *what);
        found.map(|mute| self.mute_row(who, mute)).ok_or_else(|| refused("NOT_FOUND"))
    }

    pub(super) fn list(&self, who: Who, limit: u64, offset: u64) -> Value {
        let mut found: Vec<usize> = (0..self.conversations.len()).filter(|at| self.is_listed(who, *at)).collect();
        found.sort_by_key(|at| {
            let conversation = &self.conversations[*at];
            let last_at = conversation.last_at();
            let never = if last_at.is_none() { conversation.created_at } else { 0 };
            (Reverse(last_at), Reverse(never), conversation.id.bytes())
        });
        let (offset, limit) = (usize::try_from(offset).expect("small"), usize::try_from(limit).expect("small"));
        found.into_iter().skip(offset).take(limit).map(|at| self.list_item(who, at)).collect()
    }

    fn is_listed(&self, who: Who, at: usize) -> bool {
        let conversation = &self.conversations[at];
        self.is_member(at, who)
            && conversation.seats[&who].hidden_at.is_none_or(|hidden_at| conversation.last_at() > Some(hidden_at))
    }

    fn list_item(&self, who: Who, at: usize) -> Value {
        let conversation = &self.conversations[at];
        let group = conversation.group();
        let other = conversation.other(who);
        let last = self.visible(who, at).last().map(|seq| &conversation.messages[seq - 1]);
        let unread = self.unread(who, at);
        let muted = self.has_muted(who, &Muted::Conversation(conversation.id))
            || other.is_some_and(|other| self.has_muted(who, &Muted::Name(NAMES[other])));
        json!({
            "id": conversation.id,
            "type": if group.is_some() { "group" } else { "direct" },
            "participants": other.map(|other| self.participant(other)).into_iter().collect::<Vec<_>>(),
            "group_name": group.map(|group| &group.name),
            "group_avatar_url": group.and_then(|group| group.avatar_url.as_ref()),
            "group_member_count": group.map(|_| self.members(at).len()),
            "last_message_preview": last.and_then(preview),
            "last_message_is_own": last.is_some_and(|last| last.sender == who),
            "last_message_type": last.map(|last| last.kind),
            "last_message_at": last.map(|last| time(last.created_at)),
            "updated_at": time(conversation.last_at().unwrap_or(conversation.created_at)),
            "unread_count": unread.len(),
            "oldest_unread_seq": unread.first(),
            "newest_unread_seq": unread.last(),
            "is_muted": muted,
            "notify_level": conversation.seats[&who].notify,
        })
    }

    /// Seqs that history shows somebody in a conversation.
    fn visible(&self, who: Who, at: usize) -> Vec<usize> {
        let conversation = &self.conversations[at];
        let seat = &conversation.seats[&who];
        let messages = conversation.messages.iter().enumerate().map(|(index, message)| (index + 1, message));
        messages.filter(|(seq, message)| seat.shows(*seq, message)).map(|(seq, _)| seq).collect()
    }

    pub(super) fn history(&self, who: Who, id: ConversationId, anchor: Anchor, limit: usize) -> Answer {
        let at = self.enter(who, id, "CONVERSATION_NOT_FOUND")?;
        let visible = self.visible(who, at);
        let below = |end: usize| visible.iter().rev().copied().filter(|seq| *seq < end).take(limit).collect::<Vec<_>>();
        let number = |seq: u64| usize::try_from(seq).expect("small");
        let seqs = match anchor {
            Anchor::Newest => below(usize::MAX),
            Anchor::Before(seq) => below(number(seq)),
            Anchor::After(seq) => visible.iter().copied().filter(|one| *one > number(seq)).take(limit).collect(),
            Anchor::Around(message) => {
                let found =
                    self.find_message(message).filter(|(place, index)| *place == at && visible.contains(&(index + 1)));
                below(found.ok_or_else(|| refused("MESSAGE_NOT_FOUND"))?.1 + 2)
            }
        };
        Ok(seqs.into_iter().map(|seq| self.row(who, at, seq)).collect())
    }

    fn participants(&self, who: Who, id: ConversationId) -> Answer {
        let at = self.enter(who, id, "CONVERSATION_NOT_FOUND")?;
        let everybody = self.conversations[at].other(who).map_or_else(|| self.by_seniority(at), |other| vec![other]);
        Ok(everybody.into_iter().map(|one| self.participant(one)).collect())
    }

    fn context(&self, who: Who, id: ConversationId) -> Answer {
        let at = self.enter(who, id, "CONVERSATION_NOT_FOUND")?;
        Ok(self.describe(who, at))
    }

    fn describe(&self, who: Who, at: usize) -> Value {
        let conversation = &self.conversations[at];
        let unread = self.unread(who, at);
        let role = self.role(at, who);
        let mut context = json!({
            "conversation_id": conversation.id,
            "type": "group",
            "group": conversation.group().map(|group| json!({
                "name": group.name,
                "description": group.description,
                "member_count": self.members(at).len(),
                "your_role": role,
            })),
            "counterparty": null,
            "relationship": null,
            "direct_state": null,
            "unread": { "count": unread.len(), "oldest_seq": unread.first(), "newest_seq": unread.last() },
        });
        if let (Some(other), Kind::Direct { initiator, established }) = (conversation.other(who), &conversation.kind) {
            let edge = self.agent(who).contacts.get(&other);
            context["type"] = json!("direct");
            context["counterparty"] = self.participant(other);
            context["relationship"] = json!({
                "is_contact": edge.is_some(),
                "added_at": edge.map(|edge| time(edge.added_at)),
                "note": edge.and_then(|edge| edge.notes.clone()),
            });
            context["direct_state"] = json!({
                "state": if *established { "established" } else { "cold" },
                "initiated_by_self": *initiator == who,
                "last_message_at": conversation.last_at().map(time),
            });
        }
        context
    }

    pub(super) fn direct_context(&self, who: Who, name: &str) -> Answer {
        if self.named(name) == Some(who) {
            return Err(invalid());
        }
        let other = self.find_somebody(name)?;
        let context = self.direct_with(who, other).map(|at| self.describe(who, at));
        let state = context.as_ref().map_or_else(|| json!("new"), |context| context["direct_state"]["state"].clone());
        Ok(json!({ "state": state, "counterparty": self.participant(other), "conversation": context }))
    }

    fn role(&self, at: usize, who: Who) -> &'static str {
        if self.conversations[at].seats.get(&who).is_some_and(|seat| seat.admin) { "admin" } else { "member" }
    }

    fn show_group(&self, who: Who, id: ConversationId) -> Answer {
        if !id.is_group() {
            return Err(refused("GROUP_NOT_FOUND"));
        }
        let at = self.enter(who, id, "GROUP_NOT_FOUND")?;
        Ok(self.group_detail(who, at))
    }

    pub(super) fn group_detail(&self, who: Who, at: usize) -> Value {
        let (conversation, group) = (&self.conversations[at], self.group_of(at));
        let member = |one: Who| {
            json!({
                "handle": NAMES[one],
                "display_name": self.agent(one).display_name,
                "role": self.role(at, one),
                "joined_at": time(conversation.seats[&one].joined_at),
            })
        };
        json!({
            "id": conversation.id,
            "name": group.name,
            "description": group.description,
            "avatar_url": group.avatar_url,
            "created_by": NAMES[group.creator],
            "settings": { "who_can_invite": "admin" },
            "member_count": self.members(at).len(),
            "created_at": time(conversation.created_at),
            "last_message_at": conversation.last_at().map(time),
            "members": self.by_seniority(at).into_iter().map(member).collect::<Vec<_>>(),
            "your_role": self.role(at, who),
        })
    }

    /// A message as its viewer sees it.
    pub(super) fn message(&self, viewer: Who, at: usize, seq: usize) -> Value {
        let conversation = &self.conversations[at];
        let message = &conversation.messages[seq - 1];
        let (sender, group) = (self.agent(message.sender), conversation.group());
        let Progress { status, delivered_at, read_at } = self.progress(viewer, at, message);
        let mut row = json!({
            "id": message.id,
            "conversation_id": conversation.id,
            "sender": NAMES[message.sender],
            "client_msg_id": message.client_msg_id,
            "seq": seq,
            "type": message.kind,
            "content": message.content,
            "metadata": message.metadata,
            "context": {
                "sender": {
                    "handle": NAMES[message.sender],
                    "display_name": sender.display_name,
                    "kind": if sender.is_system { "system" } else { "agent" },
                },
                "conversation": {
                    "type": if group.is_some() { "group" } else { "direct" },
                    "group_name": group.map(|group| &group.name),
                    "member_count": group.map(|_| self.member_count(at)),
                },
                "mentions": message.mentions,
            },
            "status": status,
            "created_at": time(message.created_at),
            "delivered_at": delivered_at.map(time),
            "read_at": read_at.map(time),
        });
        if let Some(expires_at) = message.expires_at {
            row["expires_at"] = time(expires_at);
        }
        if self.shows_expired(viewer, at, message) {
            row["expired"] = json!(true);
        }
        if message.is_empty {
            row["content"] = json!({});
            row["metadata"] = json!({});
            row["context"]["mentions"] = json!([]);
        }
        row
    }

    /// The row with what history and sync add.
    pub(super) fn row(&self, viewer: Who, at: usize, seq: usize) -> Value {
        let message = &self.conversations[at].messages[seq - 1];
        let mut row = self.message(viewer, at, seq);
        // Which id it is, only the service knows: `Places` watches them.
        row["delivery_id"] = if message.envelope(viewer).is_some() { json!("del_") } else { Value::Null };
        row["is_own"] = json!(message.sender == viewer);
        row["sender_handle"] = json!(NAMES[message.sender]);
        row
    }

    /// For the recipient and, of direct messages, for the sender.
    fn shows_expired(&self, viewer: Who, at: usize, message: &Said) -> bool {
        let is_direct = self.conversations[at].group().is_none() && !message.is_empty;
        let seen = |envelope: &&Envelope| envelope.to == viewer || (is_direct && message.sender == viewer);
        message.envelopes.iter().filter(seen).any(|envelope| message.expired(envelope, self.now))
    }

    fn progress(&self, viewer: Who, at: usize, message: &Said) -> Progress {
        let is_group = self.conversations[at].group().is_some();
        if message.is_empty {
            return Progress { status: "delivered", ..STORED };
        }
        if message.sender != viewer {
            return message.envelope(viewer).map_or(STORED, |envelope| furthest(&[envelope]));
        }
        // Of a group's, those that expired do not count; of a direct one's there is only that one.
        let counts = |envelope: &&Envelope| !(is_group && message.expired(envelope, self.now));
        furthest(&message.envelopes.iter().filter(counts).collect::<Vec<_>>())
    }
}

/// The furthest state that every envelope has reached.
fn furthest(envelopes: &[&Envelope]) -> Progress {
    let last =
        |times: Vec<Option<i64>>| times.into_iter().collect::<Option<Vec<i64>>>().and_then(|all| all.into_iter().max());
    let delivered_at = last(envelopes.iter().map(|envelope| envelope.delivered_at).collect());
    let read_at = last(envelopes.iter().map(|envelope| envelope.read_at).collect());
    let status = match (delivered_at, read_at) {
        (_, Some(_)) => "read",
        (Some(_), None) => "delivered",
        (None, None) => "stored",
    };
    Progress { status, delivered_at, read_at }
}

/// One line about a message (§8).
fn preview(message: &Said) -> Option<String> {
    let text = match message.kind {
        "file" => "Attachment".to_owned(),
        "structured" => "[structured]".to_owned(),
        "system" => "System update".to_owned(),
        _ => message.content["text"].as_str()?.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    if text.chars().count() > 140 {
        return Some(text.chars().take(139).chain(['…']).collect());
    }
    (!text.is_empty()).then_some(text)
}

fn or_code(answer: Result<Value, Refused>) -> Value {
    answer.unwrap_or_else(|refusal| json!({ "code": refusal.code }))
}
