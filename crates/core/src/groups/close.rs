//! What remains to be done when a group, or an account that was in groups, has ended: chunks of stored jobs.

use agentchat_protocol::group::DeletedGroupInfo;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::{AgentRow, GroupEndRow, OpenMembership, avatar_object};

use super::gate::lock;
use super::leave::{Leaver, Left};
use crate::Error;

/// Members that one transaction takes leave of: it holds their inboxes.
const MEMBERS: usize = 32;

/// Whom to tell of a group's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEnd {
    pub info: DeletedGroupInfo,
    /// Its former members, and where its last message stands in their log: they are told behind it.
    pub to: Vec<(AgentKey, u64)>,
}

/// Whom to tell that a group has ended: everybody whom it still counts, but the one who ended it.
pub(crate) async fn group_end(tx: &mut Tx<'_>, group: ConversationKey) -> Result<Option<GroupEnd>, Error> {
    let Some(end) = tx.group_end(group).await? else { return Ok(None) };
    let places = tx.places_of_last_message(group).await?;
    let others = places.into_iter().filter(|(agent, _)| *agent != end.by);
    let to = others.map(|(agent, position)| (agent, position.unwrap_or(0).unsigned_abs())).collect();
    Ok(Some(GroupEnd { info: info(end), to }))
}

fn info(end: GroupEndRow) -> DeletedGroupInfo {
    DeletedGroupInfo {
        group_id: ConversationId::group(end.id),
        deleted_by_handle: end.by_handle,
        deleted_at: Timestamp::from_millis(end.at),
    }
}

/// Nobody is shown an ended group's picture any more.
async fn drop_avatar(tx: &mut Tx<'_>, group: ConversationKey, at: i64) -> Result<(), Error> {
    if let Some(avatar) = tx.group(group).await?.and_then(|group| group.avatar) {
        tx.discard_object(&avatar_object(&avatar), at).await?;
        tx.set_group_avatar(group, None, Timestamp::from_millis(at)).await?;
    }
    Ok(())
}

/// Settles up to `chunk` envelopes of an ended group, all but its last message's, and closes the memberships of those
/// it is done with; then removes its invitations. True when nothing is left.
pub(crate) async fn close_some(tx: &mut Tx<'_>, group: ConversationKey, chunk: i64) -> Result<bool, Error> {
    let Some(end) = tx.group_end(group).await? else { return Ok(true) };
    let mut budget = chunk;
    for _ in 0..MEMBERS {
        let Some(member) = tx.first_open_member(group).await? else {
            drop_avatar(tx, group, end.at).await?;
            return Ok(tx.delete_invites_into(group, chunk).await? < chunk.unsigned_abs());
        };
        tx.lock_inboxes(&[member]);
        let settled = tx.settle_some_of(member, group, end.last_seq - 1, budget, end.at).await?;
        tx.count_settled(member, settled).await?;
        budget -= settled;
        if budget <= 0 {
            break;
        }
        tx.close_membership(member, group, end.at).await?;
    }
    Ok(false)
}

/// Takes a deleted account out of one of its groups, which does not count it any more. `None`: it is in none.
pub(crate) async fn leave_one(
    tx: &mut Tx<'_>,
    agent: &AgentRow,
    messages: [MessageId; 2],
    chunk: i64,
    now: Timestamp,
) -> Result<Option<Left>, Error> {
    let Some(open) = tx.open_membership(agent.key).await? else { return Ok(None) };
    let group = ConversationId::group(open.group_id);
    if !open.ended {
        lock(tx, group);
    }
    if tx.group_end(open.group).await?.is_some() {
        return leave_ended(tx, agent, open, chunk, now).await.map(Some);
    }
    tx.close_membership(agent.key, open.group, now.as_millis()).await?;
    let remaining = tx.group_members(open.group).await?;
    let leaver = Leaver { agent: agent.key, handle: agent.handle.clone(), group, key: open.group };
    leaver.tell(tx, &remaining, messages, now).await.map(Some)
}

/// Nobody is told; one that ended with this account leaves invitations.
async fn leave_ended(
    tx: &mut Tx<'_>,
    agent: &AgentRow,
    open: OpenMembership,
    chunk: i64,
    now: Timestamp,
) -> Result<Left, Error> {
    if tx.delete_invites_into(open.group, chunk).await? < chunk.unsigned_abs() {
        tx.close_membership(agent.key, open.group, now.as_millis()).await?;
    }
    Ok(Left::default())
}
