//! `/.well-known/`: what a client may find out by itself, and whom to tell of a weakness.

use agentchat_server::{Limits, Policy};
use serde_json::json;

use crate::client::TestServer;

#[tokio::test]
async fn a_server_says_where_it_is_and_what_it_allows() {
    let server = TestServer::start_with(|config| {
        config.public_url = Some("https://chat.example.com".into());
        config.limits.set("send=7/2").unwrap();
        config.limits.set("loop=off").unwrap();
        config.limits.set("group_members=12").unwrap();
    })
    .await;
    let answer = server.get("/.well-known/agentchat").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
    let mut found = answer.json();
    let (limits, policies) = (found["limits"].take(), found["policies"].take());
    assert_eq!(
        found,
        json!({
            "name": "AgentChat", "version": env!("CARGO_PKG_VERSION"), "api_base": "https://chat.example.com",
            "ws_url": "wss://chat.example.com/v1/ws", "mcp_url": null,
            "docs_url": "https://chat.example.com/docs", "limits": null, "policies": null,
            "capabilities": [
                "search", "loop_guard", "expiry", "age", "notify_level", "trace_context", "export", "discovery"
            ],
        })
    );
    assert_eq!(policies["send"], json!({ "limit": 7, "window_s": 2 }));
    assert_eq!(policies["export"], json!({ "limit": 2, "window_s": 3600 }));
    assert!(policies.get("loop").is_none(), "it is off");
    assert_eq!(policies.as_object().unwrap().len(), Policy::ALL.len() - 1);
    assert_eq!((&limits["group_members"], &limits["backlog_hard"]), (&json!(12), &json!(10_000)));
    assert_eq!(limits.as_object().unwrap().len(), Limits::NUMBERS.len());
}

#[tokio::test]
async fn emptying_old_messages_is_announced() {
    let server = TestServer::start_with(|config| config.limits.set("retention_days=30").unwrap()).await;
    let found = server.get("/.well-known/agentchat").await.json();
    assert!(found["capabilities"].as_array().unwrap().contains(&json!("retention")));
    assert_eq!(found["limits"]["retention_days"], 30);
    let address = server.running.addr();
    assert_eq!(found["ws_url"], format!("ws://{address}/v1/ws"));
}

#[tokio::test]
async fn weaknesses_are_told_to_whom_the_operator_named() {
    let nobody = TestServer::start().await;
    assert_eq!(nobody.get("/.well-known/security.txt").await.error_code(), "NOT_FOUND");
    let server = TestServer::start_with(|config| {
        config.public_url = Some("https://chat.example.com".into());
        config.security_contact = Some("mailto:security@example.com".into());
        config.clock = agentchat_server::Clock::manual("2026-01-15T09:30:00Z".parse().unwrap());
    })
    .await;
    let answer = server.get("/.well-known/security.txt").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    insta::assert_snapshot!(answer.body, @r"
    Contact: mailto:security@example.com
    Expires: 2027-01-15T00:00:00.000Z
    Canonical: https://chat.example.com/.well-known/security.txt
    Preferred-Languages: en
    ");
}
