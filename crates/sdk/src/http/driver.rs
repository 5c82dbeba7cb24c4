//! Executes what the request machine says.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::http::machine::{Input, Output, RequestMachine};
use crate::http::request::{Request, Target};
use crate::http::transport::{Limits, RawResponse};
use crate::redact;

/// Makes a call to its end: the answer and the number of attempts.
pub(crate) async fn execute(target: &Target, request: Request) -> Result<(RawResponse, u32)> {
    let mut machine = RequestMachine::new(request.plan(target));
    let request = request.build(target)?;
    let started = Instant::now();
    let mut input = Input::Start;
    loop {
        match machine.handle(started.elapsed(), rand::random(), input) {
            Output::Send(limits) => input = attempt(target, &request, limits, machine.attempts()).await,
            Output::Sleep(delay) => {
                wait(delay).await;
                input = Input::Woke;
            }
            Output::Finish(Ok(response)) => return Ok((response, machine.attempts())),
            Output::Finish(Err(error)) => return Err(log(error, &request)),
        }
    }
}

async fn attempt(target: &Target, request: &http::Request<Bytes>, limits: Limits, number: u32) -> Input {
    tracing::trace!(target: "agentchat::http", method = %request.method(), path = request.uri().path(), number, "attempt");
    match target.transport.send(request.clone(), limits).await {
        Ok(response) => Input::Response { response, received_at: SystemTime::now() },
        Err(mut failure) => {
            failure.text = redact::scrub(&failure.text, target.key.expose());
            Input::IoFailed(failure)
        }
    }
}

async fn wait(delay: Duration) {
    tracing::debug!(target: "agentchat::http", delay_ms = delay.as_millis(), "waiting before another attempt");
    tokio::time::sleep(delay).await;
}

fn log(error: Error, request: &http::Request<Bytes>) -> Error {
    tracing::debug!(target: "agentchat::http", method = %request.method(), path = request.uri().path(), %error, "call failed");
    error
}
