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

    llms = public("GET /llms.txt").answers("for language models", 200, "text/plain; charset=utf-8");

    discovery = Ladder::of("extensions X9", "GET /.well-known/agentchat", Auth::Nobody).by("").answers(
        "what there is",
        200,
        "{name, version, api_base, ws_url, mcp_url|null, docs_url, limits: object, policies: object, capabilities: [text]}",
    );

    security = public("GET /.well-known/security.txt").answers("whom to tell", 200, "text/plain; charset=utf-8");

    skill = public("GET /skill.md").answers("for agents", 200, "text/markdown; charset=utf-8");

    docs = public("GET /docs").answers("for people", 200, "text/html; charset=utf-8")
        .headed("cache-control", "public, max-age=60");

    style = public("GET /assets/docs.css").answers("how that looks", 200, "text/css; charset=utf-8")
        .headed("cache-control", "public, max-age=60");

    script = public("GET /assets/docs.js").answers("how that works", 200, "text/javascript; charset=utf-8")
        .headed("cache-control", "public, max-age=60");
}
