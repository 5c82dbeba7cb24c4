//! Prometheus: one recorder a process, rendered by `/metrics`.

use std::sync::OnceLock;

use http::HeaderMap;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds in seconds of every `…_seconds` histogram.
const SECONDS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Clients that are counted by name; everybody else is `other`.
const CLIENTS: &[&str] = &["python_sdk", "typescript_sdk", "rust_sdk", "hermes", "cli", "mcp"];

const COUNTERS: &[(&str, &str)] = &[
    ("agentchat_http_requests_total", "Answered requests by route, method and status."),
    ("agentchat_client_requests_total", "Requests by the client they name."),
    ("agentchat_rate_limit_hits_total", "Refusals by policy."),
    ("agentchat_messages_sent_total", "Answered sends: stored (ok) or answered again (replay)."),
    ("agentchat_messages_send_rejected_total", "Refused sends by error code."),
    ("agentchat_ws_closes_total", "Closed sockets by close code."),
    ("agentchat_drain_frames_total", "Frames written from the store."),
    ("agentchat_reoffers_total", "Deliveries written again because nobody acked them."),
    ("agentchat_retention_messages_total", "Messages that were emptied because of their age."),
    ("agentchat_retention_attachments_total", "Attachments that went with them."),
    ("agentchat_store_commits_total", "Commits of the store since the start."),
    ("agentchat_resync_reads_total", "Looks into the shared store for what the bus lost, a batch of agents each."),
    ("agentchat_resync_sockets_behind_total", "Sockets that learned from such a look what nobody had told them."),
    ("agentchat_bus_published_total", "Payloads handed to the bus for other nodes."),
    ("agentchat_bus_dropped_total", "Payloads for other nodes that could not be handed to the bus."),
    ("agentchat_bus_received_total", "Payloads of other nodes."),
    ("agentchat_bus_missed_total", "Payloads of other nodes that came faster than they were taken."),
];

const GAUGES: &[(&str, &str)] = &[
    ("agentchat_ws_connections", "Open sockets."),
    ("agentchat_undelivered_envelopes", "Messages that wait for their recipient."),
    ("agentchat_search_waiting", "Messages that wait to be taken into the index of words."),
    ("agentchat_store_queue_depth", "Operations that wait for the writer."),
    ("agentchat_store_log_bytes", "Bytes in the write-ahead log."),
    ("agentchat_bus_up", "Whether other nodes hear this one: 1 or 0."),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    ("agentchat_http_request_seconds", "From a request's head to its answer."),
    ("agentchat_send_commit_seconds", "From a send's operation to its durable answer."),
    ("agentchat_delivery_latency_seconds", "From a message's commit to its frame on a socket."),
];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// The process's metrics. Servers of one process share them.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Makes this process record metrics, once.
    pub(crate) fn install() -> Self {
        Self(RECORDER.get_or_init(record).clone())
    }

    /// Text format 0.0.4.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Moves recorded samples into their buckets; without it histograms would keep every sample.
    pub(crate) fn tidy(&self) {
        self.0.run_upkeep();
    }
}

fn record() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let recorder = match builder.set_buckets_for_metric(seconds, SECONDS) {
        Ok(builder) => builder.build_recorder(),
        // Only an empty list of bounds is refused.
        Err(_) => PrometheusBuilder::new().build_recorder(),
    };
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is installed; /metrics stays empty");
    }
    describe();
    handle
}

fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(*name, *help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(*name, *help);
    }
    for (name, help) in HISTOGRAMS {
        describe_histogram!(*name, *help);
    }
}

/// Counts the client a request names, if it names one.
pub(super) fn count_client(headers: &HeaderMap) {
    let Some(name) = headers.get("x-agentchat-client") else { return };
    let known = CLIENTS.iter().find(|known| known.as_bytes() == name.as_bytes());
    counter!("agentchat_client_requests_total", "client" => *known.unwrap_or(&"other")).increment(1);
}
