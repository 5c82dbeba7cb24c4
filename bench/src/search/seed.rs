//! A store full of messages of one caller, written by the operations of the server but without it.

use agentchat_core::Verdict;
use agentchat_core::accounts::{EmailCaps, NewAccount};
use agentchat_core::agents::CreateAgent;
use agentchat_core::messages::{Ack, Busy, SendDirect, SendLimits, Sent, Settle};
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, ConversationId, MessageId};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, Store};
use anyhow::{Context, anyhow};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::task::JoinSet;

use super::vocabulary::Vocabulary;

/// Sends on their way at once. Where they need not be stored in the order in which they were given, few enough that
/// their order is about that of their times.
const AT_ONCE: usize = 1024;
const AT_ONCE_UNORDERED: usize = 64;
/// Acknowledgements settled together.
const ACKS: usize = 1024;
/// Between two messages, as their times have it: a million are a year.
const STEP_MS: i64 = 30_000;
const CONTENT_BYTES: usize = 32_768;
const LIMITS: SendLimits = SendLimits {
    cold_cap: 100,
    backlog_hard: 10_000,
    backlog_warn: 10_000,
    expiry_max_s: 30 * 24 * 60 * 60,
    group_send: None,
    loop_guard: None,
};

/// What is there when it is done.
pub(super) struct Seeded {
    /// Of the caller.
    pub(super) key: String,
    /// Everybody else.
    pub(super) others: Vec<String>,
    /// One for each of them.
    pub(super) conversations: Vec<ConversationId>,
    /// Some of the texts.
    pub(super) texts: Vec<String>,
    /// When the first was sent, and the last.
    pub(super) times: (Timestamp, Timestamp),
}

struct Agent {
    key: AgentKey,
    handle: Handle,
    api_key: ApiKey,
}

/// Lets a caller and so many `others` write `messages` to each other, about `samples` of which are kept.
pub(super) async fn seed(
    store: &Store,
    random: &mut StdRng,
    vocabulary: &Vocabulary,
    (messages, others, samples): (usize, usize, usize),
) -> anyhow::Result<Seeded> {
    let last = now();
    let first = Timestamp::from_millis(last.as_millis() - STEP_MS * messages as i64);
    let caller = agent(store, random, "caller", first).await?;
    let mut partners = Vec::with_capacity(others);
    for number in 0..others {
        partners.push(agent(store, random, &format!("other-{number}"), first).await?);
    }
    let mut writing = Writing { store, sends: JoinSet::new(), acks: Vec::new(), conversations: vec![None; others] };
    let mut texts = Vec::new();
    for number in 0..messages {
        let text = vocabulary.text(random);
        // Everybody is written to once and answers once; then anybody writes.
        let (other, outwards) = match number / others {
            0 | 1 => (number % others, number < others),
            _ => (random.random_range(0..others), random.random()),
        };
        if number == others || number == 2 * others {
            writing.finish().await?;
        }
        let partner = &partners[other];
        let (from, to) = if outwards { (&caller, partner) } else { (partner, &caller) };
        let at = Timestamp::from_millis(first.as_millis() + STEP_MS * number as i64);
        writing.send(other, operation(number, from.key, &to.handle, &text, at)?, to.key).await?;
        if number % (messages / samples.max(1)).max(1) == 0 {
            texts.push(text);
        }
    }
    writing.finish().await?;
    let conversations = writing.conversations.into_iter().collect::<Option<_>>().context("somebody was left out")?;
    let others = partners.iter().map(|partner| partner.handle.to_string()).collect();
    Ok(Seeded { key: caller.api_key.expose().to_owned(), others, conversations, texts, times: (first, last) })
}

type Done = (usize, AgentKey, Result<Sent, agentchat_core::Error>);

/// Sends on their way, in the order in which they were given.
struct Writing<'a> {
    store: &'a Store,
    sends: JoinSet<Done>,
    acks: Vec<Ack>,
    conversations: Vec<Option<ConversationId>>,
}

impl Writing<'_> {
    async fn send(&mut self, other: usize, send: SendDirect, recipient: AgentKey) -> anyhow::Result<()> {
        let most = match self.store.engine() {
            Engine::Sqlite => AT_ONCE,
            Engine::Postgres => AT_ONCE_UNORDERED,
        };
        if self.sends.len() >= most {
            self.one().await?;
        }
        let store = self.store.clone();
        self.sends.spawn(async move { (other, recipient, store.write(send).await) });
        Ok(())
    }

    /// Waits for the next one.
    async fn one(&mut self) -> anyhow::Result<bool> {
        let Some(done) = self.sends.join_next().await else { return Ok(false) };
        let (other, recipient, sent) = done?;
        let sent = sent.map_err(|error| anyhow!("a send failed: {error}"))?;
        self.conversations[other] = Some(sent.message.conversation_id);
        self.acks.push(Ack { agent: recipient, message: sent.message.id });
        if self.acks.len() >= ACKS {
            self.settle().await?;
        }
        Ok(true)
    }

    async fn finish(&mut self) -> anyhow::Result<()> {
        while self.one().await? {}
        self.settle().await
    }

    async fn settle(&mut self) -> anyhow::Result<()> {
        let operation = Settle { acks: std::mem::take(&mut self.acks), busy: Busy::Wait, now: now() };
        self.store.write_own(operation).await.map_err(|error| anyhow!("acks failed: {error}"))?;
        Ok(())
    }
}

async fn agent(store: &Store, random: &mut StdRng, name: &str, at: Timestamp) -> anyhow::Result<Agent> {
    let handle = Handle::parse(name).map_err(|error| anyhow!("{name}: {error}"))?;
    let api_key = ApiKey::from_entropy(random.random());
    let account = NewAccount {
        email: Email::parse(&format!("{name}@bench.example.com")).map_err(|error| anyhow!("{error}"))?,
        handle: handle.clone(),
        display_name: None,
        description: None,
    };
    let create = CreateAgent {
        account,
        id: AgentId::from_bytes(id(at)),
        key_hash: hash_key(api_key.expose()),
        is_system: false,
        caps: EmailCaps::default(),
        now: at,
    };
    let registered = store.write(create).await.map_err(|error| anyhow!("{name}: {error}"))?;
    Ok(Agent { key: registered.key, handle, api_key })
}

fn operation(number: usize, from: AgentKey, to: &Handle, text: &str, at: Timestamp) -> anyhow::Result<SendDirect> {
    let body = json!({"to": to.as_str(), "client_msg_id": format!("m-{number}"), "content": {"text": text}});
    let request =
        SendRequest::parse(body.to_string().as_bytes(), CONTENT_BYTES).map_err(|error| anyhow!("{error:?}"))?;
    Ok(SendDirect {
        sender: from,
        client_msg_id: request.client_msg_id.clone().unwrap_or_default(),
        request,
        now: at,
        message_id: MessageId::from_bytes(id(at)),
        conversation_id: id(at),
        verdict: Verdict::Granted,
        limits: LIMITS,
    })
}

/// As ids of that time are.
fn id(at: Timestamp) -> [u8; 16] {
    let millis = at.as_millis().unsigned_abs();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1000, (millis % 1000) as u32 * 1_000_000);
    uuid::Uuid::new_v7(time).into_bytes()
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis() as i64))
}
