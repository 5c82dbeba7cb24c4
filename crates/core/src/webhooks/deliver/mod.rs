//! What a deliverer does: claim what is due, read what it says, write down what came of it.
//!
//! A claim ends by itself: a worker that is not heard of for a minute has died, and another takes its calls. So a call
//! may be made twice, and never not at all.

mod breaker;
mod claim;
mod finish;
mod read;
mod retire;
mod tidy;
mod wake;

pub use claim::{ClaimCalls, Claimed};
pub use finish::{CallOutcome, FinishCalls, FinishedCall};
pub use read::{PreparedCall, ReadCall};
pub use retire::RetireWebhook;
pub use tidy::{NextCall, PurgeCalls, ReleaseCalls};
pub use wake::TakeWake;
