//! The numbers the sockets report.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::hub::Kind;

/// Handles of the metrics on the hot path, made with the first socket, when the recorder is installed.
#[derive(Default)]
pub(super) struct Meters(OnceLock<Handles>);

struct Handles {
    sockets: Gauge,
    streams: Gauge,
    latency: Histogram,
    drained: Counter,
    reoffered: Counter,
    resynced: Counter,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

impl Meters {
    fn handles(&self) -> &Handles {
        self.0.get_or_init(|| Handles {
            sockets: metrics::gauge!("agentchat_ws_connections", "kind" => "agent"),
            streams: metrics::gauge!("agentchat_ws_connections", "kind" => "stream"),
            latency: metrics::histogram!("agentchat_delivery_latency_seconds"),
            drained: metrics::counter!("agentchat_drain_frames_total"),
            reoffered: metrics::counter!("agentchat_reoffers_total"),
            resynced: metrics::counter!("agentchat_resync_sockets_behind_total"),
        })
    }

    fn connections(&self, kind: Kind) -> &Gauge {
        match kind {
            Kind::Socket => &self.handles().sockets,
            Kind::Stream => &self.handles().streams,
        }
    }

    pub(super) fn connected(&self, kind: Kind) {
        self.connections(kind).increment(1.0);
    }

    pub(super) fn disconnected(&self, kind: Kind) {
        self.connections(kind).decrement(1.0);
    }

    /// A live frame was written this long after its commit was published.
    pub(super) fn delivered(&self, after: Duration) {
        self.handles().latency.record(after);
    }

    pub(super) fn drained(&self) {
        self.handles().drained.increment(1);
    }

    pub(super) fn reoffered(&self) {
        self.handles().reoffered.increment(1);
    }

    /// A socket learned from the store what nobody had told it.
    pub(super) fn resynced(&self) {
        self.handles().resynced.increment(1);
    }

    pub(super) fn closed(code: u16) {
        metrics::counter!("agentchat_ws_closes_total", "code" => code.to_string()).increment(1);
    }
}
