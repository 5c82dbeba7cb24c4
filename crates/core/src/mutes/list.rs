//! `GET /v1/mutes`.

use agentchat_protocol::id::AgentId;
use agentchat_protocol::mute::{MuteKind, MuteList};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::named::mute;
use crate::Error;

/// The caller's mutes that are in force, newest first.
#[derive(Debug, Clone)]
pub struct ListMutes {
    pub muter: AgentKey,
    /// The muter's public id.
    pub id: AgentId,
    /// Those of this kind only.
    pub kind: Option<MuteKind>,
    pub now: Timestamp,
}

impl Read for ListMutes {
    type Out = MuteList;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<MuteList, Error> {
        let kind = self.kind.as_ref().map(|kind| i64::from(*kind == MuteKind::Conversation));
        let rows = tx.list_mutes(self.muter, kind, self.now.as_millis()).await?;
        Ok(MuteList { mutes: rows.into_iter().map(|row| mute(self.id, row)).collect() })
    }
}
