//! Sending, the same for HTTP and for sockets: reserve, store, tell who listens.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use agentchat_core::accounts::Caller;
use agentchat_core::messages::{
    Delivery, Posted, Rate, ReadOutcome, SendDirect, SendGroup, SendLimits, SendTarget, Sent,
};
use agentchat_protocol::frame::{RateLimitWarning, ServerFrame};
use agentchat_protocol::id::MessageId;
use agentchat_protocol::message::{LiveFrame, Message, MessageFrameParts};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::{WANTS_MESSAGES, WANTS_WAKING};

use crate::app::App;
use crate::error::{AppError, Result};
use crate::limits::{Key, Limits, Low, Policy, show_empty, show_left};
use crate::realtime::{Event, OwnPublished, Published, frame_text};
use crate::webhooks::wake_agent;

mod loop_guard;

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
    let began = Instant::now();
    let target = SendTarget { to: request.to.clone(), conversation: request.conversation_id };
    let answer = store(app, caller, request, verdict, now).await;
    METERS.commit_seconds.record(began.elapsed());
    match answer {
        Ok(sent) => {
            if sent.replayed {
                give_back(reservation);
            } else if let Some(low) = reservation.and_then(|reservation| reservation.low()) {
                warn(app, caller.key, low, now);
            }
            let outcome = if sent.replayed { &METERS.replayed } else { &METERS.stored };
            outcome.increment(1);
            show_spent(app, &sent);
            Ok(sent)
        }
        Err(error) => {
            give_back(reservation);
            let error = AppError::from(error);
            let reason = error.code().as_str();
            metrics::counter!("agentchat_messages_send_rejected_total", "reason" => reason).increment(1);
            if let Some(policy) = shared_policy(&error) {
                show_empty(policy, app.limits.rate(policy));
                if policy == Policy::Loop {
                    loop_guard::note(app, caller, target, now).await;
                }
            }
            Err(error)
        }
    }
}

async fn store(
    app: &App,
    caller: &Arc<Caller>,
    request: SendRequest,
    verdict: agentchat_core::Verdict,
    now: Timestamp,
) -> Result<Sent, agentchat_core::Error> {
    let client_msg_id = request.client_msg_id.clone().unwrap_or_default();
    let message_id = MessageId::from_bytes(app.entropy.uuid_v7(now));
    let limits = limits(&app.limits);
    let sender = caller.key;
    let publisher = app.clone();
    let tell = move |answer: &Result<Sent, agentchat_core::Error>| {
        if let Ok(sent) = answer {
            publish_sent(&publisher, sender, sent);
        }
    };
    match request.conversation_id.filter(|id| id.is_group()) {
        Some(group) => {
            let send = SendGroup { sender, group, request, client_msg_id, now, message_id, verdict, limits };
            app.store.write_then(send, tell).await
        }
        None => {
            let conversation_id = app.entropy.uuid_v7(now);
            let send = SendDirect { sender, request, client_msg_id, now, message_id, conversation_id, verdict, limits };
            app.store.write_then(send, tell).await
        }
    }
}

/// The policy that a conversation's senders share and that refused a send.
fn shared_policy(error: &AppError) -> Option<Policy> {
    let reason = error.reason()?;
    [Policy::GroupSend, Policy::Loop].into_iter().find(|policy| policy.reason() == reason)
}

/// Adds what the conversation's own policies have left to the answer's `RateLimit`.
fn show_spent(app: &App, sent: &Sent) {
    for (name, spent) in &sent.spent {
        let policy = if *name == "loop" { Policy::Loop } else { Policy::GroupSend };
        show_left(policy, app.limits.rate(policy), spent.full_in_us);
    }
}

fn give_back(reservation: Option<crate::limits::Reservation>) {
    if let Some(reservation) = reservation {
        reservation.release();
    }
}

