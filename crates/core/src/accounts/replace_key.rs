//! A new key for an account, whatever led to it.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Actor, AuditEvent};

use crate::Error;

/// The key that takes over, and the id of the event that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct FreshKey<'a> {
    pub(super) key_hash: &'a [u8; 32],
    pub(super) event: [u8; 16],
    pub(super) actor: Actor,
}

/// Replaces the key: the old one is dead when this commits, and the epoch tells every socket. Status, settings and
/// pause stay. `false` when the account is deleted.
pub(super) async fn replace_key(
    tx: &mut Tx<'_>,
    agent: AgentKey,
    fresh: FreshKey<'_>,
    now: Timestamp,
) -> Result<bool, Error> {
    tx.lock_inboxes(&[agent]);
    if !tx.replace_key_hash(agent, fresh.key_hash).await? {
        return Ok(false);
    }
    tx.insert_audit(&AuditEvent {
        id: fresh.event,
        agent,
        actor: fresh.actor,
        action: "agent.key_rotated",
        metadata: "{}".into(),
        at: now,
    })
    .await?;
    Ok(true)
}
