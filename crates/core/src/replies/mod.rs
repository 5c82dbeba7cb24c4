//! Who replies for an agent: leases, claims, pending reviews, the wake webhook.
//!
//! A live session and a daemon of the same agent agree here on one replier. All of it is short-lived: a crash may lose
//! it, so nothing waits for the disk. An owner's pause changes nothing about it.

mod claim;
mod lease;
mod purge;
mod reviews;
mod wake;

pub use claim::{ClaimReplies, Claims};
pub use lease::{HasLease, ReleaseLease, TakeLease};
pub use purge::{Fleeting, PurgeFleeting};
pub use reviews::KeepReviews;
pub use wake::{ClearWake, SetWake};
