//! Actions as operations, and their answers as bodies.

use agentchat_core::accounts::{EmailCaps, NewAccount};
use agentchat_core::agents::{AgentChanges, CreateAgent, DeleteAgent, ProfileText, UpdateAgent};
use agentchat_core::contacts::{
    AddContact, BlockAgent, Blocked, CheckContact, NoteContact, RemoveContact, ReportAgent, UnblockAgent,
};
use agentchat_core::conversations::{HideConversation, ListConversations, SetNotifyLevel, ShowDirectContext};
use agentchat_core::enforcement::{ReinstateAgent, SuspendAgent};
use agentchat_core::groups::{
    AcceptInvite, AddToGroup, ChangeRank, CreateGroup, DeleteGroup, Invited, KickMember, LeaveGroup, Rank,
    RejectInvite, UpdateGroup,
};
use agentchat_core::jobs::{Advance, Claim, ClaimJob, Progress, ReleaseJob};
use agentchat_core::messages::{
    Ack, AckThrough, Busy, Expire, FindOverdue, HideMessage, HistoryAnchor, PendingPage, ReadMessage, ReadOutcome,
    ReadThrough, SendDirect, SendGroup, Sent, Settle, ShowHistory,
};
use agentchat_core::mutes::{AddMute, NamedTarget, RemoveMute};
use agentchat_core::{Error, Verdict};
use agentchat_protocol::agent::{GroupInvitePolicy, InboxMode, PausedByOwner};
use agentchat_protocol::conversation::NotifyLevel;
use agentchat_protocol::email::Email;
use agentchat_protocol::group::{GroupChanges, NewGroup};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, ConversationId, DeliveryId};
use agentchat_protocol::mute::{NewMute, NewMuteTarget};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Actor;
use agentchat_store::{StoreError, Tx, Write};
use serde_json::{Value, json};

use super::{Known, Leaving, System, handle, invite_rules, key_hash, keys, occasion, refused, rules, send_limits};
use crate::model::expected::Answer;
use crate::model::script::{Action, Anchor, Cursor, Draft, GroupChange, Muted, NAMES, Pause, Target, Turn, Who};

impl System {
    /// What the service and its operator do.
    pub(super) async fn serve(&mut self, action: &Action, turn: &Turn) -> Answer {
        match action {
            Action::Crash => self.place.crash().await,
            Action::Expire => self.expire(turn).await,
            Action::Register { name } => self.register(*name, turn).await.map_err(refused)?,
            Action::Pause { who, mode } => {
                let operation = SetPause { agent: self.key(*who), mode: *mode };
                self.place.store.write(operation).await.expect("the pause is set");
            }
            Action::Suspend { who } => {
                let operation = SuspendAgent { handle: named(*who), reason: None, occasion: occasion(turn) };
                self.place.store.write(operation).await.map_err(refused)?;
            }
            Action::Reinstate { who } => {
                let operation = ReinstateAgent { handle: named(*who), occasion: occasion(turn) };
                self.place.store.write(operation).await.map_err(refused)?;
            }
            _ => {}
        }
        Ok(json!({}))
    }

    async fn register(&mut self, name: Who, turn: &Turn) -> Result<(), Error> {
        let operation = CreateAgent {
            account: NewAccount {
                email: Email::parse(&format!("{}@example.com", NAMES[name])).expect("an e-mail"),
                handle: named(name),
                display_name: Some(NAMES[name].to_uppercase()),
                description: None,
            },
            id: AgentId::from_bytes(turn.other()),
            key_hash: key_hash(name),
            is_system: name == 0,
            caps: EmailCaps::default(),
            now: turn.at(),
        };
        let registered = self.place.store.write(operation).await?;
        self.known.insert(name, Known { key: registered.key, id: registered.agent.id });
        Ok(())
    }

    pub(crate) async fn expire(&self, turn: &Turn) {
        let now = turn.at();
        let due = self.place.store.read(FindOverdue { limit: 100, now }).await.expect("the overdue");
        for agent in due {
            self.place.store.write(Expire { agent, now }).await.expect("expired");
        }
    }

