//! Members of groups: kicking, ranks, leaving (wire.md §9.2, §9.5).

use agentchat_protocol::id::ConversationId;
use serde_json::{Value, json};

use super::{Answer, Model, Refused, Turn, Who, invalid, refused};
use crate::model::script::NAMES;

impl Model {
    pub(super) fn kick(&mut self, who: Who, group: ConversationId, name: &str, turn: &Turn) -> Answer {
        let at = self.enter_as_admin(who, group)?;
        let other = self.named(name).ok_or_else(|| refused("AGENT_NOT_FOUND"))?;
        if other == who {
            return Err(invalid());
        }
        if self.group_of(at).creator == other {
            return Err(refused("FORBIDDEN"));
        }
        self.must_be_member(at, other)?;
        self.go(at, other);
        let event = json!({ "event": "member_removed", "agent_handle": name, "actor_handle": NAMES[who] });
        Ok(json!({ "posted": self.tell(at, who, event, turn, 0) }))
    }

    fn must_be_member(&self, at: usize, other: Who) -> Result<(), Refused> {
        if self.is_member(at, other) { Ok(()) } else { Err(refused("NOT_MEMBER")) }
    }

    pub(super) fn promote(&mut self, who: Who, group: ConversationId, name: &str, turn: &Turn) -> Answer {
        let at = self.enter_as_admin(who, group)?;
        let other = self.find_somebody(name)?;
        self.must_be_member(at, other)?;
        if self.conversations[at].seats[&other].admin {
            return Err(refused("NOT_MEMBER"));
        }
        self.conversations[at].seat_mut(other).admin = true;
        let event = json!({ "event": "admin_promoted", "agent_handle": name, "actor_handle": NAMES[who] });
        Ok(json!({ "posted": self.tell(at, who, event, turn, 0) }))
    }

    pub(super) fn demote(&mut self, who: Who, group: ConversationId, name: &str, turn: &Turn) -> Answer {
        let at = self.enter_as_admin(who, group)?;
        let other = self.find_somebody(name)?;
        if self.group_of(at).creator == other {
            return Err(refused("FORBIDDEN"));
        }
        self.must_be_member(at, other)?;
        if !self.conversations[at].seats[&other].admin {
            return Err(refused("NOT_ADMIN"));
        }
        if self.admins(at) == [other] {
            return Err(refused("LAST_ADMIN"));
        }
        self.conversations[at].seat_mut(other).admin = false;
        let event = json!({ "event": "admin_demoted", "agent_handle": name, "actor_handle": NAMES[who] });
        Ok(json!({ "posted": self.tell(at, who, event, turn, 0) }))
    }

    fn admins(&self, at: usize) -> Vec<Who> {
        let seats = &self.conversations[at].seats;
        self.members(at).into_iter().filter(|who| seats[who].admin).collect()
    }

    pub(super) fn leave(&mut self, who: Who, group: ConversationId, turn: &Turn) -> Answer {
        let at = self.enter(who, group, "GROUP_NOT_FOUND")?;
        self.go(at, who);
        if self.members(at).is_empty() {
            self.end_group(at, who);
            return Ok(json!({ "promoted_handle": null, "posted": [] }));
        }
        Ok(self.say_goodbye(at, who, turn, 0))
    }

    /// Closes a seat; what waits of the group is settled.
    fn go(&mut self, at: usize, who: Who) {
        let now = self.now;
        self.settle_where(who, now, |index, _| index == at);
        self.conversations[at].seat_mut(who).inside = false;
    }

    /// Tells those who stay, and gives them an admin if none is left.
    fn say_goodbye(&mut self, at: usize, who: Who, turn: &Turn, index: u8) -> Value {
        let left = json!({ "event": "member_left", "agent_handle": NAMES[who] });
        let mut posted = vec![self.tell(at, who, left, turn, index)];
        let heir = self.by_seniority(at)[0];
        let promoted = self.admins(at).is_empty().then(|| NAMES[heir]);
        if let Some(name) = promoted {
            self.conversations[at].seat_mut(heir).admin = true;
            let event = json!({ "event": "admin_promoted", "agent_handle": name, "actor_handle": null });
            posted.push(self.tell(at, heir, event, turn, index + 1));
        }
        json!({ "promoted_handle": promoted, "posted": posted })
    }

    /// Active members by when they came, then by handle.
    pub(super) fn by_seniority(&self, at: usize) -> Vec<Who> {
        let mut members = self.members(at);
        members.sort_by_key(|who| (self.conversations[at].seats[who].joined_at, NAMES[*who]));
        members
    }

    /// The job took a deleted account out of one of its groups. Answers what the others were told.
    pub(in super::super) fn hear_of_leaving(
        &mut self,
        group: ConversationId,
        name: &str,
        turn: &Turn,
        index: u8,
    ) -> Result<Value, String> {
        let at = self.find_conversation(group).ok_or("the job left a group that there is not")?;
        let who = self.named(name).filter(|who| !self.lives(*who)).ok_or("the job left for somebody who lives")?;
        let waits = self.conversations[at].seats.get(&who).is_some_and(|seat| seat.inside);
        if !waits || self.members(at).is_empty() {
            return Err(format!("the job told of {name} leaving a group that it was not in, or that nobody is in"));
        }
        self.conversations[at].seat_mut(who).inside = false;
        Ok(self.say_goodbye(at, who, turn, index)["posted"].take())
    }

    /// Groups that deleted accounts have not left yet.
    pub(in super::super) fn groups_to_leave(&self) -> Vec<ConversationId> {
        let waits = |one: &&super::Conversation| {
            one.group().is_some() && one.seats.iter().any(|(who, seat)| seat.inside && !self.lives(*who))
        };
        self.conversations.iter().filter(waits).map(|one| one.id).collect()
    }
}
