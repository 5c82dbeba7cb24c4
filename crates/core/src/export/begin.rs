//! The start: what is read at once, and how far the rest reaches.

use agentchat_protocol::agent::{Agent, AgentStatus};
use agentchat_protocol::contact::{BlockedAgent, Contact};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::mute::Mute;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::Webhook;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Span;
use agentchat_store::{Read, Tx};

use crate::agents::own_record;
use crate::contacts::{ListBlocked, ListContacts};
use crate::mutes::ListMutes;
use crate::webhooks::ListWebhooks;
use crate::{Error, Rejection};

const ALL: u64 = i64::MAX as u64;

/// Begins the export of a living account, suspended ones included.
#[derive(Debug, Clone)]
pub struct BeginExport {
    pub handle: Handle,
    pub now: Timestamp,
}

/// What an agent has, but for what may be much.
#[derive(Debug, Clone)]
pub struct Beginning {
    pub key: AgentKey,
    pub agent: Agent,
    pub contacts: Vec<Contact>,
    pub blocks: Vec<BlockedAgent>,
    /// Those in force.
    pub mutes: Vec<Mute>,
    /// Without secrets.
    pub webhooks: Vec<Webhook>,
    /// Its conversations, and the last message of each that belongs to the export.
    pub spans: Vec<Span>,
}

impl Read for BeginExport {
    type Out = Beginning;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Beginning, Error> {
        let found = tx.agent_by_handle(&self.handle).await?.filter(|found| found.status != AgentStatus::Deleted);
        let row = found.ok_or_else(Rejection::agent_not_found)?;
        let (key, now) = (row.key, self.now);
        let agent = own_record(row);
        Ok(Beginning {
            key,
            contacts: ListContacts { owner: key, limit: ALL, offset: 0 }.run(tx).await?.contacts,
            blocks: ListBlocked { blocker: key, limit: ALL, offset: 0 }.run(tx).await?.blocked,
            mutes: ListMutes { muter: key, id: agent.id, kind: None, now }.run(tx).await?.mutes,
            webhooks: ListWebhooks { agent: key, now }.run(tx).await?.webhooks,
            spans: tx.spans(key).await?,
            agent,
        })
    }
}
