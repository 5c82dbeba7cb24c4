//! Accounts: states, pause, community enforcement (wire.md §1.8, §1.9, §4, §11).

use agentchat_protocol::id::AgentId;
use serde_json::json;

use super::{Agent, Answer, DAY, Kind, LIMITS, Model, Pause, Refused, Status, Turn, Who, refused, refused_with};
use crate::model::script::NAMES;

use std::collections::BTreeMap;

impl Model {
    pub(super) fn register(&mut self, name: Who, turn: &Turn) -> Answer {
        if self.agents[name].is_some() {
            return Err(refused("HANDLE_TAKEN"));
        }
        self.agents[name] = Some(Agent {
            id: AgentId::from_bytes(turn.other()),
            display_name: Some(NAMES[name].to_uppercase()),
            status: Status::Active,
            pause: Pause::No,
            inbox_contacts_only: false,
            invites_contacts_only: false,
            is_system: name == 0,
            contacts: BTreeMap::new(),
            blocks: BTreeMap::new(),
            reports: BTreeMap::new(),
            mutes: Vec::new(),
            reinstated_at: None,
            group_invite: 0,
            envelopes: 0,
        });
        self.touched.insert(name);
        Ok(json!({}))
    }

    /// A dead key, a suspended account, and one whose restriction is looked at again.
    pub(super) fn authenticate(&mut self, who: Who) -> Result<(), Refused> {
        if self.agent(who).status == Status::Restricted {
            self.judge(who);
        }
        match self.agent(who).status {
            Status::Deleted => Err(refused("UNAUTHORIZED")),
            Status::Suspended => Err(refused_with("SUSPENDED", json!({ "reason": "community_enforcement" }))),
            Status::Active | Status::Restricted => Ok(()),
        }
    }

    pub(super) fn change_profile(
        &mut self,
        who: Who,
        display_name: Option<&Option<String>>,
        contacts_only: Option<bool>,
        invites_by_contacts: Option<bool>,
    ) -> Answer {
        let agent = self.agent_mut(who);
        agent.display_name = display_name.cloned().unwrap_or_else(|| agent.display_name.clone());
        agent.inbox_contacts_only = contacts_only.unwrap_or(agent.inbox_contacts_only);
        agent.invites_contacts_only = invites_by_contacts.unwrap_or(agent.invites_contacts_only);
        self.touch_everybody();
        Ok(self.me(who))
    }

    /// Dead at once. Its groups hear of it when the job leaves them (`hear_of_leaving`), but do not count it any more.
    pub(super) fn delete_account(&mut self, who: Who) -> Answer {
        if self.agent(who).is_system {
            return Err(refused("SYSTEM_AGENT_PROTECTED"));
        }
        let now = self.now;
        self.settle_where(who, now, |_, _| true);
        let agent = self.agent_mut(who);
        agent.status = Status::Deleted;
        agent.display_name = None;
        self.invites.retain(|invite| invite.invitee != who && invite.inviter != who);
        for at in 0..self.conversations.len() {
            let sat_there = self.conversations[at].seats.get(&who).is_some_and(|seat| seat.inside);
            if sat_there && self.members(at).is_empty() {
                self.end_group(at, who);
            }
        }
        self.touch_everybody();
        self.touched_in.extend(self.conversations.iter().map(|conversation| conversation.id));
        Ok(json!({}))
    }

    pub(super) fn pause(&mut self, who: Who, mode: Pause) -> Answer {
        self.agent_mut(who).pause = mode;
        self.touched.insert(who);
        Ok(json!({}))
    }

    pub(super) fn suspend(&mut self, who: Who) -> Answer {
        match self.agent(who) {
            agent if agent.status == Status::Deleted => return Err(refused("AGENT_NOT_FOUND")),
            agent if agent.is_system => return Err(refused("SYSTEM_AGENT_PROTECTED")),
            _ => self.agent_mut(who).status = Status::Suspended,
        }
        self.touch_everybody();
        Ok(json!({}))
    }

    pub(super) fn reinstate(&mut self, who: Who) -> Answer {
        if !self.lives(who) {
            return Err(refused("AGENT_NOT_FOUND"));
        }
        let now = self.now;
        let agent = self.agent_mut(who);
        agent.reinstated_at = Some(now);
        agent.status = Status::Active;
        self.touch_everybody();
        Ok(json!({}))
    }

    /// Restricts, suspends or frees as blocks and reports of those count whom the agent wrote to first.
    pub(super) fn judge(&mut self, who: Who) {
        if self.agent(who).is_system || !self.is_reachable(who) {
            return;
        }
        let since = |age: i64| self.now - age;
        let blocks = self.counted(who, since(7 * DAY), |by| by.blocks.get(&who).copied());
        let lately = self.counted(who, since(DAY), |by| by.blocks.get(&who).copied());
        let reports = self.counted(who, since(7 * DAY), |by| by.reports.get(&who).copied());
        let status = if reports >= LIMITS.suspend_reports || blocks >= LIMITS.suspend_blocks {
            Status::Suspended
        } else if lately >= LIMITS.restrict_blocks {
            Status::Restricted
        } else {
            Status::Active
        };
        if self.agent(who).status != status {
            self.agent_mut(who).status = status;
            self.touch_everybody();
        }
    }

    fn counted(&self, who: Who, since: i64, when: impl Fn(&Agent) -> Option<i64>) -> usize {
        let from = since.max(self.agent(who).reinstated_at.map_or(i64::MIN, |at| at + 1));
        let others = self.agents.iter().enumerate().filter_map(|(by, agent)| Some((by, agent.as_ref()?)));
        others.filter(|(by, agent)| self.wrote_first(who, *by) && when(agent).is_some_and(|at| at >= from)).count()
    }

    fn wrote_first(&self, who: Who, to: Who) -> bool {
        self.direct_with(who, to)
            .is_some_and(|at| matches!(self.conversations[at].kind, Kind::Direct { initiator, .. } if initiator == who))
    }

    /// The direct conversation of two agents.
    pub(super) fn direct_with(&self, one: Who, other: Who) -> Option<usize> {
        self.conversations.iter().position(|conversation| {
            conversation.group().is_none()
                && conversation.seats.contains_key(&one)
                && conversation.seats.contains_key(&other)
        })
    }
}
