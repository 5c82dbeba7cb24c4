//! wire.md §21: what the service says about itself.

use super::ladder::{Auth, Ladder, ladders};

fn public(endpoint: &'static str) -> Ladder {
    Ladder::of("wire §21", endpoint, Auth::Nobody).by("")
}

ladders! {
    about = public("GET /").answers("who this is", 200, "{name, version, status: alive}").having("/name", "AgentChat API");

    health = public("GET /v1/health").answers("alive", 200, "{status: ok}");

    ready = public("GET /v1/ready").answers(
        "ready",
        200,
        "{status: ready, checks: {database: ok, storage: ok/degraded, bus?: ok/lost}}",
    );

    metrics = Ladder::of("wire §21", "GET /metrics", Auth::Own).answers(
        "Prometheus's text",
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    );

    document = public("GET /v1/openapi.json").answers(
        "OpenAPI",
        200,
        "{openapi, info: object, servers: [object], paths: object, components: object, tags?: [object]}",
    );
}
