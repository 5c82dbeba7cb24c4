//! Groups: making, changing, ending them; invitations (wire.md §9.1–9.3, §9.6, §9.7).

use agentchat_protocol::id::{ConversationId, InviteId};
use serde_json::{Value, json};

use super::send::{News, Stored};
use super::{
    Answer, Conversation, Group, Invite, Kind, LIMITS, Model, Pause, Refused, Seat, Status, Turn, Who, invalid,
    refused, refused_with,
};
use crate::model::script::{GroupChange, NAMES};

impl Model {
    /// The conversation, if `who` takes part in it now: 410 for whoever was in a deleted group, else `missing`.
    pub(super) fn enter(&self, who: Who, id: ConversationId, missing: &'static str) -> Result<usize, Refused> {
        self.not_deleted(who, id)?;
        self.find_conversation(id).filter(|at| self.is_member(*at, who)).ok_or_else(|| refused(missing))
    }

    pub(super) fn not_deleted(&self, who: Who, id: ConversationId) -> Result<(), Refused> {
        let Some(at) = self.find_conversation(id) else { return Ok(()) };
        let conversation = &self.conversations[at];
        let deleted = conversation.group().and_then(|group| group.deleted);
        match deleted.filter(|_| conversation.seats.contains_key(&who)) {
            Some((when, by)) => {
                let details = json!({
                    "group_id": id,
                    "deleted_by_handle": NAMES[by],
                    "deleted_at": super::views::time(when),
                });
                Err(refused_with("GROUP_DELETED", details))
            }
            None => Ok(()),
        }
    }

    /// Gate GA.
    pub(super) fn enter_as_admin(&self, who: Who, id: ConversationId) -> Result<usize, Refused> {
        let at = self.enter(who, id, "GROUP_NOT_FOUND")?;
        if self.conversations[at].seats[&who].admin { Ok(at) } else { Err(refused("FORBIDDEN")) }
    }

    pub(super) fn group_of(&self, at: usize) -> &Group {
        self.conversations[at].group().expect("a group")
    }

    /// Writes down what happened, for every active member but `author`.
    pub(super) fn tell(&mut self, at: usize, author: Who, mut event: Value, turn: &Turn, index: u8) -> Value {
        let id = turn.message(index);
        event["schema_version"] = json!(1);
        let others: Vec<Who> = self.members(at).into_iter().filter(|other| *other != author).collect();
        let news = News {
            id,
            sender: author,
            client_msg_id: format!("sys_{id}"),
            kind: "system",
            content: json!({ "data": event }),
            metadata: json!({}),
            expires_at: None,
        };
        let stored = self.say(at, news, &others, usize::MAX);
        self.posted(author, &stored)
    }

    pub(super) fn posted(&self, author: Who, stored: &Stored) -> Value {
        json!({
            "message": self.message(author, stored.conversation, stored.seq),
            "pushed": self.pushed(stored),
        })
    }

    pub(super) fn create_group(&mut self, who: Who, name: &str, members: &[&str], turn: &Turn) -> Value {
        let id = ConversationId::group(turn.conversation());
        let group = Group {
            name: name.to_owned(),
            description: None,
            avatar_url: None,
            creator: who,
            deleted: None,
            ended_with: 0,
        };
        self.conversations.push(Conversation {
            id,
            created_at: turn.now,
            messages: Vec::new(),
            seats: [(who, Seat { admin: true, ..Seat::new(1, turn.now) })].into(),
            kind: Kind::Group(group),
            group_send: 0,
            loop_guard: 0,
        });
        let at = self.conversations.len() - 1;
        self.touched_in.insert(id);
        let (mut add_results, mut add_errors, mut invited) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = Vec::new();
        for name in members {
            if seen.contains(name) {
                continue;
            }
            // Each handle that is there once has its id.
            let index = u8::try_from(seen.len()).expect("few");
            seen.push(*name);
            if *name == NAMES[who] {
                continue;
            }
            match self.add(who, at, name, turn.invite(index)) {
                Ok((result, invitation)) => {
                    add_results.push(result);
                    invited.extend(invitation);
                }
                Err(refusal) => add_errors.push(json!({ "handle": name, "code": refusal.code })),
            }
        }
        let group = self.group_detail(who, at);
        json!({ "group": group, "add_results": add_results, "add_errors": add_errors, "invited": invited })
    }

    pub(super) fn add_member(&mut self, who: Who, group: ConversationId, name: &str, turn: &Turn) -> Answer {
        let at = self.enter_as_admin(who, group)?;
        let (result, invited) = self.add(who, at, name, turn.invite(0))?;
        Ok(json!({ "result": result, "invited": invited }))
    }

    /// The add rule (§9.2): its result, and the invitation if there is a new one.
    fn add(&mut self, who: Who, at: usize, name: &str, id: InviteId) -> Result<(Value, Option<Value>), Refused> {
        let other = self.find_somebody(name)?;
        if other == who {
            return Err(invalid());
        }
        if self.is_blocked_between(who, other) {
            return Err(refused("BLOCKED"));
        }
        if self.is_member(at, other) {
            return Ok((json!({ "handle": name, "outcome": "already_member" }), None));
        }
        let invited = |id: InviteId| json!({ "handle": name, "outcome": "invited", "invite_id": id });
        if let Some(pending) = self.invites.iter().find(|invite| invite.group == at && invite.invitee == other) {
            return Ok((invited(pending.id), None));
        }
        if self.agent(other).invites_contacts_only && !self.knows(other, who) {
            return Err(refused_with("INBOX_RESTRICTED", json!({ "handle": name })));
        }
        self.has_room(at)?;
        let taken = LIMITS.group_invite.take("group_invite", self.agent(who).group_invite, self.now)?;
        self.agent_mut(who).group_invite = taken;
        let invite = Invite { id, group: at, invitee: other, inviter: who, created_at: self.now };
        self.touched.insert(other);
        let silent = self.agent(other).pause == Pause::Full;
        let invitation = json!({ "invitation": self.invitation(&invite), "silent": silent });
        self.invites.push(invite);
        Ok((invited(id), Some(invitation)))
    }

