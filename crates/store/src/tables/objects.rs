//! `discarded_object`: objects that nothing refers to, until somebody has deleted them.
//!
//! Who makes an object says so first ([`Tx::expect_object`]), so that what is never referred to (a crash, a refusal) is
//! deleted one day; the transaction that refers to it keeps it ([`Tx::keep_object`]). Nothing that is expected is
//! deleted meanwhile, and nothing is expected while it is deleted.

use agentchat_protocol::id::AttachmentId;

use crate::{Result, Tx};

/// What the object store calls an attachment.
pub fn attachment_object(id: AttachmentId) -> String {
    format!("attachments/{id}")
}

/// What the object store calls the avatar of a key.
pub fn avatar_object(key: &str) -> String {
    format!("avatars/{key}")
}

impl Tx<'_> {
    /// Nothing refers to the object any more; it may be deleted from `due` on.
    pub async fn discard_object(&mut self, name: &str, due: i64) -> Result<()> {
        self.execute_later(
            "INSERT INTO discarded_object (name, due) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET due = excluded.due",
            &[name.into(), due.into()],
        )
        .await
    }

    /// Something is to refer to the object soon; if nothing does by `due`, it may be deleted. False while somebody
    /// deletes it.
    pub async fn expect_object(&mut self, name: &str, due: i64, now: i64) -> Result<bool> {
        let expected = self
            .execute(
                "INSERT INTO discarded_object (name, due) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET due = excluded.due WHERE discarded_object.busy_until <= $3",
                &[name.into(), due.into(), now.into()],
            )
            .await?;
        Ok(expected > 0)
    }

    /// Something refers to the object.
    pub async fn keep_object(&mut self, name: &str) -> Result<()> {
        self.execute_later("DELETE FROM discarded_object WHERE name = $1", &[name.into()]).await
    }

    /// Up to `limit` objects that may be deleted and that nobody deletes.
    pub async fn objects_due(&mut self, now: i64, limit: i64) -> Result<Vec<String>> {
        self.query_all(
            "SELECT name FROM discarded_object WHERE due <= $1 AND busy_until <= $1 ORDER BY due LIMIT $2",
            &[now.into(), limit.into()],
            |row| row.text(0),
        )
        .await
    }

    /// Takes a due object for deletion, until `until`; false when somebody else has it, or it is needed again.
    pub async fn take_object(&mut self, name: &str, now: i64, until: i64) -> Result<bool> {
        let taken = self
            .execute(
                "UPDATE discarded_object SET busy_until = $1 WHERE name = $2 AND due <= $3 AND busy_until <= $3",
                &[until.into(), name.into(), now.into()],
            )
            .await?;
        Ok(taken > 0)
    }
}
