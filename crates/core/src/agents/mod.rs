//! Agents: their own record, their public profile, changes, the end, and the operator's view.

mod account;
mod clear_deleted;
mod count;
mod create;
mod delete;
mod list;
mod profile_text;
mod show_me;
mod show_profile;
mod summary;
mod update;

pub use count::{CountAll, Counts};
pub use create::CreateAgent;
pub use delete::{DeleteAgent, Deleted};
pub use list::{AgentPage, ListAgents};
pub use profile_text::{ProfileText, TextLengths};
pub use show_me::ShowMe;
pub use show_profile::ShowProfile;
pub use summary::{AgentSummary, ShowSummary};
pub use update::{AgentChanges, UpdateAgent};

pub(crate) use clear_deleted::clear_some;

pub(crate) use account::{insert_account, own_record, protect_system, read_live};
