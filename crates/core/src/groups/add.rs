//! `POST /v1/groups/{id}/members`, and the add rule.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::group::{AddMemberResult, AddOutcome, GroupInvitation};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, InviteId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AgentRow, CandidateRow, GroupRow, NewInvite};
use agentchat_store::{Tx, Write};
use serde_json::json;

use super::gate::{enter_as_admin, full};
use super::show::{profile, shown_avatar};
use crate::limits::Bucket;
use crate::webhooks::tell;
use crate::{Error, Rejection};

/// Invites an agent into a group, by one of its admins.
#[derive(Debug, Clone)]
pub struct AddToGroup {
    pub caller: AgentKey,
    pub group: ConversationId,
    /// `None`: what was sent is no handle, and so nobody's.
    pub handle: Option<Handle>,
    /// For the invitation, if there is to be one.
    pub invite: InviteId,
    pub rules: InviteRules,
    pub now: Timestamp,
}

/// What bounds invitations.
#[derive(Debug, Clone, Copy)]
pub struct InviteRules {
    /// Active members of a group.
    pub members: u64,
    /// Policy `group_invite` of the inviter, unless it is off.
    pub quota: Option<Bucket>,
}

/// What became of adding somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    pub result: AddMemberResult,
    /// A new invitation.
    pub invited: Option<Invited>,
    /// Microseconds until the inviter's quota is full again, if it has one and something was taken.
    pub quota_full_in_us: Option<i64>,
    /// Webhooks of the invited one are to be told.
    pub queued: bool,
}

/// An invitation that was made just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    pub agent: AgentKey,
    pub invitation: GroupInvitation,
    /// The invitee is fully paused: nothing is pushed to it.
    pub silent: bool,
}

impl Write for AddToGroup {
    type Out = Added;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Added, Error> {
        let target = match &self.handle {
            Some(handle) => tx.agents_of_handles(std::slice::from_ref(handle)).await?.pop(),
            None => None,
        };
        let target = target.map(|(key, _)| key);
        tx.lock_conversation(self.group);
        tx.lock_inboxes(&[Some(self.caller), target].into_iter().flatten().collect::<Vec<_>>());
        let inside = enter_as_admin(tx, self.caller, self.group).await?;
        let group = profile(tx, inside.key()).await?;
        let candidate = match target {
            Some(target) => tx.candidates(self.caller, group.key, &[target]).await?.pop(),
            None => None,
        };
        let inviter = Inviter { agent: &inside.agent, group: &group, rules: &self.rules, now: self.now };
        let added = inviter.add(tx, candidate.as_ref(), self.invite).await?;
        let quota_full_in_us = self.rules.after(tx, added.invited.as_slice(), self.now).await?;
        let queued = tell_invited(tx, added.invited.as_slice(), self.now).await?;
        Ok(Added { quota_full_in_us, queued, ..added })
    }
}

impl InviteRules {
    /// Microseconds until the quota is full again, if these were taken from one.
    pub(super) async fn after(
        &self,
        tx: &mut Tx<'_>,
        invited: &[Invited],
        now: Timestamp,
    ) -> Result<Option<i64>, Error> {
        match &self.quota {
            Some(quota) if !invited.is_empty() => quota.full_in_us(tx, now).await.map(Some),
            _ => Ok(None),
        }
    }
}

/// The webhooks of those who were invited, if any of them wants to know.
pub(super) async fn tell_invited(tx: &mut Tx<'_>, invited: &[Invited], now: Timestamp) -> Result<bool, Error> {
    let event = WebhookEvent::GroupInviteReceived;
    let agents: Vec<AgentKey> = invited.iter().map(|invited| invited.agent).collect();
    let wanting = if agents.is_empty() { Vec::new() } else { tx.agents_wanting(&agents, event.bit()).await? };
    let mut queued = false;
    for Invited { agent, invitation, .. } in invited.iter().filter(|invited| wanting.contains(&invited.agent)) {
        queued |= tell(tx, *agent, &event, invitation, &invitation.id.bytes(), now).await?;
    }
    Ok(queued)
}

/// Whoever adds, and where to.
pub(super) struct Inviter<'a> {
    pub(super) agent: &'a AgentRow,
    pub(super) group: &'a GroupRow,
    pub(super) rules: &'a InviteRules,
    pub(super) now: Timestamp,
}

/// What the rule says of a candidate.
enum Finding {
    AlreadyMember,
    Pending(InviteId),
    ToBeInvited,
}

impl Inviter<'_> {
    /// The add rule. A refusal has changed nothing.
    pub(super) async fn add(
        &self,
        tx: &mut Tx<'_>,
        candidate: Option<&CandidateRow>,
        fresh: InviteId,
    ) -> Result<Added, Error> {
        let candidate = candidate.filter(|row| row.reachable).ok_or_else(Rejection::agent_not_found)?;
        match self.judge(candidate)? {
            Finding::AlreadyMember => Ok(added(candidate, AddOutcome::AlreadyMember, None)),
            Finding::Pending(id) => Ok(added(candidate, AddOutcome::Invited, Some(id))),
            Finding::ToBeInvited => {
                if let Some(quota) = &self.rules.quota {
                    quota.take(tx, self.now).await?;
                }
                let invited = Some(self.invite(tx, candidate, fresh).await?);
                Ok(Added { invited, ..added(candidate, AddOutcome::Invited, Some(fresh)) })
            }
        }
    }

    fn judge(&self, candidate: &CandidateRow) -> Result<Finding, Rejection> {
        if candidate.agent == self.agent.key {
            return Err(Rejection::field("handle", "You are in the group already"));
        }
        if candidate.blocked {
            return Err(Rejection::new(ErrorCode::Blocked, "There is a block between these agents"));
        }
        if candidate.member {
            return Ok(Finding::AlreadyMember);
        }
        if let Some(id) = candidate.invite {
            return Ok(Finding::Pending(InviteId::from_bytes(id)));
        }
        if candidate.contacts_only && !candidate.knows_inviter {
            let text = format!("{} accepts invitations from contacts only", candidate.handle);
            let details = json!({ "handle": candidate.handle });
            return Err(Rejection::new(ErrorCode::InboxRestricted, text).details(details));
        }
        if self.group.members.unsigned_abs() >= self.rules.members {
            return Err(full(self.rules.members));
        }
        Ok(Finding::ToBeInvited)
    }

    async fn invite(&self, tx: &mut Tx<'_>, candidate: &CandidateRow, id: InviteId) -> Result<Invited, Error> {
        tx.insert_invite(&NewInvite {
            id: &id.bytes(),
            group: self.group.key,
            invitee: candidate.agent,
            inviter: self.agent.key,
            now: self.now.as_millis(),
        })
        .await?;
        let invitation = GroupInvitation {
            id,
            group_id: ConversationId::group(self.group.id),
            group_name: self.group.name.clone(),
            group_description: self.group.description.clone(),
            group_avatar_url: shown_avatar(self.group),
            group_member_count: self.group.members,
            inviter_handle: self.agent.handle.clone(),
            created_at: self.now,
        };
        Ok(Invited { agent: candidate.agent, invitation, silent: candidate.fully_paused })
    }
}

fn added(candidate: &CandidateRow, outcome: AddOutcome, invite_id: Option<InviteId>) -> Added {
    let result = AddMemberResult { handle: candidate.handle.clone(), outcome, invite_id };
    Added { result, invited: None, quota_full_in_us: None, queued: false }
}
