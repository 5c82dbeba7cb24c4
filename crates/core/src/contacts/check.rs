//! `GET /v1/contacts/{handle}`.

use agentchat_protocol::contact::ContactState;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use crate::Error;

/// Whether somebody is a contact of the caller. Nobody is an unknown one.
#[derive(Debug, Clone)]
pub struct CheckContact {
    pub owner: AgentKey,
    pub handle: Option<Handle>,
}

impl Read for CheckContact {
    type Out = ContactState;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ContactState, Error> {
        let Some(handle) = &self.handle else { return Ok(ContactState::default()) };
        let Some(edge) = tx.contact_of_handle(self.owner, handle).await? else { return Ok(ContactState::default()) };
        let added_at = Some(Timestamp::from_millis(edge.added_at));
        Ok(ContactState { is_contact: true, added_at, notes: edge.notes })
    }
}
