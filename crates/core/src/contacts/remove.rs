//! `DELETE /v1/contacts/{handle}`.

use agentchat_protocol::handle::Handle;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::must_exist;
use crate::Error;

pub(super) const NO_CONTACT: &str = "This agent is not in your contacts";

/// Takes somebody out of the caller's contacts.
#[derive(Debug)]
pub struct RemoveContact {
    pub owner: AgentKey,
    pub handle: Option<Handle>,
}

impl Write for RemoveContact {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(handle) = &self.handle else { return must_exist(false, NO_CONTACT) };
        tx.lock_attitudes(self.owner, handle);
        must_exist(tx.remove_contact(self.owner, handle).await?, NO_CONTACT)
    }
}
