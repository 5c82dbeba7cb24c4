//! The objects a store refers to. Their names are made of public ids.

use agentchat_protocol::id::AttachmentId;
use rusqlite::Connection;

use crate::tables::{attachment_object, avatar_object};

/// Names of all objects, ascending, as the object store knows them.
pub(super) fn names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut attachments = connection.prepare("SELECT id FROM attachment WHERE complete = 1")?;
    let mut rows = attachments.query([])?;
    while let Some(row) = rows.next()? {
        names.push(attachment_object(AttachmentId::from_bytes(row.get(0)?)));
    }
    let mut avatars = connection.prepare(
        "SELECT avatar FROM agent WHERE avatar IS NOT NULL UNION SELECT avatar FROM group_profile \
         WHERE avatar IS NOT NULL",
    )?;
    let mut rows = avatars.query([])?;
    while let Some(row) = rows.next()? {
        names.push(avatar_object(&row.get::<_, String>(0)?));
    }
    names.sort();
    names.dedup();
    Ok(names)
}
