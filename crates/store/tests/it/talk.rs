//! A small field of agents that write to each other through the store's own verbs: each message is six statements,
//! so that half an operation would show.

use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey, MessageKey};
use agentchat_store::tables::{Loudness, NewAgent, NewMessage};
use agentchat_store::{Read, Store, StoreError, Tx, Write};

/// Pairs of agents; pair `p` is the agents `2p` and `2p + 1`.
pub(crate) const PAIRS: u64 = 4;

const NOON: i64 = 1_768_478_400_000;

/// Why a message was not said.
#[derive(Debug)]
pub(crate) enum NotSaid {
    /// The operation itself thought better of it, after its last statement.
    Regret,
    /// The store could not.
    Store(StoreError),
}

impl From<StoreError> for NotSaid {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One pair's agents and conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) sender: AgentKey,
    pub(crate) recipient: AgentKey,
    pub(crate) conversation: ConversationKey,
}

/// Makes a pair with its conversation, or finds it.
#[derive(Debug)]
pub(crate) struct Meet {
    pub(crate) pair: u64,
}

impl Write for Meet {
    type Out = Pair;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Pair, StoreError> {
        let sender = agent(tx, 2 * self.pair).await?;
        let recipient = agent(tx, 2 * self.pair + 1).await?;
        let conversation = match tx.direct_conversation_with(sender, recipient).await? {
            Some(found) => found.key,
            None => {
                let id = id16(b'c', self.pair);
                tx.create_direct_conversation(&id, sender, recipient, NOON).await?
            }
        };
        Ok(Pair { sender, recipient, conversation })
    }
}

async fn agent(tx: &mut Tx<'_>, number: u64) -> Result<AgentKey, StoreError> {
    let handle = Handle::parse(&format!("agent-{number}")).expect("a valid handle");
    if let Some(row) = tx.agent_by_handle(&handle).await? {
        return Ok(row.key);
    }
    let mut key_hash = [0; 32];
    key_hash[..8].copy_from_slice(&number.to_be_bytes());
    let new = NewAgent {
        id: AgentId::from_bytes(id16(b'a', number)),
        handle: &handle,
        key_hash: &key_hash,
        email: &Email::parse("owner@example.com").expect("a valid address"),
        display_name: None,
        description: None,
        is_system: false,
        created_at: Timestamp::from_millis(NOON),
    };
    Ok(tx.insert_agent(&new).await?.expect("a free handle"))
}

fn id16(kind: u8, number: u64) -> [u8; 16] {
    let mut id = [kind; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

/// Stores message `number` of a pair and puts it into the recipient's inbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Say {
    pub(crate) pair: Pair,
    pub(crate) number: u64,
    pub(crate) mood: Mood,
}

/// How an operation takes what happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Returns the store's errors.
    Sober,
    /// Does all of it, then returns an error of its own.
    Regretful,
    /// Goes on whatever the store says, and says that all is well. No operation should; none may do harm by it.
    Stubborn,
}

/// Where a message landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) seq: i64,
    pub(crate) position: i64,
}

impl Write for Say {
    type Out = Said;
    type Error = NotSaid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Said, NotSaid> {
        let Pair { sender, recipient, conversation } = self.pair;
        let seq = self.bear(tx.take_direct_seq(conversation, sender, NOON, false, 0).await, -1)?;
        let id = id16(b'm', self.number);
        let new = NewMessage {
            id: &id,
            conversation,
            seq,
            sender,
            kind: 0,
            created_at: NOON,
            client_msg_id: &self.number.to_string(),
            content: r#"{"text":"A message of about the length that agents write to each other in these tests."}"#,
            metadata: None,
            mentions: None,
            trace: None,
            expires_at: None,
        };
        let message = self.bear(tx.insert_message(new).await, MessageKey(-1))?;
        self.bear(tx.insert_sent(sender, &id, message, conversation, &id).await, ())?;
        let position = self.bear(tx.deliver(message, recipient, Loudness::Loud, None).await, -1)?;
        if self.mood == Mood::Regretful { Err(NotSaid::Regret) } else { Ok(Said { seq, position }) }
    }
}

impl Say {
    fn bear<T>(&self, answer: Result<T, StoreError>, otherwise: T) -> Result<T, StoreError> {
        if self.mood == Mood::Stubborn { Ok(answer.unwrap_or(otherwise)) } else { answer }
    }
}

/// How many messages a reader sees.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) pairs: Vec<Pair>,
}

impl Read for Count {
    type Out = i64;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        let mut sum = 0;
        for pair in &self.pairs {
            let inbox = tx.inbox(pair.recipient).await?.expect("an inbox");
            sum += inbox.last_position;
        }
        Ok(sum)
    }
}

/// All pairs of the field.
pub(crate) async fn meet(store: &Store) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        pairs.push(store.write(Meet { pair }).await.expect("a pair"));
    }
    pairs
}
