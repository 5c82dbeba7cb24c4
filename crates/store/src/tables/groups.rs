//! `group_profile`, `invite`, and what of `conversation` and `member` makes a group: who is in it, as what.

use agentchat_protocol::handle::Handle;

use crate::key::{AgentKey, ConversationKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, StoreError, Tx};

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

/// The end of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEndRow {
    pub id: [u8; 16],
    pub at: i64,
    pub by: AgentKey,
    pub by_handle: Handle,
    pub last_seq: i64,
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
    pub group_avatar_url: Option<String>,
    pub group_members: i64,
    pub inviter_handle: Handle,
    pub created_at: i64,
}

/// What an account that ends leaves of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenMembership {
    pub group: ConversationKey,
    pub group_id: [u8; 16],
    /// The group is deleted.
    pub ended: bool,
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
            "SELECT i.id, i.conversation, c.id, p.name, p.description, p.avatar_url, c.members, n.handle, i.created_at \
             FROM invite i JOIN conversation c ON c.pk = i.conversation \
             JOIN group_profile p ON p.conversation = i.conversation JOIN agent n ON n.pk = i.inviter \
             WHERE i.invitee = $1 AND c.deleted_at IS NULL AND n.status <> 3 ",
            $rest
        )
    };
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
             c.members, c.last_seq, c.last_at, c.created_at \
             FROM conversation c JOIN group_profile p ON p.conversation = c.pk JOIN agent a ON a.pk = p.created_by \
             WHERE c.pk = $1",
            &[key.into()],
            group,
        )
        .await
    }

    /// How a group ended, if it did.
    pub async fn group_end(&mut self, key: ConversationKey) -> Result<Option<GroupEndRow>> {
        self.query_opt(
            "SELECT c.id, c.deleted_at, c.deleted_by, a.handle, c.last_seq FROM conversation c \
             JOIN agent a ON a.pk = c.deleted_by WHERE c.pk = $1 AND c.deleted_at IS NOT NULL",
            &[key.into()],
            |row| {
                Ok(GroupEndRow {
                    id: row.bytes(0)?,
                    at: row.int(1)?,
                    by: AgentKey(row.int(2)?),
                    by_handle: handle(row, 3)?,
                    last_seq: row.int(4)?,
                })
            },
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

    /// Ends a group. What is left of it is cleared by a job.
    pub async fn end_group(&mut self, group: ConversationKey, by: AgentKey, now: i64) -> Result<()> {
        self.execute_later(
            "UPDATE conversation SET deleted_at = $1, deleted_by = $2 WHERE pk = $3",
            &[now.into(), by.into(), group.into()],
        )
        .await
    }

    /// Lets mutes count for nothing for a message that was stored just now; answers for whom it stays quiet, because
    /// they are fully paused.
    pub async fn unmute_message(&mut self, id: &[u8; 16]) -> Result<Vec<AgentKey>> {
        let envelopes = self
            .query_all(
                "UPDATE envelope SET quiet = CASE WHEN EXISTS (SELECT 1 FROM agent a WHERE a.pk = envelope.recipient \
                 AND a.paused = 2) THEN 1 ELSE 0 END WHERE message = (SELECT pk FROM message WHERE id = $1) \
                 RETURNING recipient, quiet",
                &[id.into()],
                |row| Ok((AgentKey(row.int(0)?), row.bool(1)?)),
            )
            .await?;
        Ok(envelopes.into_iter().filter_map(|(agent, quiet)| quiet.then_some(agent)).collect())
    }

    /// Settles up to `limit` of what waited at `now` for `agent` of a conversation, up to a seq. Answers how much it was; the
    /// counter is left to [`Tx::count_settled`].
    pub async fn settle_some_of(
        &mut self,
        agent: AgentKey,
        conversation: ConversationKey,
        through_seq: i64,
        limit: i64,
        now: i64,
    ) -> Result<i64> {
        let settled = self
            .execute(
                // CROSS JOIN keeps the queue outside: it is short, the conversation may be long.
                "UPDATE envelope SET status = 1, delivered_at = $1 WHERE recipient = $2 AND status = 0 AND message IN \
                 (SELECT e.message FROM envelope e CROSS JOIN message m WHERE e.recipient = $2 AND e.status = 0 \
                 AND (e.expires_at IS NULL OR e.expires_at > $1) \
                 AND m.pk = e.message AND m.conversation = $3 AND m.seq <= $4 ORDER BY e.position LIMIT $5)",
                &[now.into(), agent.into(), conversation.into(), through_seq.into(), limit.into()],
            )
            .await?;
        Ok(i64::try_from(settled).unwrap_or(i64::MAX))
    }
}

/// Adding.
impl Tx<'_> {
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

/// Ends: of groups, and of accounts that are in some.
impl Tx<'_> {
    /// The groups an agent is in, in the order of locks.
    pub fn lock_groups_of(&mut self, agent: &Handle) {
        self.lock(
            "SELECT pk FROM conversation WHERE kind = 1 AND pk IN (SELECT b.conversation FROM member b \
             WHERE b.agent = (SELECT pk FROM agent WHERE handle = $1) AND b.joined_at > 0 AND b.left_at IS NULL) \
             ORDER BY pk FOR NO KEY UPDATE",
            &[agent.as_str().into()],
        );
    }

    /// The inboxes of a group's members and of one more agent. After its conversation.
    pub fn lock_member_inboxes_and(&mut self, group: ConversationKey, agent: AgentKey) {
        self.lock(
            "SELECT agent FROM inbox WHERE agent = $1 OR agent IN \
             (SELECT b.agent FROM member b WHERE b.conversation = $2 AND b.left_at IS NULL) \
             ORDER BY agent FOR NO KEY UPDATE",
            &[agent.into(), group.into()],
        );
    }

    /// Takes an account that ends out of the counts of its living groups; those it was alone in end with it.
    pub async fn count_out_everywhere(&mut self, agent: AgentKey, now: i64) -> Result<()> {
        self.execute_later(
            "UPDATE conversation SET members = members - 1, \
             deleted_at = CASE WHEN members <= 1 THEN CAST($1 AS BIGINT) END, \
             deleted_by = CASE WHEN members <= 1 THEN CAST($2 AS BIGINT) END \
             WHERE kind = 1 AND deleted_at IS NULL AND pk IN \
             (SELECT b.conversation FROM member b WHERE b.agent = $2 AND b.joined_at > 0 AND b.left_at IS NULL)",
            &[now.into(), agent.into()],
        )
        .await
    }

    /// One of the groups that an agent has not left.
    pub async fn open_membership(&mut self, agent: AgentKey) -> Result<Option<OpenMembership>> {
        self.query_opt(
            "SELECT c.pk, c.id, c.deleted_at FROM member b JOIN conversation c ON c.pk = b.conversation \
             WHERE b.agent = $1 AND b.joined_at > 0 AND b.left_at IS NULL ORDER BY b.conversation LIMIT 1",
            &[agent.into()],
            |row| {
                Ok(OpenMembership {
                    group: ConversationKey(row.int(0)?),
                    group_id: row.bytes(1)?,
                    ended: !row.is_null(2)?,
                })
            },
        )
        .await
    }

    /// The first member, in the order of keys, whose membership is not closed.
    pub async fn first_open_member(&mut self, group: ConversationKey) -> Result<Option<AgentKey>> {
        let sql = "SELECT agent FROM member WHERE conversation = $1 AND left_at IS NULL ORDER BY agent LIMIT 1";
        Ok(self.query_int(sql, &[group.into()]).await?.map(AgentKey))
    }

    /// Everybody whose membership is not closed, and where the group's last message stands in its inbox.
    pub async fn places_of_last_message(&mut self, group: ConversationKey) -> Result<Vec<(AgentKey, Option<i64>)>> {
        self.query_all(
            "SELECT b.agent, e.position FROM member b LEFT JOIN envelope e ON e.recipient = b.agent AND e.message = \
             (SELECT m.pk FROM message m JOIN conversation c ON c.pk = m.conversation AND c.last_seq = m.seq \
             WHERE m.conversation = $1) WHERE b.conversation = $1 AND b.left_at IS NULL ORDER BY b.agent",
            &[group.into()],
            |row| Ok((AgentKey(row.int(0)?), row.opt_int(1)?)),
        )
        .await
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
    })
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

fn handle(row: &Row<'_>, column: usize) -> Result<Handle> {
    Handle::parse(row.str(column)?).map_err(|_| StoreError::Internal("a stored handle is not readable".into()))
}
