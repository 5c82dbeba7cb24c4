//! Slots that stayed empty, and objects that nothing refers to.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::attachment_object;
use agentchat_store::{Read, Tx, Write};

use crate::Error;

/// Uploads that began in time are over by then, in milliseconds after their address expired.
const GRACE_MS: i64 = 60 * 60 * 1000;
/// Whoever deletes an object has done so, or has crashed.
const DELETED_WITHIN_MS: i64 = 10 * 60 * 1000;

/// Forgets up to `most` slots that expired empty. Their objects should not be there; what a crash left is discarded.
#[derive(Debug, Clone, Copy)]
pub struct PurgeSlots {
    pub now: Timestamp,
    pub most: i64,
}

impl Write for PurgeSlots {
    /// How many were forgotten.
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let now = self.now.as_millis();
        let expired = tx.expired_slots(now - GRACE_MS, self.most).await?;
        for id in &expired {
            tx.delete_slot(*id).await?;
            tx.discard_object(&attachment_object(*id), now).await?;
        }
        Ok(expired.len() as u64)
    }
}

/// Names of up to `most` objects that may be deleted.
#[derive(Debug, Clone, Copy)]
pub struct ObjectsDue {
    pub now: Timestamp,
    pub most: i64,
}

impl Read for ObjectsDue {
    type Out = Vec<String>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
        Ok(tx.objects_due(self.now.as_millis(), self.most).await?)
    }
}

/// Takes an object for deletion; false when it is not to be deleted, or somebody else does.
#[derive(Debug, Clone)]
pub struct TakeObject {
    pub name: String,
    pub now: Timestamp,
}

impl Write for TakeObject {
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let now = self.now.as_millis();
        Ok(tx.take_object(&self.name, now, now + DELETED_WITHIN_MS).await?)
    }
}

/// An object is deleted.
#[derive(Debug, Clone)]
pub struct ForgetObject {
    pub name: String,
}

impl Write for ForgetObject {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.keep_object(&self.name).await?)
    }
}
