//! Files: a slot is made, the bytes arrive and are what was declared, messages refer to them, those for whom they are
//! fetch them. What refers to bytes is here; the bytes are in the object store.

mod check;
mod complete;
mod create;
mod purge;
mod show;

pub(crate) use check::check;
pub use complete::{CompleteUpload, FindUpload};
pub use create::{CreateUpload, SLOT_MS};
pub use purge::{ForgetObject, ObjectsDue, PurgeSlots, TakeObject};
pub use show::{FindDownload, ShowAttachment};

use agentchat_protocol::error::ErrorCode;

use crate::Rejection;

/// `NOT_FOUND`: unknown, incomplete, and of somebody else are told apart by nobody.
fn not_found() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "No such attachment")
}

/// `STORAGE_UNAVAILABLE`.
pub fn storage_unavailable() -> Rejection {
    Rejection::new(ErrorCode::StorageUnavailable, "Files can be neither stored nor fetched right now")
        .retry_after_ms(5_000)
}
