//! The `avatar` of an agent and of a group: the public name of an uploaded picture.

use agentchat_protocol::timestamp::Timestamp;

use crate::key::{AgentKey, ConversationKey};
use crate::{Result, Tx};

impl Tx<'_> {
    /// Another avatar of an agent, or none.
    pub async fn set_agent_avatar(&mut self, agent: AgentKey, avatar: Option<&str>, now: Timestamp) -> Result<()> {
        self.execute_later(
            "UPDATE agent SET avatar = $1, updated_at = $2 WHERE pk = $3",
            &[avatar.into(), now.as_millis().into(), agent.into()],
        )
        .await
    }

    /// Another avatar of a group, or none; a picture of elsewhere is not shown any more.
    pub async fn set_group_avatar(
        &mut self,
        group: ConversationKey,
        avatar: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        self.execute_later(
            "UPDATE group_profile SET avatar = $1, avatar_url = NULL WHERE conversation = $2",
            &[avatar.into(), group.into()],
        )
        .await?;
        self.execute_later(
            "UPDATE conversation SET updated_at = $1 WHERE pk = $2",
            &[now.as_millis().into(), group.into()],
        )
        .await
    }
}
