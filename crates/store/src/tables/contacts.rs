//! `contact`: who is in whose contacts.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;

use super::agents;
use crate::key::AgentKey;
use crate::row::Row;
use crate::{Result, StoreError, Tx};

/// A contact edge as its owner keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactEdge {
    pub added_at: i64,
    pub notes: Option<String>,
}

/// A contact edge with the account it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    pub handle: Handle,
    pub display_name: Option<String>,
    pub description: Option<String>,
    /// Its `avatar_key`.
    pub avatar: Option<String>,
    pub status: AgentStatus,
    pub edge: ContactEdge,
}

impl Tx<'_> {
    /// Puts `contact` into the contacts of `owner`, unless it is there.
    pub async fn add_contact(&mut self, owner: AgentKey, contact: AgentKey, now: i64) -> Result<()> {
        self.execute_later(
            "INSERT INTO contact (owner, contact, added_at) VALUES ($1, $2, $3) ON CONFLICT (owner, contact) DO NOTHING",
            &[owner.into(), contact.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// The owner's edge to `contact`.
    pub async fn contact(&mut self, owner: AgentKey, contact: AgentKey) -> Result<Option<ContactEdge>> {
        self.query_opt(
            "SELECT added_at, notes FROM contact WHERE owner = $1 AND contact = $2",
            &[owner.into(), contact.into()],
            edge,
        )
        .await
    }

    /// The owner's edge to whoever has that handle.
    pub async fn contact_of_handle(&mut self, owner: AgentKey, handle: &Handle) -> Result<Option<ContactEdge>> {
        self.query_opt(
            "SELECT added_at, notes FROM contact \
             WHERE owner = $1 AND contact = (SELECT pk FROM agent WHERE handle = $2)",
            &[owner.into(), handle.as_str().into()],
            edge,
        )
        .await
    }

    /// Other notes about whoever has that handle; false when that is no contact.
    pub async fn set_contact_notes(&mut self, owner: AgentKey, handle: &Handle, notes: Option<&str>) -> Result<bool> {
        let changed = self
            .execute(
                "UPDATE contact SET notes = $1 \
                 WHERE owner = $2 AND contact = (SELECT pk FROM agent WHERE handle = $3)",
                &[notes.into(), owner.into(), handle.as_str().into()],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Removes whoever has that handle from the contacts of `owner`; false when that is no contact.
    pub async fn remove_contact(&mut self, owner: AgentKey, handle: &Handle) -> Result<bool> {
        let removed = self
            .execute(
                "DELETE FROM contact WHERE owner = $1 AND contact = (SELECT pk FROM agent WHERE handle = $2)",
                &[owner.into(), handle.as_str().into()],
            )
            .await?;
        Ok(removed > 0)
    }

    /// The contacts of `owner`, whatever their status, by handle.
    pub async fn list_contacts(&mut self, owner: AgentKey, limit: u64, offset: u64) -> Result<Vec<ContactRow>> {
        self.query_all(
            "SELECT k.added_at, k.notes, a.handle, a.display_name, a.description, a.status, a.avatar \
             FROM contact k JOIN agent a ON a.pk = k.contact WHERE k.owner = $1 ORDER BY a.handle LIMIT $2 OFFSET $3",
            &[owner.into(), (limit as i64).into(), (offset as i64).into()],
            contact_row,
        )
        .await
    }

    /// How many contacts `owner` has.
    pub async fn count_contacts(&mut self, owner: AgentKey) -> Result<u64> {
        let count = self.query_int("SELECT COUNT(*) FROM contact WHERE owner = $1", &[owner.into()]).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// The inboxes of `one` and of whoever has that handle, ascending: what they think of each other stays as it is
    /// read now.
    pub fn lock_attitudes(&mut self, one: AgentKey, other: &Handle) {
        self.lock(
            "SELECT agent FROM inbox WHERE agent = $1 OR agent = (SELECT pk FROM agent WHERE handle = $2) \
             ORDER BY agent FOR NO KEY UPDATE",
            &[one.into(), other.as_str().into()],
        );
    }
}

fn edge(row: &Row<'_>) -> Result<ContactEdge> {
    Ok(ContactEdge { added_at: row.int(0)?, notes: row.opt_text(1)? })
}

fn contact_row(row: &Row<'_>) -> Result<ContactRow> {
    Ok(ContactRow {
        edge: edge(row)?,
        handle: handle(row.str(2)?)?,
        display_name: row.opt_text(3)?,
        description: row.opt_text(4)?,
        status: agents::status(row.int(5)?)?,
        avatar: row.opt_text(6)?,
    })
}

/// A stored handle.
pub(super) fn handle(text: &str) -> Result<Handle> {
    Handle::parse(text).map_err(|_| StoreError::Internal(format!("a stored handle is not one: {text}")))
}
