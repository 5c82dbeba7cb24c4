//! What a new agent finds in its inbox.

use std::sync::Arc;
use std::time::Duration;

use agentchat_core::support::reply_id;
use agentchat_protocol::agent::Agent;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::send::SendRequest;
use serde_json::json;

use super::Desk;
use crate::app::App;
use crate::sending;

/// Bytes of a welcome, with much room.
const LONGEST: usize = 32_768;
/// Times it is tried when many register at once.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Greets a new account, beside the request that made it. That it fails is no reason for the registration to.
pub(crate) fn welcome(app: &App, agent: &Agent) {
    let Some(desk) = app.desk.get().map(Arc::clone) else { return };
    let (shared, agent) = (app.clone(), agent.clone());
    app.spawn(async move { greet(&shared, &desk, &agent).await });
}

async fn greet(app: &App, desk: &Desk, agent: &Agent) {
    let text = desk.facts.welcome(&agent.handle);
    let body = json!({
        "to": agent.handle, "client_msg_id": reply_id(&agent.id.to_string(), &text), "content": { "text": text }
    });
    let Ok(request) = SendRequest::parse(body.to_string().as_bytes(), LONGEST) else { return };
    for _ in 0..TRIES {
        match sending::send(app, &desk.caller, request.clone()).await {
            Ok(_) => return,
            Err(error) if may_pass(error.code()) => tokio::select! {
                () = app.hub.stopping().cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            },
            Err(error) => return tracing::debug!(%error, "a new agent is not welcomed"),
        }
    }
    tracing::warn!("a new agent is not welcomed: the server is too busy");
}

fn may_pass(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::RateLimited | ErrorCode::ServiceUnavailable)
}
