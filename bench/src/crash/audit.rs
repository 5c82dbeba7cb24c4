//! After the restart: is everything there that was acknowledged, and nothing that was refused?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::load::{Book, Field, Pair, Stranger, lock, page, receive};
use crate::direct::sender::hello;
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
    let rows = history_after(caller, pair).await?;
    let mut book = lock(&pair.book);
    let (unanswered, kept) = std::mem::take(&mut book.unanswered_and_kept);
    findings.unanswered += unanswered;
    findings.unanswered_kept += kept;
    let rows: Vec<(u64, Option<u64>)> =
        rows.iter().map(|row| (row["seq"].as_u64().unwrap_or(0), counter(row))).collect();
    pair.audited = compare(&book.acked, pair.audited, &rows, findings);
    Ok(())
}

/// Holds the rows above `audited` (`seq` and counter of each) against what was acknowledged
/// (counter → `seq`); the last `seq` that is there.
fn compare(acked: &BTreeMap<u64, u64>, audited: u64, rows: &[(u64, Option<u64>)], findings: &mut Findings) -> u64 {
    let (mut found, mut last) = (BTreeSet::new(), audited);
    for &(seq, counter) in rows {
        findings.holes += u64::from(seq != last + 1);
        last = seq;
        match counter.filter(|counter| acked.get(counter) == Some(&seq)) {
            Some(counter) => drop(found.insert(counter)),
            None => findings.refused_but_kept += 1,
        }
    }
    let expected = acked.iter().filter(|(_, seq)| **seq > audited);
    findings.missing += expected.filter(|(counter, _)| !found.contains(counter)).count() as u64;
    last
}

async fn history_after(caller: &mut Caller, pair: &Pair) -> anyhow::Result<Vec<Value>> {
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let after = rows.last().and_then(|row| row["seq"].as_u64()).unwrap_or(pair.audited);
        let page = page(caller, &pair.receiver, &pair.conversation.id, after).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

fn counter(row: &Value) -> Option<u64> {
    row["client_msg_id"].as_str()?.rsplit('-').next()?.parse().ok()
}

async fn audit_stranger(caller: &mut Caller, stranger: &Stranger, findings: &mut Findings) -> anyhow::Result<()> {
    let rows = page(caller, &stranger.agent, &stranger.conversation, 0).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(acked: &[(u64, u64)], rows: &[(u64, Option<u64>)]) -> (u64, u64, u64) {
        let mut findings = Findings::default();
        compare(&acked.iter().copied().collect(), 2, rows, &mut findings);
        (findings.missing, findings.holes, findings.refused_but_kept)
    }

    #[test]
    fn what_was_acknowledged_and_is_there_balances() {
        assert_eq!(found(&[(0, 3), (1, 4)], &[(3, Some(0)), (4, Some(1))]), (0, 0, 0));
    }

    #[test]
    fn a_lost_send_is_missing() {
        assert_eq!(found(&[(0, 3), (1, 4)], &[(3, Some(0))]), (1, 0, 0));
    }

    #[test]
    fn a_jump_of_seq_is_a_hole() {
        assert_eq!(found(&[(0, 4)], &[(4, Some(0))]), (0, 1, 0));
    }

    #[test]
    fn a_row_that_nobody_was_told_of_is_found() {
        assert_eq!(found(&[(0, 3)], &[(3, Some(0)), (4, Some(9))]), (0, 0, 1));
        assert_eq!(found(&[(0, 3)], &[(3, Some(0)), (4, None)]), (0, 0, 1));
    }

    #[test]
    fn another_place_than_acknowledged_is_wrong_twice() {
        assert_eq!(found(&[(0, 4), (1, 3)], &[(3, Some(0)), (4, Some(1))]), (2, 0, 2));
    }
}
