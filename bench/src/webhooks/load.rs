//! Agents with webhooks, those who write to them, and the books of both sides.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::sink::Sink;
use super::{Arguments, Outage, Outcome};
use crate::process::Service;
use crate::report;
use crate::setup::{self, Agent, Caller};

/// How often it is looked whether everything has come.
const LOOK: Duration = Duration::from_millis(2);
/// After the last call: acks are gathered, and written together.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// One sender and the agent it writes to.
type Pair = (Agent, Agent);

/// Who writes to whom, and what was acknowledged to them.
struct Load<'a> {
    arguments: &'a Arguments,
    service: &'a Service,
    pairs: Vec<Pair>,
    sink: Sink,
    /// Ids of messages that the server took.
    sent: HashSet<Vec<u8>>,
}

/// One run.
pub(super) async fn play(arguments: &Arguments, service: &Service) -> anyhow::Result<Outcome> {
    let mut load = Load::open(arguments, service).await?;
    let before = service.bill()?.servers;
    let (sent, took) = load.at_full_speed().await?;
    let after = service.bill()?.servers;
    let count = arguments.messages.max(1) as f64;
    let outage = match arguments.outage() {
        Some(length) => Some(load.without_receiver(length).await?),
        None => None,
    };
    let unsettled = load.unsettled().await?;
    let calls = load.sink.calls();
    Ok(Outcome {
        agents: load.pairs.len(),
        messages: arguments.messages,
        sent_per_second: count / sent.as_secs_f64(),
        deliveries_per_second: count / took.as_secs_f64(),
        server_cpu_us: before.zip(after).map(|(from, to)| to.cpu_since(&from).as_micros() as f64 / count),
        outage,
        lost: load.sent.difference(&calls.messages).count(),
        duplicates: calls.duplicates,
        unsettled,
    })
}

impl<'a> Load<'a> {
    async fn open(arguments: &'a Arguments, service: &'a Service) -> anyhow::Result<Self> {
        let count = arguments.agents.max(1);
        let senders = setup::seed(service, "sender", count).await?;
        let receivers = setup::seed(service, "hooked", count).await?;
        let pairs: Vec<Pair> = senders.into_iter().zip(receivers).collect();
        setup::introduce(service, pairs.clone()).await?;
        let sink = Sink::open().await?;
        let (address, hook) = (service.address(0), json!({"url": sink.url(), "events": ["message.new"]}));
        setup::all(pairs.clone(), move |(_, receiver)| {
            let hook = hook.clone();
            async move { Caller::open(address).await?.call("POST", "/v1/webhooks", &receiver.key, &hook).await }
        })
        .await?;
        Ok(Self { arguments, service, pairs, sink, sent: HashSet::new() })
    }

    /// Sends what there is to send, all senders at once; how long the sending took, and how long until all had come.
    async fn at_full_speed(&mut self) -> anyhow::Result<(Duration, Duration)> {
        let (count, address) = (self.pairs.len(), self.service.address(0));
        let text: Arc<str> = "x".repeat(self.arguments.text_bytes).into();
        let share =
            |index: usize| self.arguments.messages / count + usize::from(index < self.arguments.messages % count);
        let shares = self.pairs.iter().cloned().enumerate().map(|(index, pair)| (pair, share(index))).collect();
        let began = Instant::now();
        let sent = setup::all(shares, move |((sender, receiver), count)| {
            let text = Arc::clone(&text);
            async move {
                let mut caller = Caller::open(address).await?;
                let mut ids = Vec::with_capacity(count);
                for number in 0..count {
                    let row = caller.send(&sender, &receiver.handle, &format!("fast-{number}"), &text).await?;
                    ids.push(id(&row)?);
                }
                Ok(ids)
            }
        })
        .await?;
        let took = began.elapsed();
        self.sent.extend(sent.into_iter().flatten());
        self.await_all().await?;
        let last = self.sink.calls().last.context("nothing was called")?;
        Ok((took, last.duration_since(began)))
    }

    /// Sends at a steady pace while nobody answers the calls, then lets the receiver come back and waits for all.
    async fn without_receiver(&mut self, length: Duration) -> anyhow::Result<Outage> {
        self.sink.go_away().await;
        self.sink.begin();
        report::talk(&format!("nobody answers for {:.0} s", length.as_secs_f64()));
        let messages = self.at_a_pace(length).await?;
        self.sink.come_back().await?;
        let back = Instant::now();
        self.await_all().await?;
        let calls = self.sink.calls();
        let (first, last) = calls.first.zip(calls.last).context("nothing was called after the outage")?;
        Ok(Outage {
            seconds: length.as_secs_f64(),
            messages,
            first_call_s: first.saturating_duration_since(back).as_secs_f64(),
            catch_up_s: last.duration_since(first).as_secs_f64(),
        })
    }

    async fn at_a_pace(&mut self, length: Duration) -> anyhow::Result<usize> {
        let mut caller = Caller::open(self.service.address(0)).await?;
        let text = "x".repeat(self.arguments.text_bytes);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / self.arguments.rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (began, mut number) = (Instant::now(), 0);
        while began.elapsed() < length {
            ticks.tick().await;
            let (sender, receiver) = &self.pairs[number % self.pairs.len()];
            let row = caller.send(sender, &receiver.handle, &format!("slow-{number}"), &text).await?;
            self.sent.insert(id(&row)?);
            number += 1;
        }
        Ok(number)
    }

    /// Waits until every message has come.
    async fn await_all(&self) -> anyhow::Result<()> {
        let (began, patience) = (Instant::now(), self.arguments.patience());
        loop {
            let came = self.sink.calls().messages.len();
            if came >= self.sent.len() {
                return Ok(());
            }
            if began.elapsed() > patience {
                bail!("after {} s {came} of {} messages have come", patience.as_secs(), self.sent.len());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What waits for the agents once every call was answered.
    async fn unsettled(&self) -> anyhow::Result<u64> {
        let began = Instant::now();
        let mut caller = Caller::open(self.service.address(0)).await?;
        loop {
            let mut waiting = 0;
            for (_, receiver) in &self.pairs {
                waiting += caller.undelivered(receiver).await?;
            }
            if waiting == 0 || began.elapsed() > SETTLE_WITHIN {
                return Ok(waiting);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn id(row: &Value) -> anyhow::Result<Vec<u8>> {
    Ok(row["id"].as_str().context("a message without id")?.as_bytes().to_vec())
}
