//! A group send's transaction on the bare store: one message and an envelope for every other member, each acknowledged
//! later in gathered operations.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentchat_core::Verdict;
use agentchat_core::messages::{Ack, Busy, SendGroup};
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::send::SendRequest;
use agentchat_store::Store;
use agentchat_store::key::AgentKey;
use anyhow::{anyhow, bail};

use super::cast::Gathering;
use super::{Arguments, Bench, CONTENT_BYTES, LIMITS, Outcome, now, outcome};
use crate::direct::window::{Clock, Window};
use crate::wire::template::Template;

/// Measures `senders` sends in flight to one group of `members` and a sender.
pub(super) async fn measure(
    arguments: &Arguments,
    store: Store,
    senders: usize,
    members: usize,
    folder: &Path,
) -> anyhow::Result<Outcome> {
    let gathering = super::cast::gather(&store, members).await?;
    let clock = Clock::start();
    let (warmup, length) = (Duration::from_secs_f64(arguments.warmup), Duration::from_secs_f64(arguments.seconds));
    let window = Window::after(clock.nanos(), warmup, length);
    let bench = Arc::new(Bench { store, clock, window, acks: Mutex::default(), busy: Busy::Wait });
    let sending =
        (0..senders).map(|number| send(bench.clone(), gathering.clone(), number, arguments.text_bytes)).collect();
    outcome(&bench, sending, members, folder).await
}

/// Sends until the window ends: how many in all, and the answers' times within the window.
async fn send(
    bench: Arc<Bench>,
    gathering: Gathering,
    number: usize,
    text_bytes: usize,
) -> anyhow::Result<(u64, Vec<u32>)> {
    let group = gathering.group.to_string();
    let mut template =
        Template::new(number, &group, text_bytes, "load", |members| format!("{{{members}}}").into_bytes());
    let (mut counter, mut samples) = (0, Vec::with_capacity(4096));
    loop {
        let started = bench.clock.nanos();
        if started >= bench.window.end {
            return Ok((counter, samples));
        }
        let operation = operation(gathering.sender, gathering.group, template.stamp(counter, started))?;
        let sent = bench.store.write(operation).await.map_err(|error| anyhow!("a send failed: {error}"))?;
        if sent.replayed || sent.deliveries.len() != gathering.members {
            bail!("a send was no first write to everybody");
        }
        let ack =
            |delivery: &agentchat_core::messages::Delivery| Ack { agent: delivery.recipient, message: sent.message.id };
        bench.acks.lock().unwrap_or_else(PoisonError::into_inner).extend(sent.deliveries.iter().map(ack));
        let now = bench.clock.nanos();
        if bench.window.bucket(now).is_some() {
            samples.push(((now - started) / 1000) as u32);
        }
        counter += 1;
    }
}

fn operation(sender: AgentKey, group: ConversationId, body: &[u8]) -> anyhow::Result<SendGroup> {
    let request = SendRequest::parse(body, CONTENT_BYTES).map_err(|error| anyhow!("{error:?}"))?;
    Ok(SendGroup {
        sender,
        group,
        client_msg_id: request.client_msg_id.clone().unwrap_or_default(),
        request,
        now: now(),
        message_id: MessageId::from_bytes(uuid::Uuid::now_v7().into_bytes()),
        verdict: Verdict::Granted,
        limits: LIMITS,
    })
}