    fn has_room(&self, at: usize) -> Result<(), Refused> {
        if self.members(at).len() < LIMITS.group_members {
            return Ok(());
        }
        Err(refused_with("GROUP_FULL", json!({ "limit": LIMITS.group_members })))
    }

    pub(super) fn accept(&mut self, who: Who, id: InviteId, turn: &Turn) -> Answer {
        let at = self.invite_of(who, id)?.group;
        let mut posted = Value::Null;
        if !self.is_member(at, who) {
            self.has_room(at)?;
            let conversation = &mut self.conversations[at];
            let joined_seq = conversation.messages.len() + 1;
            let seat = conversation.seats.entry(who).or_insert_with(|| Seat::new(joined_seq, turn.now));
            (seat.inside, seat.admin, seat.joined_seq, seat.joined_at) = (true, false, joined_seq, turn.now);
            posted = self.tell(at, who, json!({ "event": "member_joined", "agent_handle": NAMES[who] }), turn, 0);
        }
        self.invites.retain(|invite| invite.id != id);
        Ok(json!({ "group": self.group_detail(who, at), "posted": posted }))
    }

    pub(super) fn reject(&mut self, who: Who, id: InviteId) -> Answer {
        self.invite_of(who, id)?;
        self.invites.retain(|invite| invite.id != id);
        Ok(json!({}))
    }

    fn invite_of(&self, who: Who, id: InviteId) -> Result<&Invite, Refused> {
        let found = self.invites.iter().find(|invite| invite.id == id && invite.invitee == who);
        found.ok_or_else(|| refused("INVITE_NOT_FOUND"))
    }

    pub(super) fn update_group(&mut self, who: Who, id: ConversationId, change: &GroupChange, turn: &Turn) -> Answer {
        let at = self.enter_as_admin(who, id)?;
        let actor = NAMES[who];
        let group = self.conversations[at].group_mut().expect("a group");
        let mut events = Vec::new();
        if let Some(name) = change.name.as_ref().filter(|name| **name != group.name) {
            group.name.clone_from(name);
            events.push(json!({ "event": "name_changed", "new_name": name, "actor_handle": actor }));
        }
        if let Some(description) = change.description.as_ref().filter(|one| **one != group.description) {
            group.description.clone_from(description);
            events.push(json!({ "event": "description_changed", "actor_handle": actor }));
        }
        if let Some(avatar_url) = change.avatar_url.as_ref().filter(|one| **one != group.avatar_url) {
            group.avatar_url.clone_from(avatar_url);
            events.push(json!({ "event": "avatar_changed", "actor_handle": actor }));
        }
        let told = (0_u8..).zip(events);
        let posted: Vec<Value> = told.map(|(index, event)| self.tell(at, who, event, turn, index)).collect();
        Ok(json!({ "group": self.group_detail(who, at), "posted": posted }))
    }

    pub(super) fn delete_group(&mut self, who: Who, id: ConversationId, turn: &Turn) -> Answer {
        let at = self.enter(who, id, "GROUP_NOT_FOUND")?;
        let creator = self.group_of(at).creator;
        let vacant = !self.is_member(at, creator) || self.agent(creator).status >= Status::Suspended;
        if creator != who && !(vacant && self.conversations[at].seats[&who].admin) {
            return Err(refused("FORBIDDEN"));
        }
        let now = self.now;
        for member in self.members(at) {
            self.settle_where(member, now, |index, _| index == at);
        }
        let event = json!({ "event": "group_deleted", "actor_handle": NAMES[who] });
        self.tell(at, who, event, turn, 0);
        self.break_the_silence(at);
        let seq = self.conversations[at].messages.len();
        let posted = self.posted(who, &Stored { conversation: at, seq, skipped: Vec::new() });
        self.end_group(at, who);
        Ok(json!({ "deleted_at": super::views::time(now), "posted": posted }))
    }

    /// Mutes do not keep the last message from being pushed.
    fn break_the_silence(&mut self, at: usize) {
        let full: Vec<Who> = self.members(at).into_iter().filter(|who| self.agent(*who).pause == Pause::Full).collect();
        let message = self.conversations[at].messages.last_mut().expect("the last message");
        for envelope in &mut message.envelopes {
            envelope.quiet = full.contains(&envelope.to);
        }
    }

    pub(super) fn end_group(&mut self, at: usize, by: Who) {
        let (now, members) = (self.now, self.members(at).len());
        let conversation = &mut self.conversations[at];
        self.touched.extend(conversation.seats.keys());
        self.touched_in.insert(conversation.id);
        for seat in conversation.seats.values_mut() {
            seat.inside = false;
        }
        let group = conversation.group_mut().expect("a group");
        (group.deleted, group.ended_with) = (Some((now, by)), members);
        self.touched.extend(self.invites.iter().filter(|invite| invite.group == at).map(|invite| invite.invitee));
        self.invites.retain(|invite| invite.group != at);
    }
}
