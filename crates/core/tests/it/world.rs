//! A store with agents in it, a clock that stands still and ids that count.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use agentchat_core::accounts::{EmailCaps, NewAccount};
use agentchat_core::agents::CreateAgent;
use agentchat_core::conversations::ListConversations;
use agentchat_core::messages::{
    Ack, AckThrough, Busy, CountUndelivered, HistoryAnchor, PendingPage, PendingRow, SendDirect, SendGroup, SendLimits,
    Sent, Settle, ShowHistory,
};
use agentchat_core::{Error, Rejection, Verdict};
use agentchat_launch::TestStore;
use agentchat_protocol::conversation::ConversationListItem;
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, ConversationId, MessageId};
use agentchat_protocol::message::Message;
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::NewGroupRow;
use agentchat_store::{Engine, Store, StoreError, Tx, Write};
use serde_json::{Value, json};

pub(crate) const LIMITS: SendLimits = SendLimits {
    cold_cap: 100,
    backlog_hard: 10_000,
    backlog_warn: 5_000,
    expiry_max_s: 30 * 24 * 60 * 60,
    group_send: None,
    loop_guard: None,
};

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) limits: SendLimits,
    pub(crate) verdict: Verdict,
    clock: AtomicI64,
    ids: AtomicU64,
    _place: TestStore,
}

#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) key: AgentKey,
    pub(crate) handle: Handle,
}

impl World {
    pub(crate) async fn new(engine: Engine) -> Self {
        let place = TestStore::open(engine).await;
        Self {
            store: place.store.clone(),
            limits: LIMITS,
            verdict: Verdict::Granted,
            clock: AtomicI64::new(1_768_469_400_000),
            ids: AtomicU64::new(1),
            _place: place,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn keys(&self) -> DeliveryKey {
        DeliveryKey::new([7; 32])
    }

    pub(crate) fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&self.ids.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        id
    }

    pub(crate) async fn agent(&self, handle: &str) -> Agent {
        self.create(handle, false).await
    }

    pub(crate) async fn system_agent(&self, handle: &str) -> Agent {
        self.create(handle, true).await
    }

    async fn create(&self, handle: &str, is_system: bool) -> Agent {
        let handle = Handle::parse(handle).expect("a handle");
        let id = self.id();
        let mut key_hash = [0; 32];
        key_hash[..16].copy_from_slice(&id);
        let operation = CreateAgent {
            account: NewAccount {
                email: Email::parse(&format!("{handle}@example.com")).expect("an e-mail"),
                handle: handle.clone(),
                display_name: Some(handle.as_str().to_uppercase()),
                description: None,
            },
            id: AgentId::from_bytes(id),
            key_hash,
            is_system,
            caps: EmailCaps::default(),
            now: self.now(),
        };
        let registered = self.store.write(operation).await.expect("the account is made");
        Agent { key: registered.key, handle }
    }

    /// Two agents who have answered each other: seqs 1 and 2 are taken.
    pub(crate) async fn acquainted(&self, one: &str, other: &str) -> (Agent, Agent) {
        let (one, other) = (self.agent(one).await, self.agent(other).await);
        self.say(&one, &other, "hello").await;
        self.say(&other, &one, "hello yourself").await;
        self.ack_all(&one).await;
        self.ack_all(&other).await;
        (one, other)
    }

    pub(crate) fn operation(&self, sender: &Agent, body: &Value) -> SendDirect {
        let request = SendRequest::parse(body.to_string().as_bytes(), 32_768).expect("a valid request");
        SendDirect {
            sender: sender.key,
            client_msg_id: request.client_msg_id.clone().expect("a client_msg_id"),
            request,
            now: self.now(),
            message_id: MessageId::from_bytes(self.id()),
            conversation_id: self.id(),
            verdict: self.verdict,
            limits: self.limits,
        }
    }

    pub(crate) async fn send(&self, sender: &Agent, body: Value) -> Result<Sent, Error> {
        self.store.write(self.operation(sender, &body)).await
    }

    /// A group of these agents, the first its admin; they came in without invitations, and nothing was said.
    pub(crate) async fn gathered(&self, members: &[&Agent]) -> ConversationId {
        let id = self.id();
        let members = members.iter().map(|member| member.key).collect();
        self.store.write(Gather { id, members, now: self.now() }).await.expect("the group is made");
        ConversationId::group(id)
    }

    pub(crate) fn group_operation(&self, sender: &Agent, group: ConversationId, body: &Value) -> SendGroup {
        let request = SendRequest::parse(body.to_string().as_bytes(), 32_768).expect("a valid request");
        SendGroup {
            sender: sender.key,
            group,
            client_msg_id: request.client_msg_id.clone().expect("a client_msg_id"),
            request,
            now: self.now(),
            message_id: MessageId::from_bytes(self.id()),
            verdict: self.verdict,
            limits: self.limits,
        }
    }

    /// Sends text to a group under a fresh `client_msg_id`.
    pub(crate) async fn try_speak(&self, sender: &Agent, group: ConversationId, text: &str) -> Result<Sent, Error> {
        let unique = format!("m-{}", self.ids.fetch_add(1, Ordering::SeqCst));
        let body = json!({ "conversation_id": group, "client_msg_id": unique, "content": { "text": text } });
        self.store.write(self.group_operation(sender, group, &body)).await
    }

    pub(crate) async fn speak(&self, sender: &Agent, group: ConversationId, text: &str) -> Message {
        self.try_speak(sender, group, text).await.expect("the send is accepted").message
    }

    /// Sends text under a fresh `client_msg_id`.
    pub(crate) async fn try_say(&self, sender: &Agent, to: &Agent, text: &str) -> Result<Sent, Error> {
        let unique = format!("m-{}", self.ids.fetch_add(1, Ordering::SeqCst));
        self.send(sender, json!({ "to": to.handle, "client_msg_id": unique, "content": { "text": text } })).await
    }

    pub(crate) async fn say(&self, sender: &Agent, to: &Agent, text: &str) -> Message {
        self.try_say(sender, to, text).await.expect("the send is accepted").message
    }

    pub(crate) async fn pending(&self, agent: &Agent, after: u64, limit: usize) -> Vec<PendingRow> {
        let page = PendingPage { agent: agent.key, after, limit, now: self.now(), keys: self.keys() };
        self.store.read(page).await.expect("a page").rows
    }

    pub(crate) async fn undelivered(&self, agent: &Agent) -> u64 {
        self.store.read(CountUndelivered { agent: agent.key, now: self.now() }).await.expect("a count")
    }

    pub(crate) async fn ack_through(&self, agent: &Agent, position: u64) -> u64 {
        let mut acked = 0;
        loop {
            let operation = AckThrough { agent: agent.key, position, now: self.now() };
            let progress = self.store.write(operation).await.expect("an ack");
            acked += progress.acked;
            if !progress.more {
                return acked;
            }
        }
    }

    pub(crate) async fn ack_all(&self, agent: &Agent) -> u64 {
        self.ack_through(agent, u64::MAX >> 1).await
    }

    pub(crate) async fn settle(&self, agent: &Agent, messages: &[MessageId]) -> u64 {
        let acks = messages.iter().map(|message| Ack { agent: agent.key, message: *message }).collect();
        self.store.write(Settle { acks, busy: Busy::Wait, now: self.now() }).await.expect("settled").envelopes
    }

    pub(crate) async fn history(
        &self,
        viewer: &Agent,
        conversation: ConversationId,
        anchor: HistoryAnchor,
    ) -> Vec<Message> {
        self.try_history(viewer, conversation, anchor, 200).await.expect("a history")
    }

    pub(crate) async fn try_history(
        &self,
        viewer: &Agent,
        conversation: ConversationId,
        anchor: HistoryAnchor,
        limit: usize,
    ) -> Result<Vec<Message>, Error> {
        let operation =
            ShowHistory { viewer: viewer.key, conversation, anchor, limit, keys: self.keys(), now: self.now() };
        self.store.read(operation).await
    }

    pub(crate) async fn conversations(&self, agent: &Agent) -> Vec<ConversationListItem> {
        let operation = ListConversations { agent: agent.key, limit: 200, offset: 0, now: self.now() };
        self.store.read(operation).await.expect("a list")
    }

    pub(crate) async fn change(&self, change: Change) {
        self.store.write(Apply { change, now: self.now() }).await.expect("the change is made");
    }
}

struct Gather {
    id: [u8; 16],
    members: Vec<AgentKey>,
    now: Timestamp,
}

impl Write for Gather {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let (creator, others) = self.members.split_first().expect("a member");
        let group = NewGroupRow {
            id: &self.id,
            name: "ops",
            description: None,
            avatar_url: None,
            creator: *creator,
            now: self.now.as_millis(),
        };
        let group = tx.create_group(&group).await?;
        for member in others {
            tx.join_group(*member, group, self.now.as_millis()).await?;
        }
        Ok(())
    }
}

