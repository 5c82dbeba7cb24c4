//! `POST /v1/groups`.

use std::collections::HashMap;

use agentchat_protocol::group::{AddMemberError, GroupCreated, NewGroup};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, InviteId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{CandidateRow, NewGroupRow};
use agentchat_store::{Tx, Write};

use super::add::{InviteRules, Invited, Inviter, tell_invited};
use super::gate::living;
use super::show::{detail, profile};
use crate::Error;

/// Makes a group whose admin is the caller, and invites into it.
#[derive(Debug, Clone)]
pub struct CreateGroup {
    pub caller: AgentKey,
    pub request: NewGroup,
    pub id: ConversationId,
    /// One for each handle of the request.
    pub invites: Vec<InviteId>,
    pub rules: InviteRules,
    pub now: Timestamp,
}

/// A new group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub answer: GroupCreated,
    pub invited: Vec<Invited>,
    /// Microseconds until the creator's quota of invitations is full again, if it has one and something was taken.
    pub quota_full_in_us: Option<i64>,
    /// Webhooks of the invited are to be told.
    pub queued: bool,
}

impl Write for CreateGroup {
    type Out = Created;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Created, Error> {
        let handles: Vec<Handle> =
            self.request.member_handles.iter().filter_map(|text| Handle::parse(text).ok()).collect();
        let found = if handles.is_empty() { Vec::new() } else { tx.agents_of_handles(&handles).await? };
        let agents: Vec<AgentKey> = found.into_iter().map(|(key, _)| key).filter(|key| *key != self.caller).collect();
        tx.lock_inboxes(&[agents.as_slice(), &[self.caller]].concat());
        let caller = living(tx, self.caller).await?;
        let key = tx.create_group(&self.row()).await?;
        let group = profile(tx, key).await?;
        let candidates = if agents.is_empty() { Vec::new() } else { tx.candidates(self.caller, key, &agents).await? };
        let candidates: HashMap<&str, &CandidateRow> =
            candidates.iter().map(|row| (row.handle.as_str(), row)).collect();
        let inviter = Inviter { agent: &caller, group: &group, rules: &self.rules, now: self.now };
        let (mut add_results, mut add_errors, mut invited) = (Vec::new(), Vec::new(), Vec::new());
        for (text, id) in self.request.member_handles.iter().zip(&self.invites) {
            if text == caller.handle.as_str() {
                continue;
            }
            match inviter.add(tx, candidates.get(text.as_str()).copied(), *id).await {
                Ok(added) => {
                    add_results.push(added.result);
                    invited.extend(added.invited);
                }
                Err(Error::Rejected(refusal)) => {
                    add_errors.push(AddMemberError { handle: text.clone(), code: refusal.code.as_str().to_owned() });
                }
                Err(failure) => return Err(failure),
            }
        }
        let group = detail(tx, self.caller, key).await?;
        let quota_full_in_us = self.rules.after(tx, &invited, self.now).await?;
        let queued = tell_invited(tx, &invited, self.now).await?;
        Ok(Created { answer: GroupCreated { group, add_results, add_errors }, invited, quota_full_in_us, queued })
    }
}

impl CreateGroup {
    fn row(&self) -> NewGroupRow<'_> {
        NewGroupRow {
            id: &self.id.bytes,
            name: &self.request.name,
            description: self.request.description.as_deref(),
            avatar_url: self.request.avatar_url.as_deref(),
            creator: self.caller,
            now: self.now.as_millis(),
        }
    }
}
