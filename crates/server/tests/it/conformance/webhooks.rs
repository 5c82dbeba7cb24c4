//! wire.md §17.1: managing webhooks. What is delivered, how, and how often is proved in `webhooks`.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Ladder, agent, ladders};
use super::world::{Call, Deed, did};

/// A host that nobody is behind, by RFC 2606.
const NOWHERE: &str = "https://nobody.invalid/hook";
const CREATED: &str = "{..Webhook, secret}";

/// Alice has a webhook, bob another.
fn scene(endpoint: &'static str) -> Ladder {
    agent("wire §17.1", endpoint).given(hook("alice").keep("webhook", "/id")).given(hook("bob").keep("foreign", "/id"))
}

fn hook(by: &'static str) -> Call {
    did(by, "POST /v1/webhooks", json!({ "url": NOWHERE, "events": ["contact.blocked"] }))
}

/// Whoever asks for a webhook that is not the caller's learns nothing.
fn found(ladder: Ladder) -> Ladder {
    ladder
        .at("id", "x")
        .refused("no id", ErrorCode::NotFound)
        .at("id", "whk_00000000000000000000000000")
        .refused("no such webhook", ErrorCode::NotFound)
        .at("id", "$foreign")
        .refused("somebody else's", ErrorCode::NotFound)
        .at("id", "$webhook")
}

/// An address that no delivery may go to.
fn nowhere(url: &str) -> Value {
    json!({ "url": url, "events": ["message.new"] })
}

ladders! {
    create = agent("wire §17.1, §17.6", "POST /v1/webhooks")
        .limit("webhooks_per_agent=2")
        .given(hook("alice"))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "url": 1, "events": 2 }))
        .invalid("every field has its type", &["events", "url"])
        .body(json!({}))
        .invalid("both are required", &["events", "url"])
        .body(json!({ "url": format!("https://example.com/{}", "x".repeat(2_030)), "events": [] }))
        .invalid("an address has its length, some event there must be", &["events", "url"])
        .body(json!({ "url": "no address", "events": ["message.new", "agent.created"] }))
        .invalid("an address is one, events are known", &["events", "url"])
        .body(nowhere("http://example.com/hook"))
        .invalid("not https", &["url"])
        .body(nowhere("https://user:word@example.com/hook"))
        .invalid("no user in it", &["url"])
        .body(nowhere("https://example.com/hook#part"))
        .invalid("no fragment", &["url"])
        .body(nowhere("https://example.com:80/hook"))
        .invalid("port 443 or 1024 to 65535", &["url"])
        .body(nowhere("https://127.0.0.1/hook"))
        .invalid("a literal address that is not public", &["url"])
        .body(nowhere("https://[::ffff:10.0.0.1]/hook"))
        .invalid("in whatever form", &["url"])
        .body(nowhere("https://2130706433/hook"))
        .invalid("or as a number", &["url"])
        .body(json!({ "url": "https://example.com:8443/hook?a=b", "events": ["group.deleted", "message.new", "group.deleted"] }))
        .answers("duplicates collapse", 201, CREATED)
        .having("/url", "https://example.com:8443/hook?a=b")
        .having("/events/2", Value::Null)
        .having("/active", true)
        .having("/circuit", "closed")
        .having("/disabled_reason", Value::Null)
        .refused_with("one more than there may be", ErrorCode::LimitReached, &[("limit", json!(2))])
        .body(nowhere("https://127.0.0.1/hook"))
        .invalid("that comes before", &["url"]);

    list = scene("GET /v1/webhooks")
        .given(did("alice", "POST /v1/webhooks", json!({ "url": NOWHERE, "events": ["message.read"] })))
        .answers("oldest first, without secrets", 200, "{webhooks: [Webhook]}")
        .having("/webhooks/0/id", "$webhook")
        .having("/webhooks/0/url", NOWHERE)
        .having("/webhooks/1/events", json!(["message.read"]));

    show = found(scene("GET /v1/webhooks/{id}"))
        .answers("without its secret", 200, "Webhook")
        .having("/events", json!(["contact.blocked"]));

    delete = found(scene("DELETE /v1/webhooks/{id}")).answers("gone", 200, "{ok}").refused("once", ErrorCode::NotFound);

    rotate = found(scene("POST /v1/webhooks/{id}/rotate-secret"))
        .answers("another secret", 200, "{id: whk_, secret}")
        .having("/id", "$webhook");

    test = found(scene("POST /v1/webhooks/{id}/test").limit("webhook_test=1/60"))
        .answers("one attempt, which found nobody", 200, "{ok: bool, status_code|null: int, duration_ms: int, error|null}")
        .having("/ok", false)
        .having("/status_code", Value::Null)
        .refused_with("policy webhook_test", ErrorCode::RateLimited, &[("reason", json!("webhook_test"))])
        .at("id", "$foreign")
        .refused("that is not looked at for what is not the caller's", ErrorCode::NotFound)
        .at("id", "$webhook")
        .given(Deed::Wait(60_000))
        .answers("a minute later", 200, "{ok: bool, status_code|null: int, duration_ms: int, error|null}");

    deliveries = found(
        scene("GET /v1/webhooks/{id}/deliveries")
            .given(did("bob", "POST /v1/contacts/alice/block", Value::Null))
            .at("id", "$foreign")
            .query("status=lost&limit=0&before=yesterday")
            .invalid("words, numbers and ids are what they are", &["before", "limit", "status"])
            .query("limit=x")
            .invalid("numbers are numbers", &["limit"])
            .query("limit=1000&status="),
    )
    .answers("newest first", 200, "{deliveries: [Delivery], next_before|null: whd_}")
    .having("/deliveries/0/event", "contact.blocked")
    .having("/deliveries/0/webhook_id", "$webhook")
    .having("/deliveries/1", Value::Null)
    .having("/next_before", Value::Null)
    .query("status=delivered")
    .answers("of one status", 200, "{deliveries: [Delivery], next_before|null: whd_}")
    .having("/deliveries", json!([]));

    replay = found(
        scene("POST /v1/webhooks/{id}/deliveries/{delivery_id}/replay")
            .given(did("bob", "POST /v1/contacts/alice/block", Value::Null))
            .given(did("alice", "GET /v1/webhooks/$webhook/deliveries", Value::Null).keep("owed", "/deliveries/0/id"))
            .at("delivery_id", "$owed"),
    )
    .at("delivery_id", "x")
    .refused("no id of a delivery", ErrorCode::NotFound)
    .at("delivery_id", "whd_00000000000000000000000000")
    .refused("no such delivery", ErrorCode::NotFound)
    .at("delivery_id", "$owed")
    .refused("it is not dead", ErrorCode::ValidationError)
    .given(Deed::Buried("alice"))
    .answers("once more, under another id", 201, "Delivery")
    .having("/webhook_id", "$webhook")
    .having("/event", "contact.blocked")
    .having("/attempts", 0)
    .refused("once", ErrorCode::AlreadyReplayed)
    .given(Deed::Retired("alice"))
    .refused("the webhook is not active any more", ErrorCode::ValidationError);
}