    /// Some chunks of unfinished jobs, with ids of messages from `index` on; answers who left which group, and whether
    /// nothing is left to be done.
    pub(crate) async fn work(&self, chunks: usize, rows: u64, turn: &Turn, mut index: u8) -> (Vec<Leaving>, bool) {
        let node = [9; 16];
        let claim = Claim { node, now: turn.at(), lease_ms: -1 };
        let mut leavings = Vec::new();
        let mut told = None;
        for _ in 0..chunks {
            let job = self.place.store.write(ClaimJob(claim)).await.expect("a claim");
            let Some(job) = job else { return (leavings, true) };
            let operation = Advance {
                job,
                chunk: rows,
                claim,
                told: told == Some(job),
                messages: [turn.message(index), turn.message(index + 1)],
            };
            let advanced = self.place.store.write(operation).await.expect("a chunk");
            told = advanced.end.is_some().then_some(job).or(told);
            assert_ne!(advanced.progress, Progress::Lost, "nobody else works");
            if let Some(first) = advanced.posted.first() {
                let posted = advanced.posted.iter().map(|posted| self.posted(posted)).collect();
                let (group, name) = (first.message.conversation_id, first.message.sender.to_string());
                leavings.push(Leaving { group, name, index, posted });
                index += 2;
            }
            let release = ReleaseJob { job, node, now: turn.at() };
            self.place.store.write(release).await.expect("released");
        }
        (leavings, false)
    }

    pub(super) async fn perform(
        &mut self,
        action: &Action,
        who: Who,
        fully_paused: bool,
        turn: &Turn,
    ) -> Result<Value, Error> {
        match action {
            Action::Send { target, draft, .. } => self.send(who, target, draft, turn).await,
            Action::CreateGroup { .. }
            | Action::UpdateGroup { .. }
            | Action::DeleteGroup { .. }
            | Action::AddMember { .. }
            | Action::Accept { .. }
            | Action::Reject { .. }
            | Action::Kick { .. }
            | Action::Promote { .. }
            | Action::Demote { .. }
            | Action::Leave { .. } => self.in_groups(action, who, turn).await,
            Action::AddContact { .. }
            | Action::NoteContact { .. }
            | Action::RemoveContact { .. }
            | Action::CheckContact { .. }
            | Action::Block { .. }
            | Action::Unblock { .. }
            | Action::Report { .. }
            | Action::Mute { .. }
            | Action::Unmute { .. }
            | Action::Notify { .. } => self.among_people(action, who, turn).await,
            Action::Profile { .. } | Action::DeleteAccount { .. } => self.with_account(action, who, turn).await,
            _ => self.with_mail(action, who, fully_paused, turn).await,
        }
    }

    async fn send(&self, who: Who, target: &Target, draft: &Draft, turn: &Turn) -> Result<Value, Error> {
        let request = request(target, draft);
        let (sender, client_msg_id, now) = (self.key(who), draft.client_msg_id.clone(), turn.at());
        let (message_id, verdict, limits) = (turn.message(0), Verdict::Granted, send_limits());
        let sent = match request.conversation_id.filter(|id| id.is_group()) {
            Some(group) => {
                let operation = SendGroup { sender, group, request, client_msg_id, now, message_id, verdict, limits };
                self.place.store.write(operation).await?
            }
            None => {
                let conversation_id = turn.conversation();
                let operation =
                    SendDirect { sender, request, client_msg_id, now, message_id, conversation_id, verdict, limits };
                self.place.store.write(operation).await?
            }
        };
        Ok(self.sent(sent))
    }

    fn sent(&self, sent: Sent) -> Value {
        let mut skipped: Vec<String> = sent.skipped_recipients.iter().map(ToString::to_string).collect();
        skipped.sort_unstable();
        json!({
            "message": sent.message,
            "replayed": sent.replayed,
            "skipped_recipients": skipped,
            "backlog": sent.backlog.map(|one| json!({ "handle": one.handle, "undelivered": one.undelivered })),
            "pushed": self.pushed(&sent.deliveries),
        })
    }

