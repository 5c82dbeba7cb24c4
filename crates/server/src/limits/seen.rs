//! What the request's policies have left, for the `RateLimit` headers of its response.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::future::Future;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Policy, Rate, Reservation};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

tokio::task_local! {
    static SEEN: RefCell<Noted>;
}

/// What the limiter did for one request.
#[derive(Debug, Default)]
struct Noted {
    remaining: Vec<Remaining>,
    /// Tokens that the request took.
    held: Vec<Reservation>,
    /// Some policy refused it: it consumes nothing of the others either.
    refused: bool,
}

/// A policy after a request took from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remaining {
    pub(super) policy: Policy,
    pub(super) rate: Rate,
    /// Nanoseconds until the bucket is full.
    pub(super) debt_nanos: i64,
}

/// Runs `handler` and hands back what the limiter noted meanwhile, ready to go on the response.
pub(crate) async fn watch<T>(handler: impl Future<Output = T>) -> (T, Seen) {
    SEEN.scope(RefCell::default(), async {
        let output = handler.await;
        let noted = SEEN.with(RefCell::take);
        SEEN.with(|seen| seen.borrow_mut().remaining = noted.remaining);
        if noted.refused {
            // Each shows again what is left with it.
            noted.held.into_iter().for_each(Reservation::release);
        }
        (output, Seen(SEEN.with(RefCell::take).remaining))
    })
    .await
}

/// Keeps what a request took from a policy until it is answered: nothing of it is consumed if another policy refuses it.
/// Outside a request it is consumed.
pub(crate) fn hold(reservation: Reservation) {
    let _outside_a_request = SEEN.try_with(|seen| seen.borrow_mut().held.push(reservation));
}

/// A policy refused this request.
pub(crate) fn refused() {
    let _outside_a_request = SEEN.try_with(|seen| seen.borrow_mut().refused = true);
}

/// Notes a policy's state; outside a request (sockets) nobody listens.
pub(super) fn note(remaining: Remaining) {
    let _outside_a_request = SEEN.try_with(|seen| {
        let mut seen = seen.borrow_mut();
        seen.remaining.retain(|earlier| earlier.policy != remaining.policy);
        seen.remaining.push(remaining);
    });
}

/// The policies a request was checked against.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<Remaining>);

impl Seen {
    /// Writes `RateLimit-Policy` and `RateLimit`, if any policy was checked.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let (mut policies, mut states) = (String::with_capacity(32), String::with_capacity(32));
        for (index, remaining) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _infallible = remaining.write(comma, &mut policies, &mut states);
        }
        for (name, text) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, states)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

impl Remaining {
    fn write(&self, comma: &str, policies: &mut String, states: &mut String) -> std::fmt::Result {
        let (name, limit, window) = (self.policy.shown(), self.rate.limit, self.rate.window_s);
        let left = self.rate.tokens_left(self.debt_nanos);
        let full_in = self.debt_nanos.unsigned_abs().div_ceil(1_000_000_000);
        write!(policies, "{comma}\"{name}\";q={limit};w={window}")?;
        write!(states, "{comma}\"{name}\";r={left};t={full_in}")
    }
}
