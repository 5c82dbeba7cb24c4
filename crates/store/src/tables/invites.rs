//! `invite`: who was asked into a group, and may be.

use agentchat_protocol::handle::Handle;

use super::groups::handle;
use crate::key::{AgentKey, ConversationKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, Tx};

/// How an agent that is to be added stands to a group and to the one who adds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateRow {
    pub agent: AgentKey,
    pub handle: Handle,
    /// Active or restricted.
    pub reachable: bool,
    pub fully_paused: bool,
    /// It takes invitations from its contacts only.
    pub contacts_only: bool,
    /// The inviter is in its contacts.
    pub knows_inviter: bool,
    /// A block in either direction.
    pub blocked: bool,
    pub member: bool,
    /// Its pending invitation into the group.
    pub invite: Option<[u8; 16]>,
}

/// An invitation to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewInvite<'a> {
    pub id: &'a [u8; 16],
    pub group: ConversationKey,
    pub invitee: AgentKey,
    pub inviter: AgentKey,
    pub now: i64,
}

/// A pending invitation with what its invitee sees of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    pub id: [u8; 16],
    pub group: ConversationKey,
    pub group_id: [u8; 16],
    pub group_name: String,
    pub group_description: Option<String>,
    /// As it is shown: below the public base where an uploaded one is, else the URL somebody gave.
    pub group_avatar_url: Option<String>,
    pub group_members: i64,
    pub inviter_handle: Handle,
    pub created_at: i64,
}

macro_rules! candidates {
    ($agents:literal) => {
        concat!(
            "SELECT a.pk, a.handle, a.status, a.paused, a.invite_policy, \
             EXISTS (SELECT 1 FROM contact k WHERE k.owner = a.pk AND k.contact = $1), \
             EXISTS (SELECT 1 FROM block b WHERE (b.blocker = a.pk AND b.blocked = $1) \
                 OR (b.blocker = $1 AND b.blocked = a.pk)), \
             EXISTS (SELECT 1 FROM member m WHERE m.agent = a.pk AND m.conversation = $2 AND m.left_at IS NULL), \
             (SELECT i.id FROM invite i JOIN agent n ON n.pk = i.inviter \
                 WHERE i.conversation = $2 AND i.invitee = a.pk AND n.status <> 3) \
             FROM agent a WHERE a.pk ",
            $agents
        )
    };
}

