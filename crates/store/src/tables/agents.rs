//! `agent`: accounts, cold. Every account has one row in `inbox` from its first moment on.

use agentchat_protocol::agent::{AgentSettings, AgentStatus, GroupInvitePolicy, InboxMode, PausedByOwner};
use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;

use crate::key::AgentKey;
use crate::row::Row;
use crate::{Result, StoreError, Tx};

/// An account as stored, without its key hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    pub key: AgentKey,
    pub id: AgentId,
    pub handle: Handle,
    pub email: Email,
    pub display_name: Option<String>,
    pub description: Option<String>,
    /// Its `avatar_key`.
    pub avatar: Option<String>,
    pub status: AgentStatus,
    pub paused: PausedByOwner,
    pub settings: AgentSettings,
    pub is_system: bool,
    /// Counts key rotations and status changes.
    pub epoch: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Set once, by deletion.
    pub deleted_at: Option<Timestamp>,
}

/// An account with what waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentInboxRow {
    pub agent: AgentRow,
    /// Envelopes in `stored`.
    pub undelivered: i64,
}

/// What a new account is made of.
#[derive(Debug)]
pub struct NewAgent<'a> {
    pub id: AgentId,
    pub handle: &'a Handle,
    /// SHA-256 of its API key.
    pub key_hash: &'a [u8; 32],
    pub email: &'a Email,
    pub display_name: Option<&'a str>,
    pub description: Option<&'a str>,
    pub is_system: bool,
    pub created_at: Timestamp,
}

/// How many accounts an e-mail backs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailUse {
    /// Those that are not deleted.
    pub live: u64,
    /// All that were ever registered.
    pub lifetime: u64,
}

/// `SELECT` of everything [`agent_row`] reads.
macro_rules! agents {
    ($rest:literal) => {
        concat!(
            "SELECT pk, id, handle, email, display_name, description, status, paused, inbox_mode, invite_policy,
                    is_system, epoch, created_at, updated_at, deleted_at, avatar FROM agent ",
            $rest
        )
    };
}

