//! `agentchat status`: account, unread, backlog, key source, server, latency.

use std::time::Instant;

use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::columns;
use crate::session::Session;

const PAGE: u32 = 200;

/// Asks the server three things.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let started = Instant::now();
    let agent = session.client.get_me().await?;
    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    let backlog = session.client.undelivered_count().await?;
    let unread = unread(&session).await?;
    let rows = [
        ("handle", format!("@{}", agent.handle.as_str())),
        ("status", agent.status.to_string()),
        ("paused", agent.paused_by_owner.to_string()),
        ("unread", unread.to_string()),
        ("undelivered", backlog.to_string()),
        ("key", session.source.to_string()),
        ("server", session.api_base.clone()),
        ("latency", format!("{latency_ms:.1} ms")),
    ];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let value = json!({
        "handle": agent.handle.as_str(),
        "status": agent.status,
        "paused_by_owner": agent.paused_by_owner,
        "unread_count": unread,
        "undelivered_count": backlog,
        "key_source": session.source.to_string(),
        "api_base": session.api_base,
        "latency_ms": latency_ms,
    });
    context.printer.data(columns(&rows), &value)
}

async fn unread(session: &Session) -> Result<u64, Failure> {
    let (mut total, mut offset) = (0, 0_u64);
    loop {
        let page = session.client.list_conversations().limit(PAGE).offset(offset).await?;
        total += page.iter().map(|conversation| conversation.unread_count).sum::<u64>();
        if page.len() < PAGE as usize {
            return Ok(total);
        }
        offset += u64::from(PAGE);
    }
}
