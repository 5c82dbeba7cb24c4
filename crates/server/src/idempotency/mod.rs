//! `Idempotency-Key`: a request under a key is handled once, and whoever asks again gets the same answer.
//!
//! The outer layer gathers the body of a mutating request that has a key and lets it be handled on a task of its own,
//! so that its answer is kept whether or not anybody still waits for it. Handlers know nothing of it: the `Caller` they
//! extract enters the key behind authentication ([`enter`]), and `Caller::commit` keeps the answer in the operation's
//! transaction. What else a handler answers is kept after it ([`answer`]).

mod request;
mod running;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentchat_core::idempotency::{Answer, BeginRun, Begun, FindAnswer, IdempotencyScope, Keyed};
use agentchat_protocol::error::ErrorCode;
use axum::response::Response;
use http::header::HeaderValue;
pub(crate) use request::{REPLAY, answer, is_keyed};
use running::Mark;
pub(crate) use running::Running;

use crate::app::App;
use crate::error::{AppError, Result};

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

tokio::task_local! {
    /// The key of the request that this task handles.
    static SLOT: Arc<Slot>;
}

/// A request's key, and what became of it.
#[derive(Debug)]
struct Slot {
    key: HeaderValue,
    fingerprint: [u8; 32],
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nobody authenticated the caller, or the key was refused: whatever is answered is not of this key.
    Unused,
    /// The request runs; its answer is to be kept.
    Running(Run),
    /// The answer is kept already.
    Kept,
    /// It was answered before.
    Replay(Answer),
}

/// A run, marked for as long as this exists where memory holds the marks.
#[derive(Debug, Clone)]
struct Run {
    keyed: Keyed,
    _mark: Option<Arc<Mark>>,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> State {
        std::mem::replace(&mut *self.state(), State::Unused)
    }
}

/// Enters the key of this request, if it has one, for an authenticated caller. What this answers goes before the
/// caller's rate limits.
pub(crate) async fn enter(app: &App, scope: IdempotencyScope) -> Result<()> {
    let Ok(slot) = SLOT.try_with(Arc::clone) else { return Ok(()) };
    let key = slot.key.to_str().ok().filter(|key| is_well_formed(key)).ok_or_else(invalid_key)?;
    let keyed = Keyed { scope, key: key.to_owned(), fingerprint: slot.fingerprint, run: app.entropy.bytes() };
    match begin(app, &keyed).await? {
        (Begun::Fresh, mark) => {
            *slot.state() = State::Running(Run { keyed, _mark: mark });
            Ok(())
        }
        (Begun::Answered(answer), _) => {
            *slot.state() = State::Replay(answer);
            // The outer layer answers what is kept instead.
            Err(AppError::internal("a kept answer got lost"))
        }
    }
}

/// Marks a run: for all nodes in the store, or in memory where there is one node.
async fn begin(app: &App, keyed: &Keyed) -> Result<(Begun, Option<Arc<Mark>>)> {
    let now = app.clock.now();
    if app.is_shared() {
        return Ok((app.store.write(BeginRun { keyed: keyed.clone(), now }).await?, None));
    }
    // Marked before the store is asked: an answer is kept before its mark is gone, so one of both is found.
    let mark = app.running.begin(keyed, now)?;
    Ok((app.store.read(FindAnswer { keyed: keyed.clone(), now }).await?, Some(Arc::new(mark))))
}

/// The run of this request, whose answer is to be kept; `None` when it has no key.
pub(crate) fn current() -> Option<Keyed> {
    let slot = SLOT.try_with(Arc::clone).ok()?;
    let state = slot.state();
    match &*state {
        State::Running(run) => Some(run.keyed.clone()),
        _ => None,
    }
}

/// The response of a request whose answer was kept with what it says, if it may be kept at all.
pub(crate) fn respond_kept(answer: Answer) -> Response {
    if answer.is_kept() {
        let _has_a_key = SLOT.try_with(|slot| *slot.state() = State::Kept);
    }
    request::respond(answer)
}

/// `^[A-Za-z0-9_-]{8,128}$`.
pub(crate) fn is_well_formed(key: &str) -> bool {
    (8..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// `IDEMPOTENCY_KEY_INVALID`.
pub(crate) fn invalid_key() -> AppError {
    AppError::new(ErrorCode::IdempotencyKeyInvalid, "Idempotency-Key must match ^[A-Za-z0-9_-]{8,128}$")
}
