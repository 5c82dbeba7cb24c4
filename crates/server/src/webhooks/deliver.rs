//! Works off what webhooks are owed.
//!
//! One task claims calls and writes down what came of them, many in a transaction; each call is a task of its own. No
//! receiver keeps others waiting: of one webhook only some calls are out at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use agentchat_core::Error;
use agentchat_core::messages::Ack;
use agentchat_core::webhooks::deliver::{
    CallOutcome, ClaimCalls, FinishCalls, FinishedCall, NextCall, ReadCall, ReleaseCalls, RetireWebhook,
};
use agentchat_protocol::id::{MessageId, WebhookDeliveryId};
use agentchat_store::key::WebhookKey;
use agentchat_store::tables::DueCall;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::attempt::{Attempt, Call, attempt};
use crate::app::App;

/// Calls that are out at a time: in all, and of one webhook.
const OUT: usize = 256;
const OUT_OF_ONE: usize = 32;
/// Pause after the store could not answer.
const RETRY: Duration = Duration::from_millis(500);
/// The receiver wants nothing more.
const GONE: u16 = 410;

/// Delivers until the server shuts down.
pub(crate) async fn deliver(app: App) {
    if !app.is_shared() {
        // Whoever had claims on this store is no more.
        release(&app, None).await;
    }
    let (tell, results) = unbounded_channel();
    Deliverer { app: app.clone(), tell, results, out: BTreeMap::new(), finished: Vec::new() }.work().await;
    release(&app, Some(app.node)).await;
}

async fn release(app: &App, node: Option<[u8; 16]>) {
    if let Err(error) = app.store.write_own(ReleaseCalls { node, now: app.clock.now() }).await {
        tracing::warn!(%error, "calls of webhooks stay claimed until their time is over");
    }
}

struct Deliverer {
    app: App,
    tell: UnboundedSender<FinishedCall>,
    results: UnboundedReceiver<FinishedCall>,
    /// Calls that are out.
    out: BTreeMap<WebhookKey, usize>,
    /// What came back and is not written down yet.
    finished: Vec<FinishedCall>,
}

impl Deliverer {
    async fn work(mut self) {
        let mut more = true;
        while self.wait(more).await {
            self.gather();
            match self.step().await {
                Ok(again) => more = again,
                Err(error) => {
                    tracing::warn!(%error, "webhooks wait for the store");
                    more = false;
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        // What came back by now is worth writing down; what is still out is made again after the next start.
        self.gather();
        if let Err(error) = self.finish().await {
            tracing::warn!(%error, "some calls of webhooks will be made again");
        }
    }

    /// Waits until something is queued or due, or came back; false at the shutdown.
    async fn wait(&mut self, more: bool) -> bool {
        let stopping = self.app.hub.stopping();
        if stopping.is_cancelled() {
            return false;
        }
        // With everything out there is nothing to claim until something comes back.
        let room = self.room() > 0;
        if (more && room) || !self.results.is_empty() || (!self.finished.is_empty()) {
            return true;
        }
        tokio::select! {
            biased;
            () = stopping.cancelled() => return false,
            Some(result) = self.results.recv() => self.note(result),
            () = self.app.hooks.woken(), if room => {}
            () = due(&self.app), if room => {}
        }
        true
    }

    fn room(&self) -> usize {
        OUT.saturating_sub(self.out.values().sum())
    }

    fn gather(&mut self) {
        while let Ok(result) = self.results.try_recv() {
            self.note(result);
        }
    }

    fn note(&mut self, result: FinishedCall) {
        let webhook = result.call.webhook;
        if let Some(out) = self.out.get_mut(&webhook) {
            *out -= 1;
            if *out == 0 {
                self.out.remove(&webhook);
            }
        }
        self.finished.push(result);
    }

    /// Writes down what came back, takes what is due; true when there may be more.
    async fn step(&mut self) -> Result<bool, Error> {
        self.finish().await?;
        let room = self.room();
        if room == 0 {
            return Ok(true);
        }
        let claim = ClaimCalls {
            node: self.app.node,
            limit: room,
            limit_of_one: OUT_OF_ONE,
            out: self.out.clone(),
            now: self.app.clock.now(),
        };
        let claimed = self.app.store.write_own(claim).await?;
        for call in claimed.calls {
            *self.out.entry(call.webhook).or_default() += 1;
            self.start(call);
        }
        Ok(claimed.more)
    }

    async fn finish(&mut self) -> Result<(), Error> {
        if self.finished.is_empty() {
            return Ok(());
        }
        let calls = self.finished.clone();
        let finish = FinishCalls { node: self.app.node, calls, now: self.app.clock.now() };
        let delivered = self.app.store.write_own(finish).await?;
        self.app.acks.push(delivered.iter().filter_map(ack));
        for finished in std::mem::take(&mut self.finished) {
            count(&finished.outcome);
            if let (CallOutcome::Failed { status: Some(GONE), .. }, Some(hook)) =
                (&finished.outcome, finished.call.hook)
            {
                self.app.store.write_own(RetireWebhook { agent: hook.agent, webhook: finished.call.webhook }).await?;
            }
        }
        Ok(())
    }

    fn start(&self, call: DueCall) {
        let (app, tell) = (self.app.clone(), self.tell.clone());
        tokio::spawn(async move {
            let outcome = make(&app, &call).await;
            let [high, low] = app.entropy.bytes();
            let jitter = 800 + i64::from(u16::from_be_bytes([high, low]) % 401);
            // Nobody listens any more at a shutdown.
            let _ = tell.send(FinishedCall { call, outcome, jitter });
        });
    }
}

/// A message that was told is delivered.
fn ack(call: &DueCall) -> Option<Ack> {
    Some(Ack { agent: call.hook?.agent, message: MessageId::from_bytes(call.message_id?) })
}

fn count(outcome: &CallOutcome) {
    let word = match outcome {
        CallOutcome::Delivered { .. } => "delivered",
        CallOutcome::Failed { .. } => "failed",
        CallOutcome::Void(_) => "dropped",
    };
    metrics::counter!("agentchat_webhook_deliveries_total", "outcome" => word).increment(1);
}

async fn make(app: &App, call: &DueCall) -> CallOutcome {
    let now = app.clock.now();
    let read = ReadCall { call: call.clone(), now, keys: app.keys.clone() };
    let prepared = match app.store.read(read).await {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(void)) => return CallOutcome::Void(void),
        Err(error) => return CallOutcome::Failed { status: None, error: format!("internal: {error}") },
    };
    let call = Call {
        url: prepared.url,
        secrets: prepared.secrets,
        body: app.shown_call(&prepared.event, prepared.body),
        event: prepared.event.to_string(),
        delivery: WebhookDeliveryId::from_bytes(call.id),
        trace: prepared.trace,
        now,
    };
    match attempt(app, call).await {
        Attempt { status: Some(status), error: None, .. } => CallOutcome::Delivered { status },
        Attempt { status, error, .. } => CallOutcome::Failed { status, error: error.unwrap_or_default() },
    }
}

/// Ends when a call is due, or may have been queued by another node.
async fn due(app: &App) {
    loop {
        tokio::time::sleep(app.config.timing.seek_calls).await;
        match app.store.read(NextCall).await {
            Ok(next) if next.is_some_and(|next| next <= app.clock.now()) => return,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "what webhooks are owed is not known"),
        }
    }
}
