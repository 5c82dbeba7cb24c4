//! `POST /v1/mutes`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, ConversationId};
use agentchat_protocol::mute::{Mute, NewMute, NewMuteTarget};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{MuteSubject, MuteTarget};
use agentchat_store::{StoreError, Tx, Write};

use super::named::mute;
use crate::contacts::find_somebody;
use crate::conversations::access;
use crate::{Error, Rejection};

/// Mutes an agent or a conversation for the caller. A repeat gives the mute another end.
#[derive(Debug)]
pub struct AddMute {
    pub muter: AgentKey,
    /// The muter's public id.
    pub id: AgentId,
    pub mute: NewMute,
    pub now: Timestamp,
}

impl Write for AddMute {
    type Out = Mute;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Mute, Error> {
        let (subject, target) = match &self.mute.target {
            NewMuteTarget::Agent(handle) => self.agent(tx, handle).await?,
            NewMuteTarget::Conversation(id) => self.conversation(tx, id).await?,
        };
        let until = self.mute.muted_until.map(Timestamp::as_millis);
        tx.set_mute(self.muter, subject, until, self.now.as_millis()).await?;
        let row = tx.mute(self.muter, &target).await?;
        let row = row.ok_or_else(|| StoreError::Internal("a new mute is not there".into()))?;
        Ok(mute(self.id, row))
    }
}

impl AddMute {
    async fn agent(&self, tx: &mut Tx<'_>, handle: &str) -> Result<(MuteSubject, MuteTarget), Error> {
        let other = find_somebody(tx, self.muter, Handle::parse(handle).ok().as_ref()).await?;
        if other.key == self.muter {
            return Err(Rejection::new(ErrorCode::SelfMute, "You cannot mute yourself").into());
        }
        Ok((MuteSubject::Agent(other.key), MuteTarget::Agent(other.handle)))
    }

    async fn conversation(&self, tx: &mut Tx<'_>, id: &str) -> Result<(MuteSubject, MuteTarget), Error> {
        let id: ConversationId = id.parse().map_err(|_| Rejection::conversation_not_found())?;
        tx.lock_inboxes(&[self.muter]);
        let conversation = access(tx, self.muter, id).await?;
        Ok((MuteSubject::Conversation(conversation.key), MuteTarget::Conversation(id)))
    }
}