    async fn with_account(&self, action: &Action, who: Who, turn: &Turn) -> Result<Value, Error> {
        let store = &self.place.store;
        match action {
            Action::Profile { display_name, contacts_only, invites_by_contacts, .. } => {
                let changes = AgentChanges {
                    text: ProfileText { display_name: display_name.clone(), description: None },
                    inbox_mode: contacts_only.map(|only| if only { InboxMode::ContactsOnly } else { InboxMode::Open }),
                    group_invite_policy: invites_by_contacts
                        .map(|only| if only { GroupInvitePolicy::ContactsOnly } else { GroupInvitePolicy::Open }),
                };
                let agent = store.write(UpdateAgent { agent: self.key(who), changes, now: turn.at() }).await?;
                Ok(super::look::own_record(&agent))
            }
            _ => {
                let operation =
                    DeleteAgent { handle: named(who), actor: Actor::Agent, event: turn.other(), now: turn.at() };
                store.write(operation).await?;
                Ok(json!({}))
            }
        }
    }

    /// Reading, hiding, acking, looking.
    async fn with_mail(&mut self, action: &Action, who: Who, fully_paused: bool, turn: &Turn) -> Result<Value, Error> {
        let (agent, now) = (self.key(who), turn.at());
        let store = self.place.store.clone();
        match action {
            Action::Read { message, .. } => {
                let operation = ReadMessage { reader: agent, handle: named(who), message: *message, now };
                let read = store.write(operation).await?;
                assert!(!read.outcome.more, "few messages");
                Ok(json!({ "message": read.message, "events": self.events(&read.outcome) }))
            }
            Action::ReadThrough { conversation, seq, .. } => {
                let (handle, conversation, through_seq) = (named(who), *conversation, *seq);
                let outcome =
                    store.write(ReadThrough { reader: agent, handle, conversation, through_seq, now }).await?;
                Ok(json!({ "events": self.events(&outcome) }))
            }
            Action::HideMessage { message, .. } => {
                store.write(HideMessage { agent, message: *message, now }).await?;
                Ok(json!({}))
            }
            Action::HideConversation { conversation, .. } => {
                store.write(HideConversation { agent, conversation: *conversation, now }).await?;
                Ok(json!({}))
            }
            Action::Ack { messages, .. } => {
                let acks = messages.iter().map(|message| Ack { agent, message: *message }).collect();
                let settled = store.write(Settle { acks, busy: Busy::Wait, now }).await?;
                Ok(json!({ "settled": settled.envelopes }))
            }
            Action::AckThrough { cursor, .. } => {
                let Some(position) = self.position(who, *cursor).filter(|_| !fully_paused) else {
                    return Ok(json!({ "acked": 0 }));
                };
                let progress = store.write(AckThrough { agent, position, now }).await?;
                assert!(!progress.more, "few messages");
                Ok(json!({ "acked": progress.acked }))
            }
            Action::Sync { after, limit, .. } => {
                let after = match after.map(|cursor| self.position(who, cursor)) {
                    _ if fully_paused => return Ok(json!([])),
                    None => 0,
                    Some(Some(position)) => position,
                    Some(None) => return Ok(json!([])),
                };
                let page = store.read(PendingPage { agent, after, limit: *limit, now, keys: keys() }).await?;
                Ok(super::look::pending(&page))
            }
            Action::History { conversation, anchor, limit, .. } => {
                let anchor = match *anchor {
                    Anchor::Newest => HistoryAnchor::Newest,
                    Anchor::Before(seq) => HistoryAnchor::Before(seq),
                    Anchor::After(seq) => HistoryAnchor::After(seq),
                    Anchor::Around(message) => HistoryAnchor::Around(message),
                };
                let (viewer, conversation, limit, keys) = (agent, *conversation, *limit, keys());
                let operation = ShowHistory { viewer, conversation, anchor, limit, keys, now };
                Ok(json!(store.read(operation).await?))
            }
            Action::List { limit, offset, .. } => {
                Ok(json!(store.read(ListConversations { agent, limit: *limit, offset: *offset, now }).await?))
            }
            Action::DirectContext { name, .. } => {
                Ok(json!(store.read(ShowDirectContext { viewer: agent, handle: handle(name) }).await?))
            }
            other => panic!("{other} belongs elsewhere"),
        }
    }

    /// As the server reads a cursor: the id of a delivery to somebody else says nothing.
    fn position(&self, who: Who, cursor: Cursor) -> Option<u64> {
        let id = match cursor {
            Cursor::Forged => DeliveryId::from_bytes([3; 16]),
            Cursor::Delivery { of, message } => *self.deliveries.get(&(of, message.to_string()))?,
        };
        self.position_of(who, &id)
    }

