//! Groups: the add rule, ranks, leaving, joining, the end of groups and of accounts in them.

mod accounts;
mod adding;
mod ending;
mod joining;
mod leaving;
mod profile;
mod ranks;

use agentchat_core::Error;
use agentchat_core::agents::{DeleteAgent, Deleted};
use agentchat_core::groups::{
    AcceptInvite, AddToGroup, Added, ChangeRank, CreateGroup, Created, DeleteGroup, DeletedGroup, InviteRules, Joined,
    KickMember, LeaveGroup, Left, ListInvites, Rank, ShowGroup, UpdateGroup, Updated,
};
use agentchat_core::jobs::{Advance, Advanced, Claim, ClaimJob, Progress};
use agentchat_core::messages::Posted;
use agentchat_protocol::conversation::GroupRole;
use agentchat_protocol::group::{AddOutcome, GroupChanges, GroupDetail, GroupInvitation, NewGroup};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, InviteId, MessageId};
use agentchat_protocol::message::Message;
use agentchat_store::key::JobKey;
use agentchat_store::tables::Actor;
use serde_json::{Value, json};

use crate::world::{Agent, World};

pub(crate) const RULES: InviteRules = InviteRules { members: 256, quota: None };

/// What agents do with groups.
impl World {
    fn message_id(&self) -> MessageId {
        MessageId::from_bytes(self.id())
    }

    pub(crate) async fn create_group(&self, creator: &Agent, body: Value, rules: InviteRules) -> Created {
        let request = NewGroup::parse(body.to_string().as_bytes()).expect("a valid request");
        let invites = request.member_handles.iter().map(|_| InviteId::from_bytes(self.id())).collect();
        let id = ConversationId::group(self.id());
        let operation = CreateGroup { caller: creator.key, request, id, invites, rules, now: self.now() };
        self.store.write(operation).await.expect("the group is made")
    }

    /// A group of these: the first made it, the others came one second after the other.
    pub(crate) async fn group(&self, members: &[&Agent]) -> ConversationId {
        let created = self.create_group(members[0], json!({ "name": "ops" }), RULES).await;
        for member in &members[1..] {
            self.pass(1_000);
            self.bring(members[0], created.answer.group.id, member).await;
        }
        created.answer.group.id
    }

    pub(crate) async fn try_add(&self, by: &Agent, group: ConversationId, handle: &str) -> Result<Added, Error> {
        self.try_add_under(by, group, handle, RULES).await
    }

    pub(crate) async fn try_add_under(
        &self,
        by: &Agent,
        group: ConversationId,
        handle: &str,
        rules: InviteRules,
    ) -> Result<Added, Error> {
        let handle = Handle::parse(handle).ok();
        let invite = InviteId::from_bytes(self.id());
        self.store.write(AddToGroup { caller: by.key, group, handle, invite, rules, now: self.now() }).await
    }

    /// Invites somebody who is not in the group.
    pub(crate) async fn invite(&self, by: &Agent, group: ConversationId, agent: &Agent) -> InviteId {
        let added = self.try_add(by, group, agent.handle.as_str()).await.expect("invited");
        assert_eq!(added.result.outcome, AddOutcome::Invited);
        added.result.invite_id.expect("an invitation")
    }

    pub(crate) async fn try_accept(&self, agent: &Agent, invite: InviteId, members: u64) -> Result<Joined, Error> {
        let (invite, message) = (Some(invite), self.message_id());
        self.store.write(AcceptInvite { caller: agent.key, invite, members, message, now: self.now() }).await
    }

    /// Invites somebody who comes.
    pub(crate) async fn bring(&self, by: &Agent, group: ConversationId, agent: &Agent) -> Joined {
        let invite = self.invite(by, group, agent).await;
        self.try_accept(agent, invite, 256).await.expect("joined")
    }

    pub(crate) async fn invites(&self, agent: &Agent) -> Vec<GroupInvitation> {
        self.store.read(ListInvites { caller: agent.key }).await.expect("a list")
    }

    pub(crate) async fn try_show(&self, agent: &Agent, group: ConversationId) -> Result<GroupDetail, Error> {
        self.store.read(ShowGroup { caller: agent.key, group }).await
    }

