//! What the tests of the rules stand on: a real store, a clock moved by hand, ids and codes that never repeat.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use agentchat_core::accounts::{
    Authenticate, BeginRegistration, Caller, Challenge, Code, CodeKey, CodeRules, CountTry, EmailCaps, Flow,
    NewAccount, Registered,
};
use agentchat_core::agents::{CreateAgent, TextLengths};
use agentchat_core::{Error, Rejection};
use agentchat_launch::TestStore;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{AgentId, PendingId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, Store, StoreError, Tx, Write};
use serde_json::json;

pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) rules: CodeRules,
    pub(crate) caps: EmailCaps,
    place: TestStore,
    now: AtomicI64,
    drawn: AtomicU64,
}

impl Ground {
    pub(crate) async fn new(engine: Engine) -> Self {
        let place = TestStore::open(engine).await;
        Self {
            store: place.store.clone(),
            rules: CodeRules::default(),
            caps: EmailCaps::default(),
            place,
            now: AtomicI64::new(1_768_469_400_000),
            drawn: AtomicU64::new(0),
        }
    }

    /// Closes the store and opens the same data again.
    pub(crate) async fn restart(mut self) -> Self {
        self.place.reopen().await;
        self.store = self.place.store.clone();
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// Bytes that no other call gave.
    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        let number = self.drawn.fetch_add(1, Ordering::SeqCst) + 1;
        bytes[N - 8..].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    pub(crate) fn challenge(&self) -> Challenge {
        Challenge { pending: PendingId::from_bytes(self.draw()), code: Code::from_entropy(self.draw()), key: key() }
    }

    /// Starts a registration and answers its challenge.
    pub(crate) async fn register(&self, email: &str, handle: &str) -> Result<Challenge, Error> {
        let challenge = self.challenge();
        let begin = BeginRegistration {
            account: account(email, handle),
            challenge: challenge.clone(),
            caps: self.caps,
            rules: self.rules,
            now: self.now(),
        };
        self.store.write(begin).await.map(|()| challenge)
    }

    /// Counts a try of a pending.
    pub(crate) fn try_of(&self, pending: PendingId, flow: Flow, agent: Option<AgentKey>) -> CountTry {
        CountTry { pending, flow, agent, rules: self.rules, now: self.now() }
    }

    /// An account without mail, and its key.
    pub(crate) async fn agent(&self, email: &str, handle: &str) -> Registered {
        self.create(email, handle, false, &self.key_of(handle)).await.unwrap()
    }

    pub(crate) async fn system_agent(&self, email: &str, handle: &str) -> Registered {
        self.create(email, handle, true, &self.key_of(handle)).await.unwrap()
    }

    pub(crate) async fn create(
        &self,
        email: &str,
        handle: &str,
        is_system: bool,
        key: &ApiKey,
    ) -> Result<Registered, Error> {
        let create = CreateAgent {
            account: account(email, handle),
            id: AgentId::from_bytes(self.draw()),
            key_hash: hash_key(key.expose()),
            is_system,
            caps: self.caps,
            now: self.now(),
        };
        self.store.write(create).await
    }

    pub(crate) async fn set_status(&self, agent: AgentKey, status: AgentStatus) {
        self.store.write(Standing(agent, status, self.now())).await.unwrap();
    }

    /// The first key of an agent made here.
    pub(crate) fn key_of(&self, handle: &str) -> ApiKey {
        ApiKey::from_entropy(hash_key(handle))
    }

    pub(crate) async fn caller(&self, key: &ApiKey) -> Option<Caller> {
        self.store.read(Authenticate { key_hash: hash_key(key.expose()) }).await.unwrap()
    }
}

pub(crate) fn account(email: &str, handle: &str) -> NewAccount {
    NewAccount::parse(json!({ "email": email, "handle": handle }).to_string().as_bytes(), TextLengths::default())
        .unwrap()
}

/// What the operator or the community decides about an account.
struct Standing(AgentKey, AgentStatus, Timestamp);

impl Write for Standing {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.set_agent_status(self.0, &self.1, self.2.as_millis()).await
    }
}

/// The code key of every test.
pub(crate) fn key() -> CodeKey {
    CodeKey::new([7; 32])
}

/// A code that is not this one.
pub(crate) fn wrong(code: Code) -> Code {
    Code::parse(if code.expose() == "000000" { "000001" } else { "000000" }).unwrap()
}

/// The refusal an operation answered.
pub(crate) fn rejection<T>(outcome: Result<T, Error>) -> Rejection {
    match outcome {
        Err(Error::Rejected(rejection)) => rejection,
        Err(Error::Store(error)) => panic!("the store failed: {error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

pub(crate) fn code_of<T>(outcome: Result<T, Error>) -> ErrorCode {
    rejection(outcome).code
}