    /// Where a delivery id of `who`'s own stands.
    pub(crate) fn position_of(&self, who: Who, id: &DeliveryId) -> Option<u64> {
        keys().decode(self.key(who).0, id)
    }

    /// What senders are told.
    fn events(&self, outcome: &ReadOutcome) -> Value {
        let name = |key: AgentKey| self.known.iter().find(|(_, known)| known.key == key).map(|(who, _)| NAMES[*who]);
        let mut events: Vec<Value> = outcome
            .events
            .iter()
            .map(|event| {
                let mut told = json!(event.frame);
                told["to"] = json!(name(event.to));
                told
            })
            .collect();
        events.sort_by_key(|event| event["to"].to_string());
        json!(events)
    }

    async fn among_people(&self, action: &Action, who: Who, turn: &Turn) -> Result<Value, Error> {
        let (me, now, store) = (self.key(who), turn.at(), &self.place.store);
        let muted = |what: &Muted| match what {
            Muted::Name(name) => NamedTarget::Agent(handle(name)),
            Muted::Conversation(id) => NamedTarget::Conversation(*id),
        };
        match action {
            Action::AddContact { name, .. } => {
                Ok(json!(store.write(AddContact { owner: me, handle: handle(name), now }).await?))
            }
            Action::NoteContact { name, notes, .. } => {
                store.write(NoteContact { owner: me, handle: handle(name), notes: notes.clone() }).await?;
                Ok(json!({}))
            }
            Action::RemoveContact { name, .. } => {
                store.write(RemoveContact { owner: me, handle: handle(name) }).await?;
                Ok(json!({}))
            }
            Action::CheckContact { name, .. } => {
                Ok(json!(store.read(CheckContact { owner: me, handle: handle(name) }).await?))
            }
            Action::Block { name, .. } => {
                let (handle, rules, occasion) = (handle(name), rules(), occasion(turn));
                Ok(blocked(&store.write(BlockAgent { blocker: me, handle, rules, occasion }).await?))
            }
            Action::Report { name, .. } => {
                let (handle, rules, occasion) = (handle(name), rules(), occasion(turn));
                let operation = ReportAgent { reporter: me, handle, reason: None, rules, occasion };
                Ok(blocked(&store.write(operation).await?))
            }
            Action::Unblock { name, .. } => {
                store.write(UnblockAgent { blocker: me, handle: handle(name) }).await?;
                Ok(json!({}))
            }
            Action::Mute { what, until, .. } => {
                let target = match what {
                    Muted::Name(name) => NewMuteTarget::Agent((*name).to_owned()),
                    Muted::Conversation(id) => NewMuteTarget::Conversation(id.to_string()),
                };
                let mute = NewMute { target, muted_until: until.map(Timestamp::from_millis) };
                Ok(json!(store.write(AddMute { muter: me, id: self.known[&who].id, mute, now }).await?))
            }
            Action::Unmute { what, .. } => {
                store.write(RemoveMute { muter: me, target: muted(what) }).await?;
                Ok(json!({}))
            }
            Action::Notify { conversation, level, .. } => {
                let level = NotifyLevel::from(*level);
                store.write(SetNotifyLevel { agent: me, conversation: *conversation, level }).await?;
                Ok(json!({}))
            }
            other => panic!("{other} belongs elsewhere"),
        }
    }

