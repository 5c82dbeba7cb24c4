//! Contacts, blocks and reports: what agents think of each other.
//!
//! Whatever adds an edge needs somebody who can be reached (active or restricted); whatever removes one works for
//! accounts of any status. Handles of paths are `None` when they are none: nobody has them.

mod add;
mod block;
mod check;
mod list;
mod list_blocked;
mod note;
mod remove;
mod report;
mod somebody;
mod unblock;

pub use add::AddContact;
pub use block::{BlockAgent, Blocked};
pub use check::CheckContact;
pub use list::ListContacts;
pub use list_blocked::ListBlocked;
pub use note::NoteContact;
pub use remove::RemoveContact;
pub use report::ReportAgent;
pub(crate) use somebody::find_somebody;
pub use unblock::UnblockAgent;

use agentchat_protocol::error::ErrorCode;

use crate::{Error, Rejection};

/// What is taken back must be there: `NOT_FOUND`.
fn must_exist(existed: bool, missing: &str) -> Result<(), Error> {
    if existed { Ok(()) } else { Err(Rejection::new(ErrorCode::NotFound, missing).into()) }
}
