//! What the operations on an account share.

use agentchat_protocol::agent::{Agent, AgentStatus};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AgentRow, NewAgent};

use crate::accounts::{NewAccount, Registered, handle_taken};
use crate::avatars::avatar_path;
use crate::{Error, Rejection};

/// The account's own record.
pub(crate) fn own_record(row: AgentRow) -> Agent {
    Agent {
        id: row.id,
        handle: row.handle,
        email: row.email,
        display_name: row.display_name,
        description: row.description,
        avatar_url: row.avatar.as_deref().map(avatar_path),
        status: row.status,
        paused_by_owner: row.paused,
        settings: row.settings,
        is_system: row.is_system,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// The caller's row. Its key died between authentication and now if the account is deleted.
pub(crate) async fn read_live(tx: &mut Tx<'_>, agent: AgentKey) -> Result<AgentRow, Error> {
    let found = tx.agent(agent).await?;
    Ok(found.filter(|row| row.status != AgentStatus::Deleted).ok_or_else(Rejection::unauthorized)?)
}

/// `SYSTEM_AGENT_PROTECTED` for the accounts the platform runs.
pub(crate) fn protect_system(agent: &AgentRow) -> Result<(), Rejection> {
    if agent.is_system {
        return Err(Rejection::new(ErrorCode::SystemAgentProtected, "System agents are protected"));
    }
    Ok(())
}

/// Makes the account that was checked before in this transaction.
pub(crate) async fn insert_account(
    tx: &mut Tx<'_>,
    account: &NewAccount,
    id: AgentId,
    key_hash: &[u8; 32],
    is_system: bool,
    now: Timestamp,
) -> Result<Registered, Error> {
    let inserted = tx
        .insert_agent(&NewAgent {
            id,
            handle: &account.handle,
            key_hash,
            email: &account.email,
            display_name: account.display_name.as_deref(),
            description: account.description.as_deref(),
            is_system,
            created_at: now,
        })
        .await?;
    let key = inserted.ok_or_else(handle_taken)?;
    let agent = own_record(read_live(tx, key).await?);
    Ok(Registered { key, agent })
}