/// Tells the sender's sockets that its budget runs low, now and then.
fn warn(app: &App, agent: AgentKey, low: Low, now: Timestamp) {
    if app.hub.connections(agent) == 0 || !app.warnings.is_due(agent, now) {
        return;
    }
    let warning = RateLimitWarning {
        endpoint: "POST /v1/messages".to_owned(),
        limit: low.limit.into(),
        remaining: low.remaining.into(),
        reset_at: now.plus_millis(low.full_in_ms),
        message: "send budget below 20%".to_owned(),
    };
    push_warning(app, agent, warning);
}

fn push_warning(app: &App, agent: AgentKey, warning: RateLimitWarning) {
    if let Some(text) = frame_text(&ServerFrame::RateLimitWarning(warning)) {
        app.hub.event(agent, &Event { text: text.into(), droppable: false });
    }
}

pub(crate) fn limits(limits: &Limits) -> SendLimits {
    let rate = |policy| limits.rate(policy).map(|rate| Rate { limit: rate.limit, window_s: rate.window_s });
    SendLimits {
        cold_cap: limits.cold_cap,
        backlog_hard: limits.backlog_hard,
        backlog_warn: limits.backlog_warn,
        expiry_max_s: limits.expiry_max_s,
        group_send: rate(Policy::GroupSend),
        loop_guard: rate(Policy::Loop),
    }
}

/// Runs in commit order, before the sender is answered.
pub(crate) fn publish_sent(app: &App, sender: AgentKey, sent: &Sent) {
    if !sent.replayed {
        publish(app, sender, &sent.message, sent.conversation, &sent.deliveries);
    }
}

/// Tells who listens of a message that the platform wrote. Runs in commit order.
pub(crate) fn publish_posted(app: &App, posted: &Posted) {
    publish(app, posted.sender, &posted.message, posted.conversation, &posted.deliveries);
}

fn publish(app: &App, sender: AgentKey, message: &Message, conversation: ConversationKey, deliveries: &[Delivery]) {
    tell_hooks(app, deliveries);
    let mut frame: Option<Arc<LiveFrame>> = None;
    for delivery in deliveries {
        let frame = frame.get_or_insert_with(|| Arc::new(LiveFrame::render(&parts(message))));
        app.hub.publish(Published {
            recipient: delivery.recipient,
            position: delivery.position,
            epoch: delivery.epoch,
            quiet: delivery.quiet,
            conversation,
            seq: message.seq.unsigned_abs(),
            message: message.id,
            delivery_id: app.keys.encode(delivery.recipient.0, delivery.position, message.created_at.as_millis()),
            frame: Arc::clone(frame),
        });
    }
    if app.hub.wants_own(sender) {
        let row = message.clone().as_row(true, None);
        if let Some(frame) = frame_text(&ServerFrame::MessageNew(Box::new(row))) {
            let seq = message.seq.unsigned_abs();
            app.hub.publish_own(OwnPublished { sender, conversation, seq, frame: frame.into() });
        }
    }
}

/// What else waits for messages: webhooks, whose calls are queued by now, and agents that want to be woken.
fn tell_hooks(app: &App, deliveries: &[Delivery]) {
    let told = || deliveries.iter().filter(|delivery| !delivery.quiet);
    if told().any(|delivery| delivery.hooks & WANTS_MESSAGES != 0) {
        app.hooks.wake();
    }
    for delivery in told().filter(|delivery| delivery.hooks & WANTS_WAKING != 0) {
        wake_agent(app, delivery.recipient);
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
        expires_at: message.expires_at,
    }
}

/// Tells senders that their messages were read.
pub(crate) fn publish_reads(app: &App, outcome: &ReadOutcome) {
    if outcome.queued {
        app.hooks.wake();
    }
    for event in &outcome.events {
        if let Some(text) = frame_text(&ServerFrame::MessageRead(event.frame.clone())) {
            app.hub.event(event.to, &Event { text: text.into(), droppable: false });
        }
    }
}
