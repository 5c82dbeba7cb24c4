//! Search in what an agent may see.
//!
//! [`Query`] is what was asked for. [`PlanSearch`] finds out where the caller may look; the store's index answers
//! candidates; [`ShowFound`] keeps those that the caller may see now and that hold what was asked for, read again in
//! their texts: so both engines find the same, whatever their index can say about phrases.

mod examine;
mod plan;
mod query;
mod show;

pub use plan::{PlanSearch, SearchPlan};
pub use query::Query;
pub use show::{FoundMessage, ShowFound};
