//! Agents on the bare store, every pair of them acquainted.

use agentchat_core::accounts::{EmailCaps, NewAccount};
use agentchat_core::agents::CreateAgent;
use agentchat_core::messages::{Ack, Busy, Settle};
use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, ConversationId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::NewGroupRow;
use agentchat_store::{Store, StoreError, Tx, Write};
use anyhow::anyhow;
use serde_json::json;

use super::{now, operation};

/// A sender and who receives from it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(super) sender: AgentKey,
    pub(super) receiver: AgentKey,
    pub(super) receiver_handle: Handle,
}

/// Makes `count` pairs that have spoken once in both directions.
pub(crate) async fn acquaint(store: &Store, count: usize) -> anyhow::Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(count);
    for number in 0..count {
        let (sender, sender_handle) = agent(store, &format!("sender-{number}")).await?;
        let (receiver, receiver_handle) = agent(store, &format!("receiver-{number}")).await?;
        say(store, sender, &receiver_handle, receiver).await?;
        say(store, receiver, &sender_handle, sender).await?;
        pairs.push(Pair { sender, receiver, receiver_handle });
    }
    Ok(pairs)
}

/// Makes `count` senders to one receiver, each acquainted with it.
pub(super) async fn crowd(store: &Store, count: usize) -> anyhow::Result<Vec<Pair>> {
    let (receiver, receiver_handle) = agent(store, "receiver").await?;
    let mut pairs = Vec::with_capacity(count);
    for number in 0..count {
        let (sender, sender_handle) = agent(store, &format!("sender-{number}")).await?;
        say(store, sender, &receiver_handle, receiver).await?;
        say(store, receiver, &sender_handle, sender).await?;
        pairs.push(Pair { sender, receiver, receiver_handle: receiver_handle.clone() });
    }
    Ok(pairs)
}

async fn agent(store: &Store, handle: &str) -> anyhow::Result<(AgentKey, Handle)> {
    let parsed = Handle::parse(handle).map_err(|error| anyhow!("{handle}: {error}"))?;
    let id = uuid::Uuid::now_v7().into_bytes();
    let mut key_hash = [0; 32];
    key_hash[..16].copy_from_slice(&id);
    let account = NewAccount {
        email: Email::parse(&format!("{handle}@bench.example.com")).map_err(|error| anyhow!("{error}"))?,
        handle: parsed.clone(),
        display_name: None,
        description: None,
    };
    let id = AgentId::from_bytes(id);
    let create = CreateAgent { account, id, key_hash, is_system: false, caps: EmailCaps::default(), now: now() };
    let registered = store.write(create).await.map_err(|error| anyhow!("{handle}: {error}"))?;
    Ok((registered.key, parsed))
}

async fn say(store: &Store, from: AgentKey, to: &Handle, receiver: AgentKey) -> anyhow::Result<()> {
    let id = format!("hello-{to}");
    let body = json!({"to": to.as_str(), "client_msg_id": id, "content": {"text": "hello"}}).to_string();
    let send = operation(from, body.as_bytes())?;
    let sent = store.write(send).await.map_err(|error| anyhow!("hello to {to}: {error}"))?;
    let acks = vec![Ack { agent: receiver, message: sent.message.id }];
    store.write_own(Settle { acks, busy: Busy::Wait, now: now() }).await.map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

/// A group on the bare store.
#[derive(Clone, Debug)]
pub(super) struct Gathering {
    pub(super) group: ConversationId,
    pub(super) sender: AgentKey,
    /// Members besides the sender.
    pub(super) members: usize,
}

/// Makes a group of `count` members and a sender.
pub(super) async fn gather(store: &Store, count: usize) -> anyhow::Result<Gathering> {
    let (sender, _) = agent(store, "speaker").await?;
    let mut members = Vec::with_capacity(count);
    for number in 0..count {
        members.push(agent(store, &format!("member-{number}")).await?.0);
    }
    let id = uuid::Uuid::now_v7().into_bytes();
    store.write(Gather { id, sender, members, now: now() }).await?;
    Ok(Gathering { group: ConversationId::group(id), sender, members: count })
}

/// Everybody comes in at once, without invitations.
struct Gather {
    id: [u8; 16],
    sender: AgentKey,
    members: Vec<AgentKey>,
    now: Timestamp,
}

impl Write for Gather {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let now = self.now.as_millis();
        let group = tx
            .create_group(&NewGroupRow {
                id: &self.id,
                name: "everybody",
                description: None,
                avatar_url: None,
                creator: self.sender,
                now,
            })
            .await?;
        for member in &self.members {
            tx.join_group(*member, group, now).await?;
        }
        Ok(())
    }
}