macro_rules! invites {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.conversation, c.id, p.name, p.description, \
             COALESCE('/avatars/' || p.avatar, p.avatar_url), c.members, n.handle, i.created_at \
             FROM invite i JOIN conversation c ON c.pk = i.conversation \
             JOIN group_profile p ON p.conversation = i.conversation JOIN agent n ON n.pk = i.inviter \
             WHERE i.invitee = $1 AND c.deleted_at IS NULL AND n.status <> 3 ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// The inboxes of a group's members and of one more agent. After its conversation.
    pub fn lock_member_inboxes_and(&mut self, group: ConversationKey, agent: AgentKey) {
        self.lock(
            "SELECT agent FROM inbox WHERE agent = $1 OR agent IN \
             (SELECT b.agent FROM member b WHERE b.conversation = $2 AND b.left_at IS NULL) \
             ORDER BY agent FOR NO KEY UPDATE",
            &[agent.into(), group.into()],
        );
    }

    /// The accounts that have these handles, of any status, in no order.
    pub async fn agents_of_handles(&mut self, handles: &[Handle]) -> Result<Vec<(AgentKey, Handle)>> {
        let names: Vec<&str> = handles.iter().map(Handle::as_str).collect();
        let (sql, list) = match self.engine() {
            Engine::Sqlite => {
                ("SELECT pk, handle FROM agent WHERE handle IN (SELECT value FROM json_each($1))", format!("{names:?}"))
            }
            Engine::Postgres => {
                ("SELECT pk, handle FROM agent WHERE handle = ANY(string_to_array($1, ' '))", names.join(" "))
            }
        };
        self.query_all(sql, &[(&list).into()], |row| Ok((AgentKey(row.int(0)?), handle(row, 1)?))).await
    }

    /// How these agents stand to a group and to `inviter`, in no order. Their inboxes are to be locked.
    pub async fn candidates(
        &mut self,
        inviter: AgentKey,
        group: ConversationKey,
        agents: &[AgentKey],
    ) -> Result<Vec<CandidateRow>> {
        let keys: Vec<i64> = agents.iter().map(|agent| agent.0).collect();
        match self.engine() {
            Engine::Sqlite => {
                let list = format!("{keys:?}");
                let params = [inviter.into(), group.into(), (&list).into()];
                self.query_all(candidates!("IN (SELECT value FROM json_each($3))"), &params, candidate).await
            }
            Engine::Postgres => {
                let params = [inviter.into(), group.into(), Value::Ints(&keys)];
                self.query_all(candidates!("= ANY($3)"), &params, candidate).await
            }
        }
    }

    /// Stores an invitation. One of an inviter that is gone gives way.
    pub async fn insert_invite(&mut self, new: &NewInvite<'_>) -> Result<()> {
        self.execute_later(
            "INSERT INTO invite (id, conversation, invitee, inviter, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (conversation, invitee) DO UPDATE SET id = excluded.id, inviter = excluded.inviter, \
             created_at = excluded.created_at",
            &[new.id.into(), new.group.into(), new.invitee.into(), new.inviter.into(), new.now.into()],
        )
        .await
    }

    /// The pending invitations of an agent, oldest first.
    pub async fn invites_of(&mut self, invitee: AgentKey) -> Result<Vec<InviteRow>> {
        self.query_all(invites!("ORDER BY i.created_at, i.pk"), &[invitee.into()], invite).await
    }

    /// A pending invitation of an agent.
    pub async fn invite_of(&mut self, invitee: AgentKey, id: &[u8; 16]) -> Result<Option<InviteRow>> {
        self.query_opt(invites!("AND i.id = $2"), &[invitee.into(), id.into()], invite).await
    }

    /// Removes an invitation.
    pub async fn delete_invite(&mut self, id: &[u8; 16]) -> Result<()> {
        self.execute_later("DELETE FROM invite WHERE id = $1", &[id.into()]).await
    }

    /// Removes up to `limit` invitations into a group; answers how many.
    pub async fn delete_invites_into(&mut self, group: ConversationKey, limit: i64) -> Result<u64> {
        self.execute(
            "DELETE FROM invite WHERE pk IN (SELECT pk FROM invite WHERE conversation = $1 LIMIT $2)",
            &[group.into(), limit.into()],
        )
        .await
    }

    /// Removes up to `limit` invitations that an agent got or gave; answers how many.
    pub async fn delete_invites_of(&mut self, agent: AgentKey, limit: i64) -> Result<u64> {
        self.execute(
            "DELETE FROM invite WHERE pk IN (SELECT pk FROM invite WHERE invitee = $1 OR inviter = $1 LIMIT $2)",
            &[agent.into(), limit.into()],
        )
        .await
    }
}

fn candidate(row: &Row<'_>) -> Result<CandidateRow> {
    Ok(CandidateRow {
        agent: AgentKey(row.int(0)?),
        handle: handle(row, 1)?,
        reachable: row.int(2)? <= 1,
        fully_paused: row.int(3)? == 2,
        contacts_only: row.bool(4)?,
        knows_inviter: row.bool(5)?,
        blocked: row.bool(6)?,
        member: row.bool(7)?,
        invite: if row.is_null(8)? { None } else { Some(row.bytes(8)?) },
    })
}

fn invite(row: &Row<'_>) -> Result<InviteRow> {
    Ok(InviteRow {
        id: row.bytes(0)?,
        group: ConversationKey(row.int(1)?),
        group_id: row.bytes(2)?,
        group_name: row.text(3)?,
        group_description: row.opt_text(4)?,
        group_avatar_url: row.opt_text(5)?,
        group_members: row.int(6)?,
        inviter_handle: handle(row, 7)?,
        created_at: row.int(8)?,
    })
}
