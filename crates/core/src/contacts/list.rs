//! `GET /v1/contacts`.

use agentchat_protocol::contact::{Contact, ContactPage};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::ContactRow;
use agentchat_store::{Read, Tx};

use crate::Error;
use crate::avatars::avatar_path;

/// The caller's contacts, whatever their status, by handle.
#[derive(Debug, Clone, Copy)]
pub struct ListContacts {
    pub owner: AgentKey,
    pub limit: u64,
    pub offset: u64,
}

impl Read for ListContacts {
    type Out = ContactPage;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ContactPage, Error> {
        let Self { owner, limit, offset } = *self;
        let rows = tx.list_contacts(owner, limit, offset).await?;
        let contacts: Vec<Contact> = rows.into_iter().map(contact).collect();
        Ok(ContactPage { items: contacts.clone(), contacts, total: tx.count_contacts(owner).await?, limit, offset })
    }
}

/// A contact as its owner sees it.
pub(super) fn contact(row: ContactRow) -> Contact {
    Contact {
        handle: row.handle,
        display_name: row.display_name,
        description: row.description,
        avatar_url: row.avatar.as_deref().map(avatar_path),
        status: row.status,
        notes: row.edge.notes,
        added_at: Timestamp::from_millis(row.edge.added_at),
    }
}
