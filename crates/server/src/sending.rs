//! Sending, the same for HTTP and for sockets: reserve, store, tell who listens.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use agentchat_core::accounts::Caller;
use agentchat_core::messages::{ReadOutcome, SendDirect, SendLimits, Sent};
use agentchat_protocol::frame::{RateLimitWarning, ServerFrame};
use agentchat_protocol::id::MessageId;
use agentchat_protocol::message::{LiveFrame, Message, MessageFrameParts};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;

use crate::app::App;
use crate::error::{AppError, Result};
use crate::limits::{Key, Limits, Low, Policy};
use crate::realtime::{Event, OwnPublished, Published, frame_text};

/// Counted at every send, so looked up once.
static METERS: LazyLock<Meters> = LazyLock::new(|| Meters {
    stored: metrics::counter!("agentchat_messages_sent_total", "outcome" => "ok"),
    replayed: metrics::counter!("agentchat_messages_sent_total", "outcome" => "replay"),
    commit_seconds: metrics::histogram!("agentchat_send_commit_seconds"),
});

struct Meters {
    stored: metrics::Counter,
    replayed: metrics::Counter,
    commit_seconds: metrics::Histogram,
}

/// Stores a message and wakes its recipients; a replay does neither.
pub(crate) async fn send(app: &App, caller: &Arc<Caller>, request: SendRequest) -> Result<Sent> {
    let policy = if caller.is_system { Policy::SendSystem } else { Policy::Send };
    let (verdict, reservation) = app.limiter.reserve(policy, Key::Agent(caller.key.0)).split();
    let now = app.clock.now();
    let operation = SendDirect {
        sender: caller.key,
        client_msg_id: request.client_msg_id.clone().unwrap_or_default(),
        request,
        now,
        message_id: MessageId::from_bytes(app.entropy.uuid_v7(now)),
        conversation_id: app.entropy.uuid_v7(now),
        verdict,
        limits: limits(&app.limits),
    };
    let (publisher, sender) = (app.clone(), Arc::clone(caller));
    let began = Instant::now();
    let answer = app
        .store
        .write_then(operation, move |answer| {
            if let Ok(sent) = answer {
                publish(&publisher, &sender, sent);
            }
        })
        .await;
    METERS.commit_seconds.record(began.elapsed());
    match answer {
        Ok(sent) => {
            if sent.replayed {
                give_back(reservation);
            } else if let Some(low) = reservation.and_then(|reservation| reservation.low()) {
                warn(app, caller, low, now);
            }
            let outcome = if sent.replayed { &METERS.replayed } else { &METERS.stored };
            outcome.increment(1);
            Ok(sent)
        }
        Err(error) => {
            give_back(reservation);
            let error = AppError::from(error);
            let reason = error.code().as_str();
            metrics::counter!("agentchat_messages_send_rejected_total", "reason" => reason).increment(1);
            Err(error)
        }
    }
}

fn give_back(reservation: Option<crate::limits::Reservation>) {
    if let Some(reservation) = reservation {
        reservation.release();
    }
}

/// Tells the sender's sockets that its budget runs low, now and then.
fn warn(app: &App, caller: &Caller, low: Low, now: Timestamp) {
    if app.hub.connections(caller.key) == 0 || !app.warnings.is_due(caller.key, now) {
        return;
    }
    let warning = RateLimitWarning {
        endpoint: "POST /v1/messages".to_owned(),
        limit: low.limit.into(),
        remaining: low.remaining.into(),
        reset_at: now.plus_millis(low.full_in_ms),
        message: "send budget below 20%".to_owned(),
    };
    if let Some(text) = frame_text(&ServerFrame::RateLimitWarning(warning)) {
        app.hub.event(caller.key, &Event { text: text.into(), droppable: false });
    }
}

fn limits(limits: &Limits) -> SendLimits {
    SendLimits { cold_cap: limits.cold_cap, backlog_hard: limits.backlog_hard, backlog_warn: limits.backlog_warn }
}

/// Runs in commit order, before the sender is answered.
fn publish(app: &App, sender: &Caller, sent: &Sent) {
    let message = &sent.message;
    let mut frame: Option<Arc<LiveFrame>> = None;
    for delivery in &sent.deliveries {
        let frame = frame.get_or_insert_with(|| Arc::new(LiveFrame::render(&parts(message))));
        app.hub.publish(Published {
            recipient: delivery.recipient,
            position: delivery.position,
            epoch: delivery.epoch,
            quiet: delivery.quiet,
            conversation: sent.conversation,
            seq: message.seq.unsigned_abs(),
            message: message.id,
            delivery_id: app.keys.encode(delivery.recipient.0, delivery.position, message.created_at.as_millis()),
            frame: Arc::clone(frame),
        });
    }
    if !sent.replayed && app.hub.wants_own(sender.key) {
        publish_own(app, sender, sent);
    }
}

fn publish_own(app: &App, sender: &Caller, sent: &Sent) {
    let row = sent.message.clone().as_row(true, None);
    if let Some(frame) = frame_text(&ServerFrame::MessageNew(Box::new(row))) {
        app.hub.publish_own(OwnPublished {
            sender: sender.key,
            conversation: sent.conversation,
            seq: sent.message.seq.unsigned_abs(),
            frame: frame.into(),
        });
    }
}

fn parts(message: &Message) -> MessageFrameParts<'_> {
    MessageFrameParts {
        id: message.id,
        conversation_id: message.conversation_id,
        sender: &message.sender,
        client_msg_id: &message.client_msg_id,
        seq: message.seq,
        kind: &message.kind,
        content: &message.content,
        metadata: &message.metadata,
        context: &message.context,
        created_at: message.created_at,
    }
}

/// Tells senders that their messages were read.
pub(crate) fn publish_reads(app: &App, outcome: &ReadOutcome) {
    for event in &outcome.events {
        if let Some(text) = frame_text(&ServerFrame::MessageRead(event.frame.clone())) {
            app.hub.event(event.to, &Event { text: text.into(), droppable: false });
        }
    }
}