/// What agents do to each other through endpoints that other parts of the contract describe.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Block(Agent, Agent),
    Mute(Agent, Agent),
    Contact(Agent, Agent),
    Status(Agent, agentchat_protocol::agent::AgentStatus),
    Paused(Agent, agentchat_protocol::agent::PausedByOwner),
    ContactsOnly(Agent),
}

struct Apply {
    change: Change,
    now: Timestamp,
}

impl Write for Apply {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let now = self.now.as_millis();
        match &self.change {
            Change::Block(blocker, blocked) => tx.add_block(blocker.key, blocked.key, now).await.map(|_| ()),
            Change::Mute(muter, agent) => tx.mute_agent(muter.key, agent.key, None, now).await,
            Change::Contact(owner, contact) => tx.add_contact(owner.key, contact.key, now).await,
            Change::Status(agent, status) => tx.set_agent_status(agent.key, status, now).await,
            Change::Paused(agent, paused) => tx.set_agent_paused(agent.key, paused).await,
            Change::ContactsOnly(agent) => {
                let mut row = tx.agent(agent.key).await?.expect("the agent");
                row.settings.inbox_mode = agentchat_protocol::agent::InboxMode::ContactsOnly;
                tx.update_agent(&row).await
            }
        }
    }
}

/// The refusal of an operation that must not succeed.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> Rejection {
    match answer {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorCode {
    refusal(answer).code
}

pub(crate) fn texts(rows: &[Message]) -> Vec<String> {
    rows.iter().map(|row| row.text().unwrap_or_default()).collect()
}