    async fn in_groups(&self, action: &Action, who: Who, turn: &Turn) -> Result<Value, Error> {
        let (caller, now, store) = (self.key(who), turn.at(), &self.place.store);
        let (rules, message) = (invite_rules(who), turn.message(0));
        let rank = |group: ConversationId, name: &str, to: Rank| ChangeRank {
            caller,
            group,
            handle: handle(name),
            to,
            message,
            now,
        };
        match action {
            Action::CreateGroup { name, members, .. } => {
                let body = json!({ "name": name, "member_handles": members }).to_string();
                let request = NewGroup::parse(body.as_bytes()).expect("a valid request");
                let invites =
                    (0..u8::try_from(request.member_handles.len()).expect("few")).map(|k| turn.invite(k)).collect();
                let id = ConversationId::group(turn.conversation());
                let created = store.write(CreateGroup { caller, request, id, invites, rules, now }).await?;
                let mut answer = json!(created.answer);
                answer["invited"] = created.invited.iter().map(invited).collect();
                Ok(answer)
            }
            Action::UpdateGroup { group, change, .. } => {
                let messages = [0, 1, 2].map(|index| turn.message(index));
                let operation = UpdateGroup { caller, group: *group, changes: changes(change), messages, now };
                let updated = store.write(operation).await?;
                let posted: Vec<Value> = updated.posted.iter().map(|one| self.posted(one)).collect();
                Ok(json!({ "group": updated.group, "posted": posted }))
            }
            Action::DeleteGroup { group, .. } => {
                let deleted = store.write(DeleteGroup { caller, group: *group, message, now }).await?;
                Ok(json!({ "deleted_at": deleted.deleted_at, "posted": self.posted(&deleted.posted) }))
            }
            Action::AddMember { group, name, .. } => {
                let (group, handle, invite) = (*group, handle(name), turn.invite(0));
                let added = store.write(AddToGroup { caller, group, handle, invite, rules, now }).await?;
                Ok(json!({ "result": added.result, "invited": added.invited.as_ref().map(invited) }))
            }
            Action::Accept { invite, .. } => {
                let (invite, members) = (Some(*invite), rules.members);
                let joined = store.write(AcceptInvite { caller, invite, members, message, now }).await?;
                let posted = joined.posted.as_ref().map(|posted| self.posted(posted));
                Ok(json!({ "group": joined.group, "posted": posted }))
            }
            Action::Reject { invite, .. } => {
                store.write(RejectInvite { caller, invite: Some(*invite) }).await?;
                Ok(json!({}))
            }
            Action::Kick { group, name, .. } => {
                let (group, handle) = (*group, handle(name));
                let posted = store.write(KickMember { caller, group, handle, message, now }).await?;
                Ok(json!({ "posted": self.posted(&posted) }))
            }
            Action::Promote { group, name, .. } => {
                Ok(json!({ "posted": self.posted(&store.write(rank(*group, name, Rank::Admin)).await?) }))
            }
            Action::Demote { group, name, .. } => {
                Ok(json!({ "posted": self.posted(&store.write(rank(*group, name, Rank::Member)).await?) }))
            }
            Action::Leave { group, .. } => {
                let messages = [turn.message(0), turn.message(1)];
                let left = store.write(LeaveGroup { caller, group: *group, messages, now }).await?;
                let posted: Vec<Value> = left.posted.iter().map(|one| self.posted(one)).collect();
                Ok(json!({ "promoted_handle": left.promoted, "posted": posted }))
            }
            other => panic!("{other} belongs elsewhere"),
        }
    }
}

fn named(who: Who) -> Handle {
    handle(NAMES[who]).expect("a handle")
}

fn request(target: &Target, draft: &Draft) -> SendRequest {
    let (key, target) = match target {
        Target::Name(name) => ("to", name.clone()),
        Target::Conversation(id) => ("conversation_id", id.to_string()),
    };
    let object = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let mut body = json!({
        "client_msg_id": draft.client_msg_id,
        "type": draft.kind,
        "content": object(&draft.content),
        "metadata": draft.metadata.as_deref().map(object),
        "expires_at": draft.expires_at.map(Timestamp::from_millis),
    });
    body[key] = json!(target);
    SendRequest::parse(body.to_string().as_bytes(), 32_768).expect("a valid request")
}

fn changes(change: &GroupChange) -> GroupChanges {
    GroupChanges {
        name: change.name.clone(),
        description: change.description.clone(),
        avatar_url: change.avatar_url.clone(),
    }
}

fn invited(invited: &Invited) -> Value {
    json!({ "invitation": invited.invitation, "silent": invited.silent })
}

fn blocked(blocked: &Blocked) -> Value {
    json!({ "is_new": blocked.is_new, "status": blocked.standing.as_ref().map(|change| change.to.as_str()) })
}

/// What the owner of an agent does, whose endpoint is not a matter of this test.
struct SetPause {
    agent: AgentKey,
    mode: Pause,
}

impl Write for SetPause {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.lock_inboxes(&[self.agent]);
        let paused = match self.mode {
            Pause::No => PausedByOwner::None,
            Pause::Send => PausedByOwner::Send,
            Pause::Full => PausedByOwner::Full,
        };
        tx.set_agent_paused(self.agent, &paused).await
    }
}
