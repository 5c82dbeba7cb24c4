//! Requests under an `Idempotency-Key` are answered once; whoever asks again gets the same answer.
//!
//! A run begins ([`BeginRun`] where nodes share a store, [`FindAnswer`] where memory holds what is running), and ends
//! with its answer kept: by [`WithAnswer`] in the operation's own transaction, by [`KeepAnswer`] after it, or not at all
//! ([`ForgetRun`]).

mod answer;
mod begin_run;
mod forget_run;
mod keep_answer;
mod purge_answers;
mod with_answer;

use agentchat_protocol::error::ErrorCode;
pub use agentchat_store::tables::{CallerKind, IdempotencyScope};
use agentchat_store::tables::{IdempotencyRow, IdempotencyRun};
pub use answer::Answer;
pub use begin_run::{BeginRun, FindAnswer};
pub use forget_run::ForgetRun;
pub use keep_answer::KeepAnswer;
pub use purge_answers::PurgeAnswers;
pub use with_answer::{Answered, WithAnswer};

use crate::Rejection;

/// How long a run is waited for.
pub const RUNNING_MS: i64 = 60_000;
/// How long an answer is kept.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// The wait announced while a request is running.
const ASK_AGAIN_MS: u64 = 1_000;

/// One request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    pub scope: IdempotencyScope,
    pub key: String,
    /// SHA-256 of the request: the same key with another one is a conflict.
    pub fingerprint: [u8; 32],
    /// 16 random bytes of this run.
    pub run: [u8; 16],
}

/// What a key stood for when a request came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: the request is to be handled.
    Fresh,
    /// The same request, which was answered.
    Answered(Answer),
}

impl Keyed {
    fn as_row(&self) -> IdempotencyRun<'_> {
        IdempotencyRun { scope: self.scope, key: &self.key, fingerprint: &self.fingerprint, run: &self.run }
    }

    /// What a key that stands for something says to this request.
    fn meets(&self, row: Option<IdempotencyRow>) -> Result<Begun, Rejection> {
        match row {
            None => Ok(Begun::Fresh),
            Some(row) if row.fingerprint != self.fingerprint => Err(key_conflict()),
            Some(IdempotencyRow { answer: None, .. }) => Err(still_running()),
            Some(IdempotencyRow { answer: Some(answer), .. }) => Ok(Begun::Answered(answer.into())),
        }
    }
}

/// `IDEMPOTENCY_KEY_CONFLICT`: the key belongs to another request.
pub fn key_conflict() -> Rejection {
    Rejection::new(ErrorCode::IdempotencyKeyConflict, "This Idempotency-Key was used for another request")
}

/// `IDEMPOTENT_IN_PROGRESS`: the same request is still running.
pub fn still_running() -> Rejection {
    Rejection::new(ErrorCode::IdempotentInProgress, "The same request is still running; ask again in a moment")
        .retry_after_ms(ASK_AGAIN_MS)
}
