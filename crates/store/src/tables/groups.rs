//! `group_profile`, and what of `conversation` and `member` makes a group: who is in it, as what.

use agentchat_protocol::handle::Handle;

use crate::key::{AgentKey, ConversationKey};
use crate::row::Row;
use crate::{Result, StoreError, Tx};

/// What a new group is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewGroupRow<'a> {
    pub id: &'a [u8; 16],
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub avatar_url: Option<&'a str>,
    /// Its first member and admin.
    pub creator: AgentKey,
    pub now: i64,
}

/// A group, living or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    pub key: ConversationKey,
    pub id: [u8; 16],
    pub name: String,
    pub description: Option<String>,
    pub avatar_url: Option<String>,
    /// The `avatar_key` of an uploaded one, which is shown instead.
    pub avatar: Option<String>,
    pub creator: AgentKey,
    pub creator_handle: Handle,
    /// The creator is in it, and neither suspended nor deleted.
    pub creator_stands: bool,
    /// Active ones.
    pub members: i64,
    pub last_seq: i64,
    pub last_at: Option<i64>,
    pub created_at: i64,
}

/// An active member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMemberRow {
    pub agent: AgentKey,
    pub handle: Handle,
    pub display_name: Option<String>,
    pub admin: bool,
    pub joined_at: i64,
}

impl Tx<'_> {
    /// Makes a group whose creator is its only member.
    pub async fn create_group(&mut self, new: &NewGroupRow<'_>) -> Result<ConversationKey> {
        let key = self
            .query_int(
                "INSERT INTO conversation (id, kind, members, created_at, updated_at) VALUES ($1, 1, 1, $2, $2) \
                 RETURNING pk",
                &[new.id.into(), new.now.into()],
            )
            .await?
            .map(ConversationKey)
            .ok_or_else(|| StoreError::Internal("a new group has no key".into()))?;
        self.execute_later(
            "INSERT INTO group_profile (conversation, name, description, avatar_url, created_by) \
             VALUES ($1, $2, $3, $4, $5)",
            &[key.into(), new.name.into(), new.description.into(), new.avatar_url.into(), new.creator.into()],
        )
        .await?;
        self.execute_later(
            "INSERT INTO member (agent, conversation, role, joined_seq, joined_at) VALUES ($1, $2, 1, 1, $3)",
            &[new.creator.into(), key.into(), new.now.into()],
        )
        .await?;
        Ok(key)
    }

    /// A group, whatever became of it.
    pub async fn group(&mut self, key: ConversationKey) -> Result<Option<GroupRow>> {
        self.query_opt(
            "SELECT c.pk, c.id, p.name, p.description, p.avatar_url, p.created_by, a.handle, \
             CASE WHEN a.status <= 1 AND EXISTS (SELECT 1 FROM member m WHERE m.agent = p.created_by \
                 AND m.conversation = c.pk AND m.left_at IS NULL) THEN 1 ELSE 0 END, \
             c.members, c.last_seq, c.last_at, c.created_at, p.avatar \
             FROM conversation c JOIN group_profile p ON p.conversation = c.pk JOIN agent a ON a.pk = p.created_by \
             WHERE c.pk = $1",
            &[key.into()],
            group,
        )
        .await
    }

    /// The active members of a group by when they came, then by handle; deleted accounts are none.
    pub async fn group_members(&mut self, key: ConversationKey) -> Result<Vec<GroupMemberRow>> {
        let mut members = self
            .query_all(
                "SELECT m.agent, a.handle, a.display_name, m.role, m.joined_at FROM member m \
                 JOIN agent a ON a.pk = m.agent WHERE m.conversation = $1 AND m.left_at IS NULL AND a.status <> 3",
                &[key.into()],
                |row| {
                    Ok(GroupMemberRow {
                        agent: AgentKey(row.int(0)?),
                        handle: handle(row, 1)?,
                        display_name: row.opt_text(2)?,
                        admin: row.bool(3)?,
                        joined_at: row.int(4)?,
                    })
                },
            )
            .await?;
        // Here and not in SQL: databases differ in how they sort hyphens.
        members.sort_by(|one, other| (one.joined_at, &one.handle).cmp(&(other.joined_at, &other.handle)));
        Ok(members)
    }

    /// Makes a member an admin, or an admin a member.
    pub async fn set_role(&mut self, agent: AgentKey, group: ConversationKey, admin: bool) -> Result<()> {
        self.execute_later(
            "UPDATE member SET role = $1 WHERE agent = $2 AND conversation = $3",
            &[admin.into(), agent.into(), group.into()],
        )
        .await
    }

    /// Lets an agent into a group, as a member that sees what comes from now on. The group's conversation is to be
    /// locked.
    pub async fn join_group(&mut self, agent: AgentKey, group: ConversationKey, now: i64) -> Result<()> {
        self.execute(
            "INSERT INTO member (agent, conversation, role, joined_seq, joined_at, received_base) \
             SELECT $1, c.pk, 0, c.last_seq + 1, $2, c.last_seq FROM conversation c WHERE c.pk = $3 \
             ON CONFLICT (agent, conversation) DO UPDATE SET role = 0, joined_seq = excluded.joined_seq, \
             joined_at = excluded.joined_at, left_at = NULL, hidden_unread = 0, \
             received_base = excluded.received_base - member.sent - member.skipped",
            &[agent.into(), now.into(), group.into()],
        )
        .await?;
        self.execute_later("UPDATE conversation SET members = members + 1 WHERE pk = $1", &[group.into()]).await
    }

    /// Ends an active membership; the count of members is left to [`Tx::count_member_out`].
    pub async fn close_membership(&mut self, agent: AgentKey, group: ConversationKey, at: i64) -> Result<()> {
        self.execute_later(
            "UPDATE member SET left_at = $1 WHERE agent = $2 AND conversation = $3 AND left_at IS NULL",
            &[at.into(), agent.into(), group.into()],
        )
        .await
    }

    /// One active member fewer.
    pub async fn count_member_out(&mut self, group: ConversationKey) -> Result<()> {
        self.execute_later("UPDATE conversation SET members = members - 1 WHERE pk = $1", &[group.into()]).await
    }

    /// Another profile.
    pub async fn update_group(
        &mut self,
        group: ConversationKey,
        name: &str,
        description: Option<&str>,
        avatar_url: Option<&str>,
        now: i64,
    ) -> Result<()> {
        self.execute_later(
            "UPDATE group_profile SET name = $1, description = $2, avatar_url = $3 WHERE conversation = $4",
            &[name.into(), description.into(), avatar_url.into(), group.into()],
        )
        .await?;
        self.execute_later("UPDATE conversation SET updated_at = $1 WHERE pk = $2", &[now.into(), group.into()]).await
    }
}

fn group(row: &Row<'_>) -> Result<GroupRow> {
    Ok(GroupRow {
        key: ConversationKey(row.int(0)?),
        id: row.bytes(1)?,
        name: row.text(2)?,
        description: row.opt_text(3)?,
        avatar_url: row.opt_text(4)?,
        creator: AgentKey(row.int(5)?),
        creator_handle: handle(row, 6)?,
        creator_stands: row.bool(7)?,
        members: row.int(8)?,
        last_seq: row.int(9)?,
        last_at: row.opt_int(10)?,
        created_at: row.int(11)?,
        avatar: row.opt_text(12)?,
    })
}

/// A handle as it is stored.
pub(super) fn handle(row: &Row<'_>, column: usize) -> Result<Handle> {
    Handle::parse(row.str(column)?).map_err(|_| StoreError::Internal("a stored handle is not readable".into()))
}
