//! Policies as callers meet them: the 429, its wait, and the headers before it.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::client::TestServer;

#[store_test]
async fn an_agent_over_its_policy_is_told_which_and_for_how_long(engine: Engine) {
    let server = TestServer::on_with(engine, |config| config.limits.set("api=2/3600").unwrap()).await;
    let key = server.register("alice").await;
    let authorization = format!("Bearer {key}");
    let headers = [("Authorization", authorization.as_str())];
    let call = || server.request("GET", "/v1/agents/me", &headers, b"");

    let first = call().await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.header("ratelimit-policy"), Some(r#""api";q=2;w=3600"#));
    assert_eq!(first.header("ratelimit"), Some(r#""api";r=1;t=1800"#));
    assert_eq!(call().await.header("ratelimit"), Some(r#""api";r=0;t=3600"#));

    let refused = call().await;
    assert_eq!((refused.status, refused.error_code().as_str()), (429, "RATE_LIMITED"));
    let details = &refused.json()["details"];
    assert_eq!(details["reason"], "api");
    assert_eq!(details["limit"], 2);
    assert_eq!(details["window_s"], 3600);
    let wait = details["retry_after_ms"].as_u64().unwrap();
    assert!((1_790_000..=1_800_000).contains(&wait), "{wait}");
    assert_eq!(refused.header("retry-after"), Some(wait.div_ceil(1000).to_string().as_str()));
    assert_eq!(refused.header("ratelimit"), Some(r#""api";r=0;t=3600"#));
}

#[store_test]
async fn sending_counts_for_its_own_policy_and_gives_back_what_came_to_nothing(engine: Engine) {
    let server = TestServer::on_with(engine, |config| config.limits.set("send=3/3600").unwrap()).await;
    let (alice, _bob) = (server.register("alice").await, server.register("bob").await);
    let authorization = format!("Bearer {alice}");
    let send = |to: &str| {
        let body = json!({ "to": to, "client_msg_id": format!("to-{to}"), "content": { "text": "hello" } }).to_string();
        let (server, authorization) = (&server, &authorization);
        async move { server.request("POST", "/v1/messages", &[("Authorization", authorization)], body.as_bytes()).await }
    };
    assert_eq!(send("nobody-here").await.header("ratelimit"), Some(r#""send";r=3;t=0"#));
    let stored = send("bob").await;
    assert_eq!((stored.status, stored.header("ratelimit")), (201, Some(r#""send";r=2;t=1200, "loop";r=600;t=0"#)));
    let replayed = send("bob").await;
    assert_eq!((replayed.status, replayed.header("ratelimit")), (200, Some(r#""send";r=2;t=1200"#)));
}

#[store_test]
async fn an_address_behind_a_proxy_has_its_own_bucket(engine: Engine) {
    let server = TestServer::on_with(engine, |config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.limits.set("profile_read=1/3600").unwrap();
    })
    .await;
    let read =
        async |address: &str| server.request("GET", "/v1/agents/nobody", &[("X-Forwarded-For", address)], b"").await;
    assert_eq!(read("198.51.100.1").await.error_code(), "AGENT_NOT_FOUND");
    assert_eq!(read("198.51.100.1").await.error_code(), "RATE_LIMITED");
    assert_eq!(read("198.51.100.2").await.error_code(), "AGENT_NOT_FOUND");
}

#[store_test]
async fn a_loopback_peer_without_proxies_is_exempt_from_ip_policies(engine: Engine) {
    let server = TestServer::on_with(engine, |config| config.limits.set("profile_read=1/3600").unwrap()).await;
    for _ in 0..3 {
        assert_eq!(server.get("/v1/agents/nobody").await.error_code(), "AGENT_NOT_FOUND");
    }
}

#[store_test]
async fn a_request_that_one_policy_refuses_consumes_nothing_of_the_others(engine: Engine) {
    let server = TestServer::on_with(engine, |config| {
        config.limits.set("api=5/3600").unwrap();
        config.limits.set("mute_write=1/3600").unwrap();
    })
    .await;
    let (alice, _bob) = (server.register("alice").await, server.register("bob").await);
    let authorization = format!("Bearer {alice}");
    let mute = async || {
        let body = json!({ "target_kind": "agent", "target_handle": "bob" }).to_string();
        server.request("POST", "/v1/mutes", &[("Authorization", &authorization)], body.as_bytes()).await
    };
    let first = mute().await;
    assert_eq!((first.status, first.header("ratelimit")), (201, Some(r#""api";r=4;t=720, "mute_write";r=0;t=3600"#)));
    for _ in 0..3 {
        let refused = mute().await;
        assert_eq!((refused.status, refused.json()["details"]["reason"].as_str()), (429, Some("mute_write")));
        let left: Vec<_> = refused.header("ratelimit").unwrap().split(", ").collect();
        assert!(left.contains(&r#""api";r=4;t=720"#), "{left:?}");
    }
}
