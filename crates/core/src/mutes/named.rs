//! A mute by what is muted.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, ConversationId};
use agentchat_protocol::mute::{Mute, MuteKind};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{MuteRow, MuteTarget};

use crate::conversations::access;
use crate::{Error, Rejection};

/// What a path says is muted.
#[derive(Debug, Clone)]
pub enum NamedTarget {
    /// None: it is no handle, so nobody has it.
    Agent(Option<Handle>),
    Conversation(ConversationId),
}

impl NamedTarget {
    /// What to look for among the mutes of `muter`. A mute outlives its conversation's membership; but a deleted group
    /// says of itself that it is, to all who ever were in it.
    pub(super) async fn find(&self, tx: &mut Tx<'_>, muter: AgentKey) -> Result<MuteTarget, Error> {
        match self {
            Self::Agent(handle) => Ok(MuteTarget::Agent(handle.clone().ok_or_else(not_muted)?)),
            Self::Conversation(id) => match access(tx, muter, *id).await {
                Err(Error::Rejected(gone)) if gone.code == ErrorCode::GroupDeleted => Err(gone.into()),
                Err(Error::Store(error)) => Err(error.into()),
                Ok(_) | Err(Error::Rejected(_)) => Ok(MuteTarget::Conversation(*id)),
            },
        }
    }
}

/// `NOT_FOUND`: there is no such mute.
pub(super) fn not_muted() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "Not muted")
}

/// A mute as its muter sees it.
pub(super) fn mute(muter: AgentId, row: MuteRow) -> Mute {
    let (target_kind, target_id, target_handle) = match row.target {
        MuteTarget::Agent(handle) => (MuteKind::Agent, handle.to_string(), Some(handle)),
        MuteTarget::Conversation(id) => (MuteKind::Conversation, id.to_string(), None),
    };
    Mute {
        muter_agent_id: muter,
        target_kind,
        target_id,
        target_handle,
        muted_until: row.muted_until.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
    }
}
