//! Long work in chunks: which node does it, and a chunk of it.

mod advance;
mod claim;

pub use advance::{Advance, Advanced, Progress, UnfinishedJobs};
pub use claim::{Claim, ClaimJob, ReleaseJob};
