//! What the community does to an agent that bothers it, and what the operator does.
//!
//! Only blocks and reports by agents that the agent has written to first count, each of them once. Restriction lifts
//! by itself; suspension is lifted by the operator alone.

mod judge;
mod reinstate;
mod review;
mod rules;
mod status;
mod suspend;

pub(crate) use judge::judge;
pub use reinstate::ReinstateAgent;
pub use review::{Review, Reviewed};
pub use rules::CommunityRules;
pub use status::{Occasion, StatusChange};
pub use suspend::SuspendAgent;
