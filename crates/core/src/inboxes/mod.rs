//! Inboxes as the nodes see them that serve their agents.

mod heads;

pub use heads::InboxHeads;