/// The same with what waits in the inbox: nothing waits for a deleted account, whatever is not cleared yet.
macro_rules! agents_with_inbox {
    ($rest:literal) => {
        concat!(
            "SELECT pk, id, handle, email, display_name, description, status, paused, inbox_mode, invite_policy,
                    is_system, epoch, created_at, updated_at, deleted_at, avatar,
                    CASE WHEN status = 3 THEN 0 ELSE undelivered END
             FROM agent JOIN inbox ON inbox.agent = agent.pk ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Number of accounts of any status.
    pub async fn count_agents(&mut self) -> Result<i64> {
        Ok(self.query_int("SELECT COUNT(*) FROM agent", &[]).await?.unwrap_or(0))
    }

    /// The account whose key has this hash. Deleted accounts have no key.
    pub async fn agent_by_key_hash(&mut self, key_hash: &[u8; 32]) -> Result<Option<AgentRow>> {
        self.query_opt(agents!("WHERE key_hash = $1"), &[key_hash.into()], agent_row).await
    }

    /// The account of a handle, whatever its status.
    pub async fn agent_by_handle(&mut self, handle: &Handle) -> Result<Option<AgentRow>> {
        self.query_opt(agents!("WHERE handle = $1"), &[handle.as_str().into()], agent_row).await
    }

    /// The account of a key, whatever its status.
    pub async fn agent(&mut self, key: AgentKey) -> Result<Option<AgentRow>> {
        self.query_opt(agents!("WHERE pk = $1"), &[key.into()], agent_row).await
    }

    /// The accounts of an e-mail that are not deleted, by handle.
    pub async fn live_agents_of_email(&mut self, email: &Email) -> Result<Vec<AgentRow>> {
        self.query_all(agents!("WHERE email = $1 AND status <> 3 ORDER BY handle"), &[email.as_str().into()], agent_row)
            .await
    }

    /// How many accounts an e-mail backs, for its two caps.
    pub async fn use_of_email(&mut self, email: &Email) -> Result<EmailUse> {
        let counted = self
            .query_opt(
                "SELECT COALESCE(SUM(CASE WHEN status <> 3 THEN 1 ELSE 0 END), 0), COUNT(*) FROM agent WHERE email = $1",
                &[email.as_str().into()],
                |row| Ok(EmailUse { live: row.int(0)? as u64, lifetime: row.int(1)? as u64 }),
            )
            .await?;
        Ok(counted.unwrap_or(EmailUse { live: 0, lifetime: 0 }))
    }

    /// Makes an account and its inbox; `None` when the handle is taken.
    pub async fn insert_agent(&mut self, agent: &NewAgent<'_>) -> Result<Option<AgentKey>> {
        let key = self
            .query_int(
                "INSERT INTO agent (id, handle, key_hash, email, display_name, description, status, is_system,
                                    created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $8)
                 ON CONFLICT (handle) DO NOTHING RETURNING pk",
                &[
                    (&agent.id.bytes()).into(),
                    agent.handle.as_str().into(),
                    agent.key_hash.into(),
                    agent.email.as_str().into(),
                    agent.display_name.into(),
                    agent.description.into(),
                    agent.is_system.into(),
                    agent.created_at.as_millis().into(),
                ],
            )
            .await?;
        let Some(key) = key.map(AgentKey) else { return Ok(None) };
        self.create_inbox(key).await?;
        Ok(Some(key))
    }

    /// Another key for an account; `false` when it is deleted. Sockets learn of it by the epoch.
    pub async fn replace_key_hash(&mut self, agent: AgentKey, key_hash: &[u8; 32]) -> Result<bool> {
        let changed = self
            .execute(
                "UPDATE agent SET key_hash = $1, epoch = epoch + 1 WHERE pk = $2 AND status <> 3",
                &[key_hash.into(), agent.into()],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Writes texts, settings and `updated_at` of a row that was read in this transaction.
    pub async fn update_agent(&mut self, row: &AgentRow) -> Result<()> {
        let AgentSettings { inbox_mode, group_invite_policy } = &row.settings;
        self.execute(
            "UPDATE agent SET display_name = $1, description = $2, inbox_mode = $3, invite_policy = $4, updated_at = $5
             WHERE pk = $6",
            &[
                row.display_name.as_deref().into(),
                row.description.as_deref().into(),
                (*inbox_mode == InboxMode::ContactsOnly).into(),
                (*group_invite_policy == GroupInvitePolicy::ContactsOnly).into(),
                row.updated_at.as_millis().into(),
                row.key.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Moves an account to another status; sockets learn of it by the epoch.
    pub async fn set_agent_status(&mut self, agent: AgentKey, status: &AgentStatus, now: i64) -> Result<()> {
        self.execute(
            "UPDATE agent SET status = $1, epoch = epoch + 1, updated_at = $2 WHERE pk = $3",
            &[status_filter(Some(status)).into(), now.into(), agent.into()],
        )
        .await?;
        Ok(())
    }

    /// Sets how far the owner paused the account.
    pub async fn set_agent_paused(&mut self, agent: AgentKey, paused: &PausedByOwner) -> Result<()> {
        let number: i64 = match paused {
            PausedByOwner::Full => 2,
            PausedByOwner::Send => 1,
            _ => 0,
        };
        self.execute("UPDATE agent SET paused = $1 WHERE pk = $2", &[number.into(), agent.into()]).await?;
        Ok(())
    }

    /// Ends an account: no key works, its texts are gone, its handle and e-mail stay counted.
    pub async fn mark_agent_deleted(&mut self, agent: AgentKey, now: Timestamp) -> Result<()> {
        self.execute(
            "UPDATE agent SET status = 3, key_hash = NULL, epoch = epoch + 1, display_name = NULL, description = NULL,
                              avatar = NULL, updated_at = $1, deleted_at = $1
             WHERE pk = $2",
            &[now.as_millis().into(), agent.into()],
        )
        .await?;
        Ok(())
    }

    /// An account of any status with what waits for it.
    pub async fn agent_with_inbox(&mut self, handle: &Handle) -> Result<Option<AgentInboxRow>> {
        self.query_opt(agents_with_inbox!("WHERE handle = $1"), &[handle.as_str().into()], agent_inbox_row).await
    }

    /// Accounts whose handle begins with `prefix` (and of `status`, if given), by handle.
    pub async fn list_agents(
        &mut self,
        prefix: &str,
        status: Option<&AgentStatus>,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<AgentInboxRow>> {
        self.query_all(
            agents_with_inbox!(
                "WHERE handle >= $1 AND handle < $2 AND ($3 < 0 OR status = $3) ORDER BY handle LIMIT $4 OFFSET $5"
            ),
            &[
                prefix.into(),
                (&beyond(prefix)).into(),
                status_filter(status).into(),
                (limit as i64).into(),
                (offset as i64).into(),
            ],
            agent_inbox_row,
        )
        .await
    }

    /// How many [`Tx::list_agents`] would find without a page's bounds.
    pub async fn count_agents_like(&mut self, prefix: &str, status: Option<&AgentStatus>) -> Result<i64> {
        let count = self
            .query_int(
                "SELECT COUNT(*) FROM agent WHERE handle >= $1 AND handle < $2 AND ($3 < 0 OR status = $3)",
                &[prefix.into(), (&beyond(prefix)).into(), status_filter(status).into()],
            )
            .await?;
        Ok(count.unwrap_or(0))
    }
}

/// What sorts behind every handle with this prefix: handles are made of letters, digits and hyphens.
pub(super) fn beyond(prefix: &str) -> String {
    format!("{prefix}{{")
}

/// The number of a status; -1 asks for any.
fn status_filter(status: Option<&AgentStatus>) -> i64 {
    match status {
        None => -1,
        Some(AgentStatus::Active) => 0,
        Some(AgentStatus::Restricted) => 1,
        Some(AgentStatus::Suspended) => 2,
        Some(AgentStatus::Deleted) => 3,
        // No stored account has a status this build does not know.
        Some(AgentStatus::Unknown(_)) => i64::from(i16::MAX),
    }
}

fn agent_inbox_row(row: &Row<'_>) -> Result<AgentInboxRow> {
    Ok(AgentInboxRow { agent: agent_row(row)?, undelivered: row.int(16)? })
}

fn agent_row(row: &Row<'_>) -> Result<AgentRow> {
    Ok(AgentRow {
        key: AgentKey(row.int(0)?),
        id: AgentId::from_bytes(row.bytes(1)?),
        handle: Handle::parse(row.str(2)?).map_err(|_| damaged("handle"))?,
        email: Email::parse(row.str(3)?).map_err(|_| damaged("email"))?,
        display_name: row.opt_text(4)?,
        description: row.opt_text(5)?,
        avatar: row.opt_text(15)?,
        status: status(row.int(6)?)?,
        paused: paused(row.int(7)?)?,
        settings: AgentSettings {
            inbox_mode: if row.bool(8)? { InboxMode::ContactsOnly } else { InboxMode::Open },
            group_invite_policy: if row.bool(9)? { GroupInvitePolicy::ContactsOnly } else { GroupInvitePolicy::Open },
        },
        is_system: row.bool(10)?,
        epoch: row.int(11)?,
        created_at: Timestamp::from_millis(row.int(12)?),
        updated_at: Timestamp::from_millis(row.int(13)?),
        deleted_at: row.opt_int(14)?.map(Timestamp::from_millis),
    })
}

/// `agent.status` as the wire spells it.
pub(crate) fn status(number: i64) -> Result<AgentStatus> {
    match number {
        0 => Ok(AgentStatus::Active),
        1 => Ok(AgentStatus::Restricted),
        2 => Ok(AgentStatus::Suspended),
        3 => Ok(AgentStatus::Deleted),
        _ => Err(damaged("status")),
    }
}

/// `agent.paused` as the wire spells it.
pub(crate) fn paused(number: i64) -> Result<PausedByOwner> {
    match number {
        0 => Ok(PausedByOwner::None),
        1 => Ok(PausedByOwner::Send),
        2 => Ok(PausedByOwner::Full),
        _ => Err(damaged("paused")),
    }
}

fn damaged(column: &str) -> StoreError {
    StoreError::Internal(format!("a stored agent's {column} is not readable"))
}
