//! Conversations: the list, participants, contexts, hiding.

mod access;
mod context;
mod hide;
mod list;
mod notify;
mod participants;

pub(crate) use access::{access, deleted_group, group_access};
pub use context::{ShowContext, ShowDirectContext};
pub use hide::HideConversation;
pub use list::ListConversations;
pub use notify::{SetNotifyLevel, ShowNotifyLevel};
pub use participants::ListParticipants;
