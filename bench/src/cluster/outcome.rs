//! What came of a run with faults.

use anyhow::bail;
use serde::Serialize;

use super::Arguments;
use super::book::Books;
use super::cast::Cast;
use super::handlers::Handled;
use super::outage::Outage;
use super::traffic::{Pace, Tally};
use crate::direct::ledger::Faults;
use crate::direct::outcome::Latency;
use crate::history::Discrepancies;
use crate::report::table;

/// The figures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// Nodes.
    pub nodes: usize,
    /// Agents.
    pub agents: usize,
    /// Directions in which something is sent.
    pub flows: usize,
    /// Sends a second that were intended.
    pub rate: f64,
    /// Seconds of traffic.
    pub seconds: f64,
    /// Sends that were intended.
    pub intended: u64,
    /// Sends that were acknowledged in the end.
    pub acked: u64,
    /// Messages that were handed to a handler, each counted once.
    pub handed: u64,
    /// Sends that took more than one attempt.
    pub retried: u64,
    /// Attempts that were not answered with success.
    pub failed_attempts: u64,
    /// Sends that an earlier attempt had stored although its answer never came.
    pub replayed: u64,
    /// Sends that were refused for good, or given up a minute after the end.
    pub refused: Vec<String>,
    /// Lost on the way, handed twice, or handed after a later one.
    #[serde(flatten)]
    pub faults: Faults,
    /// History against what the senders were told.
    #[serde(flatten)]
    pub discrepancies: Discrepancies,
    /// Handed with another `seq` than the sender was told.
    pub misplaced: u64,
    /// Messages that no sender sent.
    pub strange: u64,
    /// Deliveries that were still unsettled at the end.
    pub unsettled: u64,
    /// Sockets that were opened anew, all clients together.
    pub reconnects: u64,
    /// Holes that a client passed over.
    pub gaps: u64,
    /// Clients that stopped for good, and why.
    pub stopped: Vec<String>,
    /// Send to acknowledgement, retries included.
    pub answer_us: Latency,
    /// Send to handler.
    pub delivery_us: Latency,
    /// What was killed.
    pub outages: Vec<Outage>,
}

impl Outcome {
    #[expect(clippy::too_many_arguments, reason = "everything there is")]
    pub(super) fn new(
        arguments: &Arguments,
        cast: &Cast,
        books: &Books,
        tallies: &[Tally],
        handled: &Handled,
        outages: Vec<Outage>,
        discrepancies: Discrepancies,
        unsettled: u64,
    ) -> Self {
        let mut faults = Faults::default();
        books.all().for_each(|book| faults += book.faults());
        let sum = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum();
        let seconds = arguments.seconds();
        Self {
            nodes: arguments.shape.nodes,
            agents: cast.agents.len(),
            flows: cast.flows.len(),
            rate: arguments.rate,
            seconds,
            intended: Pace::new(0, arguments.rate, seconds, cast.flows.len()).intended(),
            acked: books.all().map(|book| book.acked.len() as u64).sum(),
            handed: books.all().map(|book| book.handed()).sum(),
            retried: sum(|tally| tally.retried),
            failed_attempts: sum(|tally| tally.failed_attempts),
            replayed: sum(|tally| tally.replayed),
            refused: tallies.iter().filter_map(|tally| tally.refusal.clone()).collect(),
            faults,
            discrepancies,
            misplaced: books.all().map(|book| book.misplaced()).sum(),
            strange: handled.strange,
            unsettled,
            reconnects: handled.reconnects,
            gaps: handled.gaps,
            stopped: handled.stopped.clone(),
            answer_us: Latency::of(tallies.iter().flat_map(|tally| tally.answers_us.clone()).collect()),
            delivery_us: Latency::of(handled.deliveries_us.clone()),
            outages,
        }
    }

    /// Outages, books, latencies.
    pub(crate) fn tables(&self) -> String {
        [self.outage_table(), self.book_table(), self.latency_table()].join("\n")
    }

    fn outage_table(&self) -> String {
        let row = |outage: &Outage| {
            vec![
                outage.part.clone(),
                format!("{:.1}", outage.at),
                format!("{:.0}", outage.away_ms),
                format!("{:.0}", outage.back_ms),
            ]
        };
        let rows: Vec<Vec<String>> = self.outages.iter().map(row).collect();
        table::markdown(&["killed", "at s", "away ms", "all ready after ms"], &rows)
    }

    fn book_table(&self) -> String {
        let Faults { lost, duplicated, reordered } = self.faults;
        let Discrepancies { missing, holes, unexpected } = self.discrepancies;
        let rows = [
            ("sends intended", self.intended),
            ("acknowledged", self.acked),
            ("handed to a handler", self.handed),
            ("**lost**", lost),
            ("**duplicated**", duplicated),
            ("**reordered**", reordered),
            ("missing in history", missing),
            ("holes in history", holes),
            ("in history, never acknowledged", unexpected),
            ("handed with another seq", self.misplaced),
            ("of no sender", self.strange),
            ("unsettled", self.unsettled),
            ("sends retried", self.retried),
            ("failed attempts", self.failed_attempts),
            ("stored by an attempt that was not answered", self.replayed),
            ("sends refused or given up", self.refused.len() as u64),
            ("reconnects", self.reconnects),
            ("holes passed over by a client", self.gaps),
            ("clients that stopped", self.stopped.len() as u64),
        ];
        let rows: Vec<Vec<String>> = rows.iter().map(|(name, count)| vec![(*name).into(), count.to_string()]).collect();
        let title = format!("{} nodes, {:.0} sends/s, {:.0} s", self.nodes, self.rate, self.seconds);
        table::markdown(&[&title, "count"], &rows)
    }

    fn latency_table(&self) -> String {
        let row = |name: &str, latency: &Latency| {
            let values = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
            let cells = values.iter().map(|us| format!("{:.1}", f64::from(*us) / 1e3));
            [name.to_owned()].into_iter().chain(cells).collect()
        };
        let rows = [row("send to answer", &self.answer_us), row("send to handler", &self.delivery_us)];
        table::markdown(&["ms", "p50", "p90", "p99", "p999", "longest"], &rows)
    }

    /// Whether all promises were kept; why not.
    pub(crate) fn judge(&self) -> anyhow::Result<()> {
        if self.faults != Faults::default() {
            bail!("the books do not balance: {:?}", self.faults);
        }
        if self.discrepancies != Discrepancies::default() || self.misplaced + self.strange > 0 {
            bail!(
                "history differs from what was acknowledged: {:?}, {} misplaced, {} strange",
                self.discrepancies,
                self.misplaced,
                self.strange
            );
        }
        if let Some(refusal) = self.refused.iter().chain(&self.stopped).next() {
            bail!("a client gave up: {refusal}");
        }
        if self.acked != self.intended || self.unsettled > 0 {
            bail!(
                "{} of {} sends were acknowledged, {} deliveries stay unsettled",
                self.acked,
                self.intended,
                self.unsettled
            );
        }
        Ok(())
    }
}