    pub(crate) async fn show(&self, agent: &Agent, group: ConversationId) -> GroupDetail {
        self.try_show(agent, group).await.expect("the group")
    }

    pub(crate) async fn try_update(&self, by: &Agent, group: ConversationId, body: Value) -> Result<Updated, Error> {
        let changes = GroupChanges::parse(body.to_string().as_bytes()).expect("a valid request");
        let messages = [self.message_id(), self.message_id(), self.message_id()];
        self.store.write(UpdateGroup { caller: by.key, group, changes, messages, now: self.now() }).await
    }

    pub(crate) async fn try_kick(&self, by: &Agent, group: ConversationId, handle: &str) -> Result<Posted, Error> {
        let (handle, message) = (Handle::parse(handle).ok(), self.message_id());
        self.store.write(KickMember { caller: by.key, group, handle, message, now: self.now() }).await
    }

    pub(crate) async fn try_rank(
        &self,
        by: &Agent,
        group: ConversationId,
        handle: &str,
        to: Rank,
    ) -> Result<Posted, Error> {
        let (handle, message) = (Handle::parse(handle).ok(), self.message_id());
        self.store.write(ChangeRank { caller: by.key, group, handle, to, message, now: self.now() }).await
    }

    pub(crate) async fn promote(&self, by: &Agent, group: ConversationId, agent: &Agent) {
        self.try_rank(by, group, agent.handle.as_str(), Rank::Admin).await.expect("promoted");
    }

    pub(crate) async fn try_leave(&self, agent: &Agent, group: ConversationId) -> Result<Left, Error> {
        let messages = [self.message_id(), self.message_id()];
        self.store.write(LeaveGroup { caller: agent.key, group, messages, now: self.now() }).await
    }

    pub(crate) async fn try_end(&self, by: &Agent, group: ConversationId) -> Result<DeletedGroup, Error> {
        self.store.write(DeleteGroup { caller: by.key, group, message: self.message_id(), now: self.now() }).await
    }

    pub(crate) async fn end_account(&self, agent: &Agent) -> Deleted {
        let (handle, event) = (agent.handle.clone(), self.id());
        let operation = DeleteAgent { handle, actor: Actor::Agent, event, now: self.now() };
        self.store.write(operation).await.expect("the account ends")
    }

    /// What waits for an agent: texts, and the words of events.
    pub(crate) async fn queue(&self, agent: &Agent) -> Vec<String> {
        self.pending(agent, 0, 500).await.iter().map(|row| said(&row.message)).collect()
    }

    fn job_claim(&self) -> Claim {
        Claim { node: [1; 16], now: self.now(), lease_ms: 60_000 }
    }

    pub(crate) async fn claim_job(&self) -> Option<JobKey> {
        self.store.write_own(ClaimJob(self.job_claim())).await.expect("a look for jobs")
    }

    pub(crate) async fn advance(&self, job: JobKey, chunk: u64, told: bool) -> Advanced {
        let messages = [self.message_id(), self.message_id()];
        let operation = Advance { job, chunk, claim: self.job_claim(), told, messages };
        self.store.write_own(operation).await.expect("a chunk")
    }

    /// Works on all jobs until none is left, as a node does.
    pub(crate) async fn finish_jobs(&self) -> Vec<Advanced> {
        let mut all = Vec::new();
        while let Some(job) = self.claim_job().await {
            let mut told = false;
            loop {
                let advanced = self.advance(job, Advance::CHUNK, told).await;
                told = true;
                let progress = advanced.progress;
                all.push(advanced);
                if progress != Progress::More {
                    break;
                }
            }
        }
        all
    }
}

/// The text of a message, or the word of its event and whom it is about.
pub(crate) fn said(message: &Message) -> String {
    if let Some(text) = message.text() {
        return text;
    }
    let content: Value = serde_json::from_str(message.content.as_str()).expect("JSON");
    let data = &content["data"];
    let word = data["event"].as_str().expect("an event");
    match data["agent_handle"].as_str() {
        Some(handle) => format!("{word} {handle}"),
        None => word.to_owned(),
    }
}

/// Handles and ranks of all members, in their order.
pub(crate) fn ranks(group: &GroupDetail) -> Vec<(&str, bool)> {
    group.members.iter().map(|member| (member.handle.as_str(), member.role == GroupRole::Admin)).collect()
}
