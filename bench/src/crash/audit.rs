//! After the restart: is everything there that was acknowledged, and nothing that was refused?

use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::load::{Book, Field, Pair, Stranger, lock, receive};
use crate::direct::sender::hello;
use crate::history;
use crate::process::Server;
use crate::setup::Caller;

/// How long the deliveries after a restart may take.
const GRACE: Duration = Duration::from_secs(30);

/// Counts of one audit; all sums over the whole series of crashes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// Sends that were acknowledged, repeats included.
    pub acked: u64,
    /// Sends that were refused.
    pub refused: u64,
    /// Sends of this round whose answer never came.
    pub unanswered: u64,
    /// Of these, how many the server had kept all the same.
    pub unanswered_kept: u64,
    /// Acknowledged, but not in the history with its `seq`.
    pub missing: u64,
    /// Places where `seq` jumps or repeats.
    pub holes: u64,
    /// Acknowledged, but never delivered on a socket.
    pub undelivered: u64,
    /// Deliveries below an earlier one of the same socket.
    pub out_of_order: u64,
    /// In the history although nobody was told so, or although it was refused.
    pub refused_but_kept: u64,
}

impl Findings {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing + self.holes + self.undelivered + self.out_of_order + self.refused_but_kept == 0
    }
}

/// Reads the histories, lets the receivers drain, and compares.
pub(crate) async fn check(field: &mut Field, server: &Server) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let mut caller = Caller::open(server.address).await?;
    for pair in &mut field.pairs {
        audit_history(&mut caller, pair, &mut findings).await?;
    }
    for stranger in &field.strangers {
        audit_stranger(&mut caller, stranger, &mut findings).await?;
    }
    drain(field, server).await?;
    for pair in &field.pairs {
        let book = lock(&pair.book);
        findings.acked += book.acked.len() as u64;
        findings.undelivered += book.undelivered();
        findings.out_of_order += book.out_of_order;
    }
    Ok(findings)
}

async fn audit_history(caller: &mut Caller, pair: &mut Pair, findings: &mut Findings) -> anyhow::Result<()> {
    let rows = history::after(caller, &pair.receiver, &pair.conversation.id, pair.audited).await?;
    let mut book = lock(&pair.book);
    let (unanswered, kept) = std::mem::take(&mut book.unanswered_and_kept);
    findings.unanswered += unanswered;
    findings.unanswered_kept += kept;
    let rows: Vec<_> = rows.iter().map(|row| (history::seq(row), history::counter(row))).collect();
    let found = history::compare(&book.acked, pair.audited, &rows);
    findings.missing += found.missing;
    findings.holes += found.holes;
    findings.refused_but_kept += found.unexpected;
    pair.audited = rows.last().map_or(pair.audited, |(seq, _)| *seq);
    Ok(())
}

async fn audit_stranger(caller: &mut Caller, stranger: &Stranger, findings: &mut Findings) -> anyhow::Result<()> {
    let rows = history::page(caller, &stranger.agent, &stranger.conversation, 0).await?;
    findings.refused += *lock(&stranger.refused);
    findings.refused_but_kept += (rows.len() as u64).saturating_sub(1);
    findings.missing += u64::from(rows.is_empty());
    Ok(())
}

/// Connects every receiver and waits until all that was acknowledged reached it.
async fn drain(field: &Field, server: &Server) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for pair in &field.pairs {
        let socket = hello(server.address, &pair.receiver.key, r#"["ack"]"#).await?;
        tasks.spawn(receive(socket, pair.book.clone()));
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && field.pairs.iter().any(|pair| lock(&pair.book).undelivered() > 0) {
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

impl Book {
    fn undelivered(&self) -> u64 {
        self.acked.values().filter(|seq| !self.delivered.contains(seq)).count() as u64
    }
}
