//! The figures of a run.

use std::fmt;

use serde::Serialize;

use super::ledger::Faults;
use super::{Driver, Transport};

/// What a run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// How the senders sent.
    pub transport: Transport,
    /// What drove the load.
    pub driver: Driver,
    /// Senders, each with one send outstanding.
    pub senders: usize,
    /// Receivers, each on one acknowledging socket.
    pub receivers: usize,
    /// Bytes of a message's text.
    pub text_bytes: usize,
    /// Threads of the generator.
    pub threads: usize,
    /// Length of the window in seconds.
    pub seconds: f64,
    /// Sends answered with success within the window.
    pub acked: u64,
    /// The same per second.
    pub acked_per_second: f64,
    /// Sends of the whole run, warm-up included.
    pub sent: u64,
    /// Sends answered with an error.
    pub refused: u64,
    /// Send to answer.
    pub answer_us: Latency,
    /// Send to delivery at the receiver.
    pub delivery_us: Latency,
    /// Server's CPU time a message, in microseconds, all nodes together; none when its process is not known.
    pub server_cpu_us: Option<f64>,
    /// The same of PostgreSQL with all its processes; none without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres_cpu_us: Option<f64>,
    /// The same of NATS; none without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_cpu_us: Option<f64>,
    /// Generator's CPU time a message, in microseconds.
    pub generator_cpu_us: f64,
    /// Server's resident memory at the end of the window, in KiB, all nodes together.
    pub server_rss_kib: Option<u64>,
    /// Lost, duplicated, reordered.
    #[serde(flatten)]
    pub faults: Faults,
    /// Deliveries that were still unsettled at the end.
    pub unsettled: u64,
    /// Acked sends in each quarter of a second of the window.
    pub series: Vec<u32>,
}

impl Outcome {
    /// Whether nothing was lost, duplicated, reordered, refused or left unsettled.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.faults == Faults::default() && self.refused == 0 && self.unsettled == 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Faults { lost, duplicated, reordered } = self.faults;
        write!(
            out,
            "{:?} {} → {}: {:.0} acked/s, delivery p50 {} p99 {} p999 {} µs, server {:.0} µs/message, \
             lost/duplicated/reordered {lost}/{duplicated}/{reordered}, refused {}, unsettled {}",
            self.transport,
            self.senders,
            self.receivers,
            self.acked_per_second,
            self.delivery_us.p50,
            self.delivery_us.p99,
            self.delivery_us.p999,
            self.server_cpu_us.unwrap_or(f64::NAN),
            self.refused,
            self.unsettled,
        )
    }
}

/// Exact percentiles of all samples, in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latency {
    /// Half of the samples are at most this.
    pub p50: u32,
    /// 90 of 100.
    pub p90: u32,
    /// 99 of 100.
    pub p99: u32,
    /// 999 of 1,000.
    pub p999: u32,
    /// The largest.
    pub max: u32,
    /// The curve for a plot: share of the samples, value.
    #[serde(skip)]
    pub curve: Vec<(f64, u32)>,
}

impl Latency {
    /// Sorts `samples` and reads the percentiles off.
    #[must_use]
    pub fn of(mut samples: Vec<u32>) -> Self {
        samples.sort_unstable();
        let at = |share: f64| percentile(&samples, share);
        let curve = (0..=300).map(|step| 1.0 - 10f64.powf(-f64::from(step) / 100.0));
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
            curve: curve.map(|share| (share, at(share))).collect(),
        }
    }
}

/// The smallest sample that at least `share` of them do not exceed (nearest rank); 0 without any.
fn percentile(sorted: &[u32], share: f64) -> u32 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latency = Latency::of((1..=1000).rev().collect());
        assert_eq!((latency.p50, latency.p99, latency.p999, latency.max), (500, 990, 999, 1000));
        assert_eq!(Latency::of(vec![]).p99, 0);
        assert_eq!(Latency::of(vec![7]).p50, 7);
    }
}
