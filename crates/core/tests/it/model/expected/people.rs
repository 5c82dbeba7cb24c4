//! Contacts, blocks, reports, mutes (wire.md §10, §12).

use agentchat_protocol::id::ConversationId;
use serde_json::{Value, json};

use super::{Answer, Contact, Model, Mute, Muted, Refused, Who, invalid, refused};

impl Model {
    pub(super) fn add_contact(&mut self, who: Who, name: &str) -> Answer {
        let other = self.find_somebody(name)?;
        if other == who {
            return Err(invalid());
        }
        self.become_contact(who, other);
        Ok(self.contact_row(who, other))
    }

    /// Adds an edge unless it is there.
    pub(super) fn become_contact(&mut self, owner: Who, other: Who) {
        let added_at = self.now;
        self.agent_mut(owner).contacts.entry(other).or_insert(Contact { added_at, notes: None });
        self.touched.insert(owner);
    }

    pub(super) fn note_contact(&mut self, who: Who, name: &str, notes: Option<&String>) -> Answer {
        let other = self.named(name).ok_or_else(|| refused("NOT_FOUND"))?;
        let edge = self.agent_mut(who).contacts.get_mut(&other).ok_or_else(|| refused("NOT_FOUND"))?;
        edge.notes = notes.cloned();
        Ok(json!({}))
    }

    pub(super) fn remove_contact(&mut self, who: Who, name: &str) -> Answer {
        let other = self.named(name).ok_or_else(|| refused("NOT_FOUND"))?;
        self.agent_mut(who).contacts.remove(&other).ok_or_else(|| refused("NOT_FOUND"))?;
        Ok(json!({}))
    }

    pub(super) fn check_contact(&self, who: Who, name: &str) -> Value {
        let edge = self.named(name).and_then(|other| self.agent(who).contacts.get(&other));
        json!({
            "is_contact": edge.is_some(),
            "added_at": edge.map(|edge| super::views::time(edge.added_at)),
            "notes": edge.and_then(|edge| edge.notes.clone()),
        })
    }

    pub(super) fn knows(&self, owner: Who, other: Who) -> bool {
        self.agent(owner).contacts.contains_key(&other)
    }

    pub(super) fn is_blocked_between(&self, one: Who, other: Who) -> bool {
        self.agent(one).blocks.contains_key(&other) || self.agent(other).blocks.contains_key(&one)
    }

    pub(super) fn block(&mut self, who: Who, name: &str) -> Answer {
        let other = self.opponent(who, name)?;
        Ok(self.blocks(who, other))
    }

    pub(super) fn report(&mut self, who: Who, name: &str) -> Answer {
        let other = self.opponent(who, name)?;
        if self.agent(who).reports.contains_key(&other) {
            return Err(refused("ALREADY_REPORTED"));
        }
        let now = self.now;
        self.agent_mut(who).reports.insert(other, now);
        Ok(self.blocks(who, other))
    }

    fn opponent(&self, who: Who, name: &str) -> Result<Who, Refused> {
        let other = self.find_somebody(name)?;
        if other == who {
            return Err(invalid());
        }
        if self.agent(other).is_system {
            return Err(refused("SYSTEM_AGENT_PROTECTED"));
        }
        Ok(other)
    }

    fn blocks(&mut self, who: Who, other: Who) -> Value {
        let now = self.now;
        let before = self.agent(other).status;
        let is_new = !self.agent(who).blocks.contains_key(&other);
        self.agent_mut(who).blocks.entry(other).or_insert(now);
        self.judge(other);
        self.touched.insert(other);
        let after = self.agent(other).status;
        json!({ "is_new": is_new, "status": (before != after).then(|| after.word()) })
    }

    pub(super) fn unblock(&mut self, who: Who, name: &str) -> Answer {
        let other = self.named(name).ok_or_else(|| refused("NOT_FOUND"))?;
        self.agent_mut(who).blocks.remove(&other).ok_or_else(|| refused("NOT_FOUND"))?;
        self.touched.insert(other);
        Ok(json!({}))
    }

    pub(super) fn mute(&mut self, who: Who, what: &Muted, until: Option<i64>) -> Answer {
        match what {
            Muted::Name(name) if self.find_somebody(name)? == who => return Err(refused("SELF_MUTE")),
            Muted::Name(_) => {}
            Muted::Conversation(id) => {
                self.enter(who, *id, "CONVERSATION_NOT_FOUND")?;
            }
        }
        let now = self.now;
        let mutes = &mut self.agent_mut(who).mutes;
        match mutes.iter_mut().find(|mute| mute.what == *what) {
            Some(mute) => mute.until = until,
            None => mutes.push(Mute { what: what.clone(), until, created_at: now }),
        }
        let mute = self.agent(who).mutes.iter().find(|mute| mute.what == *what).expect("it was just made");
        Ok(self.mute_row(who, mute))
    }

    pub(super) fn unmute(&mut self, who: Who, what: &Muted) -> Answer {
        if let Muted::Conversation(id) = what {
            self.not_deleted(who, *id)?;
        }
        let mutes = &mut self.agent_mut(who).mutes;
        let at = mutes.iter().position(|mute| mute.what == *what).ok_or_else(|| refused("NOT_FOUND"))?;
        mutes.remove(at);
        Ok(json!({}))
    }

    pub(super) fn notify(&mut self, who: Who, id: ConversationId, level: &'static str) -> Answer {
        let at = self.enter(who, id, "CONVERSATION_NOT_FOUND")?;
        self.conversations[at].seats.get_mut(&who).expect("it is a member").notify = level;
        Ok(json!({}))
    }

    /// An active mute of that.
    pub(super) fn has_muted(&self, who: Who, what: &Muted) -> bool {
        self.active_mutes(who).iter().any(|mute| mute.what == *what)
    }

    pub(super) fn active_mutes(&self, who: Who) -> Vec<&Mute> {
        let mutes = self.agent(who).mutes.iter();
        mutes.filter(|mute| mute.until.is_none_or(|until| until > self.now)).collect()
    }
}
