//! Before a picture is put into the object store.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::avatar_object;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Uploads and their commits are over by then.
const REFERRED_TO_WITHIN_MS: i64 = 24 * 60 * 60 * 1000;

/// A picture will be stored: should nothing come to refer to it, it is deleted one day.
#[derive(Debug, Clone)]
pub struct ExpectAvatar {
    /// Its `avatar_key`.
    pub avatar: String,
    pub now: Timestamp,
}

impl Write for ExpectAvatar {
    /// False while somebody deletes the same picture.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let now = self.now.as_millis();
        Ok(tx.expect_object(&avatar_object(&self.avatar), now + REFERRED_TO_WITHIN_MS, now).await?)
    }
}
