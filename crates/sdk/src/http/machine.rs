//! The request machine: every decision of one call, without I/O, clock or chance.

use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::http::answer;
use crate::http::retry::RetryPolicy;
use crate::http::transport::{Limits, RawResponse, TransportFailure};

/// Largest answer that is read.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What happened to a call.
#[derive(Debug)]
pub enum Input {
    /// The call begins.
    Start,
    /// The attempt was answered; `received_at` is the wall clock, for dates in `Retry-After`.
    Response {
        /// The answer.
        response: RawResponse,
        /// When it came.
        received_at: SystemTime,
    },
    /// The attempt failed.
    IoFailed(TransportFailure),
    /// The wait is over.
    Woke,
}

/// What to do next.
#[derive(Debug)]
pub enum Output {
    /// Make an attempt within these limits.
    Send(Limits),
    /// Wait, then say [`Input::Woke`].
    Sleep(Duration),
    /// The call is over.
    Finish(Result<RawResponse, Error>),
}

/// One call: attempts, back-off, deadline. `now` of its inputs is any monotonic clock.
#[derive(Debug)]
pub struct RequestMachine {
    most_attempts: u32,
    policy: RetryPolicy,
    timeout: Option<Duration>,
    deadline: Option<Duration>,
    /// A 409 of a request that is still running is worth another attempt.
    conflict_retryable: bool,
    redirect_ok: bool,
    attempts: u32,
    started: Duration,
}

/// How a call is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) attempts: u32,
    pub(crate) policy: RetryPolicy,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) conflict_retryable: bool,
    pub(crate) redirect_ok: bool,
}

impl RequestMachine {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            most_attempts: plan.attempts.max(1),
            policy: plan.policy,
            timeout: plan.timeout.filter(|timeout| !timeout.is_zero()),
            deadline: plan.deadline,
            conflict_retryable: plan.conflict_retryable,
            redirect_ok: plan.redirect_ok,
            attempts: 0,
            started: Duration::ZERO,
        }
    }

    /// Attempts made so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Takes what happened at `now` and says what to do; `random` is uniform in 0..1.
    pub fn handle(&mut self, now: Duration, random: f64, input: Input) -> Output {
        match input {
            Input::Start => {
                self.started = now;
                self.send(now)
            }
            Input::Woke => self.send(now),
            Input::Response { response, received_at } => self.answered(now, random, response, received_at),
            Input::IoFailed(failure) => self.failed(now, random, Error::from_transport(failure), false),
        }
    }

    fn send(&mut self, now: Duration) -> Output {
        let left = self.deadline.map(|deadline| deadline.saturating_sub(now.saturating_sub(self.started)));
        self.attempts += 1;
        let limit = match (self.timeout, left) {
            (Some(timeout), Some(left)) => Some(timeout.min(left)),
            (timeout, left) => timeout.or(left),
        };
        Output::Send(Limits { connect: limit, write_idle: limit, response: limit, max_body: MAX_BODY })
    }

    fn answered(&mut self, now: Duration, random: f64, response: RawResponse, received_at: SystemTime) -> Output {
        let redirect = self.redirect_ok
            && (300..400).contains(&response.status)
            && answer::header(&response.headers, "location").is_some_and(|location| !location.is_empty());
        if redirect || (200..300).contains(&response.status) {
            return Output::Finish(Ok(response));
        }
        let RawResponse { status, reason, headers, body } = &response;
        let error = Error::from_answer(answer::refusal(*status, reason.as_deref(), headers, body, received_at));
        let running = self.conflict_retryable && *status == 409 && error.code() == Some("IDEMPOTENT_IN_PROGRESS");
        self.failed(now, random, error, running)
    }

    fn failed(&mut self, now: Duration, random: f64, error: Error, running: bool) -> Output {
        let retryable = error.is_retryable() || running;
        let delay = self.policy.delay(self.attempts, error.retry_after(), random);
        let error = error.with_attempts(self.attempts);
        match delay {
            Some(delay) if retryable && self.attempts < self.most_attempts && self.has_time(now, delay) => {
                Output::Sleep(delay)
            }
            _ => Output::Finish(Err(error)),
        }
    }

    /// Whether an attempt may still begin after the wait (H18).
    fn has_time(&self, now: Duration, delay: Duration) -> bool {
        self.deadline.is_none_or(|deadline| now.saturating_sub(self.started) + delay < deadline)
    }
}
