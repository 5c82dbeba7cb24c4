//! Emptying old messages (extensions.md X8). A run looks at every message once, in the order in which they were stored;
//! those that still waited for somebody are looked at again in each later run.

mod empty;
mod look;
mod run;

pub use agentchat_store::tables::{Emptied, RetentionRow};
pub use empty::EmptyMessages;
pub use look::{LookForOld, Looked, Part};
pub use run::{AdvanceRun, ClaimRun, EndRun, ShowRetention};
