//! Long work in chunks: which node does it.

mod claim;

pub use claim::{Claim, ClaimJob, ReleaseJob};
