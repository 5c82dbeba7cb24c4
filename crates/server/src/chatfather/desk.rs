//! Works through what agents write to the system agent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use agentchat_core::messages::{PendingPage, PendingRow};
use agentchat_core::support::AnswerMessage;
use agentchat_protocol::id::{EscalationId, MessageId};
use agentchat_store::key::ConversationKey;
use futures_util::stream::{self, StreamExt};

use super::Desk;
use crate::app::App;
use crate::limits::{Key, Policy};
use crate::realtime::{Head, Held};
use crate::sending::{self, publish_sent};

/// Messages looked at together.
const PAGE: usize = 100;
/// Conversations answered at the same time; the messages of each come one after the other.
const AT_ONCE: usize = 8;
/// Pause after the store could not do something.
const RETRY: Duration = Duration::from_millis(500);

/// Answers until the server shuts down.
pub(super) async fn work(app: App, desk: Arc<Desk>) {
    loop {
        // Taken before the inbox is read, so that nothing comes in unseen in between.
        let hold = app.hub.hold(desk.caller.key);
        let head = tokio::select! {
            () = app.hub.stopping().cancelled() => return,
            head = clear(&app, &desk) => head,
        };
        match head {
            Some(head) => {
                hold.saw(head);
                if hold.changed().await == Held::Stopping {
                    return;
                }
            }
            None => tokio::time::sleep(RETRY).await,
        }
    }
}

/// Answers everything that waits. The inbox's head when nothing does; `None` when something could not be answered now.
async fn clear(app: &App, desk: &Desk) -> Option<Head> {
    let mut after = 0;
    let mut failed = false;
    loop {
        let operation =
            PendingPage { agent: desk.caller.key, after, limit: PAGE, now: app.clock.now(), keys: app.keys.clone() };
        let page = match app.store.read(operation).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "the system agent cannot read its inbox; trying again");
                return None;
            }
        };
        let Some(last) = page.rows.last() else {
            let head = Head { position: page.last_position, epoch: page.epoch, paused: false };
            return (!failed).then_some(head);
        };
        after = last.position;
        failed |= !answer_all(app, desk, page.rows).await;
    }
}

/// Answers a page; false when something of it is still to be answered.
async fn answer_all(app: &App, desk: &Desk, rows: Vec<PendingRow>) -> bool {
    let mut conversations: HashMap<ConversationKey, Vec<MessageId>> = HashMap::new();
    for row in rows {
        conversations.entry(row.conversation).or_default().push(row.id);
    }
    let answering = stream::iter(conversations.into_values()).map(|messages| async move {
        for message in messages {
            if !answer(app, desk, message).await {
                return false;
            }
        }
        true
    });
    answering.buffer_unordered(AT_ONCE).all(std::future::ready).await
}

async fn answer(app: &App, desk: &Desk, message: MessageId) -> bool {
    let reservation = match app.limiter.reserve(Policy::SendSystem, Key::Agent(desk.caller.key.0)).granted() {
        Ok(reservation) => reservation,
        Err(_) => return false,
    };
    let now = app.clock.now();
    let operation = AnswerMessage {
        desk: desk.caller.key,
        message,
        facts: Arc::clone(&desk.facts),
        escalation: EscalationId::from_bytes(app.entropy.uuid_v7(now)),
        answer: MessageId::from_bytes(app.entropy.uuid_v7(now)),
        now,
        limits: sending::limits(&app.limits),
    };
    let (publisher, sender) = (app.clone(), desk.caller.key);
    let answered = app.store.write_then(operation, move |answered| {
        if let Ok(Some(sent)) = answered {
            publish_sent(&publisher, sender, sent);
        }
    });
    match answered.await {
        Ok(Some(_)) => true,
        Ok(None) => {
            reservation.release();
            true
        }
        Err(error) => {
            tracing::warn!(%error, "the system agent cannot answer a message; trying again");
            reservation.release();
            false
        }
    }
}
