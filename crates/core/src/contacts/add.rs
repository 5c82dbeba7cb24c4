//! `POST /v1/contacts`.

use agentchat_protocol::contact::Contact;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{ContactEdge, ContactRow};
use agentchat_store::{Tx, Write};

use super::list::contact;
use super::somebody::{find_somebody, not_oneself};
use crate::Error;

/// Puts somebody into the caller's contacts. Who is there already keeps its time and its notes.
#[derive(Debug)]
pub struct AddContact {
    pub owner: AgentKey,
    pub handle: Option<Handle>,
    pub now: Timestamp,
}

impl Write for AddContact {
    type Out = Contact;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Contact, Error> {
        let other = find_somebody(tx, self.owner, self.handle.as_ref()).await?;
        not_oneself(self.owner, &other, "You cannot be your own contact")?;
        let added_at = self.now.as_millis();
        tx.add_contact(self.owner, other.key, added_at).await?;
        let edge = tx.contact(self.owner, other.key).await?.unwrap_or(ContactEdge { added_at, notes: None });
        Ok(contact(ContactRow {
            handle: other.handle,
            display_name: other.display_name,
            description: other.description,
            avatar: other.avatar,
            status: other.status,
            edge,
        }))
    }
}
