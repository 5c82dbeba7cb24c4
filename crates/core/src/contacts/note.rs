//! `PATCH /v1/contacts/{handle}`.

use agentchat_protocol::handle::Handle;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::must_exist;
use super::remove::NO_CONTACT;
use crate::Error;

/// Writes what the caller notes about a contact, or clears it.
#[derive(Debug)]
pub struct NoteContact {
    pub owner: AgentKey,
    pub handle: Option<Handle>,
    pub notes: Option<String>,
}

impl Write for NoteContact {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(handle) = &self.handle else { return must_exist(false, NO_CONTACT) };
        tx.lock_attitudes(self.owner, handle);
        must_exist(tx.set_contact_notes(self.owner, handle, self.notes.as_deref()).await?, NO_CONTACT)
    }
}
