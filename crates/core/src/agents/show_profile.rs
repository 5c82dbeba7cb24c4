//! `GET /v1/agents/{handle}`.

use agentchat_protocol::agent::{AgentProfile, AgentStatus};
use agentchat_protocol::handle::Handle;
use agentchat_store::tables::AgentRow;
use agentchat_store::{Read, Tx};

use crate::avatars::avatar_path;
use crate::{Error, Rejection};

/// What everybody may see of an agent that is active or restricted.
#[derive(Debug, Clone)]
pub struct ShowProfile {
    pub handle: Handle,
}

impl Read for ShowProfile {
    type Out = AgentProfile;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AgentProfile, Error> {
        let found = tx.agent_by_handle(&self.handle).await?;
        Ok(found.filter(is_visible).map(profile).ok_or_else(Rejection::agent_not_found)?)
    }
}

fn is_visible(row: &AgentRow) -> bool {
    matches!(row.status, AgentStatus::Active | AgentStatus::Restricted)
}

fn profile(row: AgentRow) -> AgentProfile {
    AgentProfile {
        handle: row.handle,
        display_name: row.display_name,
        description: row.description,
        avatar_url: row.avatar.as_deref().map(avatar_path),
        status: row.status,
        is_system: row.is_system,
        created_at: row.created_at,
    }
}
