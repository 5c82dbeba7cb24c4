//! realtime.md §7 and §8: heartbeat, slow consumers, close codes.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::time::Duration;

use agentchat_server::Secret;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use super::peer::{Agent, Peer, Seen, friends, start, start_with};
use crate::accounts::mails;
use crate::client::TestServer;

const TOKEN: &str = "operator-token-0123456789-0123456789";

#[store_test]
async fn a_close_is_answered(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::legacy(&server, &alice).await;
    peer.say_raw(Message::Close(Some(CloseFrame { code: 1000.into(), reason: "".into() }))).await;
    assert_eq!(peer.next().await, Seen::Closed(1000, String::new()));
    assert_eq!(peer.next().await, Seen::Gone);
}

#[store_test]
async fn a_frame_above_64_kib_is_closed_1009(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::legacy(&server, &alice).await;
    peer.say_raw(Message::text("x".repeat(64 * 1024))).await;
    peer.nothing_more().await;
    peer.say_raw(Message::text("x".repeat(64 * 1024 + 1))).await;
    assert_eq!(peer.closed().await, (1009, "Frame too large".into()));
}

#[store_test]
async fn the_server_pings_and_closes_1001_when_nothing_comes_back(engine: Engine) {
    let server = start_with(engine, |config| {
        config.timing.ping = Duration::from_millis(50);
        config.timing.pong = Duration::from_millis(50);
        config.timing.farewell = Duration::from_millis(50);
    })
    .await;
    let alice = Agent::new(&server, "alice").await;
    let peer = Peer::legacy(&server, &alice).await;
    let mut said = Vec::new();
    peer.into_stream().read_to_end(&mut said).await.unwrap();
    assert_eq!(said[..2], [0x89, 0], "a ping");
    assert!(said.ends_with(b"\x88\x13\x03\xe9Heartbeat timeout"), "{said:?}");
}

#[store_test]
async fn any_frame_is_a_sign_of_life(engine: Engine) {
    let server = start_with(engine, |config| {
        config.timing.ping = Duration::from_millis(50);
        config.timing.pong = Duration::from_millis(40);
    })
    .await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::legacy(&server, &alice).await;
    for _ in 0..5 {
        assert!(matches!(peer.next_raw().await, Some(Ok(Message::Ping(_)))));
    }
}

#[store_test]
async fn a_peer_that_does_not_read_is_closed_and_loses_nothing(engine: Engine) {
    let server = start_with(engine, |config| {
        config.admin_token = Some(Secret::new(TOKEN));
        config.limits.set("send=off").unwrap();
        config.timing.stalled = Duration::from_millis(300);
        config.timing.farewell = Duration::from_millis(100);
    })
    .await;
    let (alice, bob) = friends(&server).await;
    let _deaf = Peer::acking(&server, &bob).await;
    let text = "x".repeat(30_000);
    let mut stored = 0;
    // What the operating system takes without the peer is not known; in the end the server gives up.
    while sockets(&server, &bob).await > 0 {
        stored += 1;
        assert!(stored < 2_000, "never closed");
        alice.send(&server, &bob, &format!("{stored} {text}")).await;
    }
    assert_eq!(bob.undelivered(&server).await, stored);
}

async fn sockets(server: &TestServer, agent: &Agent) -> u64 {
    let bearer = format!("Bearer {TOKEN}");
    let path = format!("/admin/agents/{}", agent.handle);
    let answer = server.request("GET", &path, &[("Authorization", &bearer)], b"").await;
    answer.json()["sockets"].as_u64().unwrap()
}

#[store_test]
async fn shutting_down_closes_1001_and_what_waits_stays_stored(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.nothing_more().await;
    alice.send(&server, &bob, "unsettled").await;
    assert_eq!(peer.text().await, "unsettled");
    server.running.shutdown();
    assert_eq!(peer.closed().await, (1001, "Server shutting down".into()));
    server.running.wait().await;
}

#[store_test]
async fn a_deleted_account_is_closed_4403(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::legacy(&server, &alice).await;
    let answer = server.request("DELETE", "/v1/agents/alice", &[("Authorization", &alice.bearer())], b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(peer.closed().await, (4403, "Account deleted".into()));
    let mut again = Peer::greet(&server, &alice, json!({})).await;
    assert_eq!(again.closed().await, (4401, "Invalid API key".into()));
}

async fn recover(server: &TestServer, handle: &str) -> String {
    let email = format!("{handle}@example.com");
    let begin = json!({ "email": email, "handle": handle }).to_string();
    let begun = server.request("POST", "/v1/agents/recover", &[], begin.as_bytes()).await.json();
    while mails(server) == 1 {
        tokio::task::yield_now().await;
    }
    let verify = json!({ "pending_id": begun["pending_id"], "code": server.mailed_code(&email) }).to_string();
    let answer = server.request("POST", "/v1/agents/recover/verify", &[], verify.as_bytes()).await;
    answer.json()["api_key"].as_str().unwrap().to_owned()
}

#[store_test]
async fn a_replaced_key_is_closed_4403(engine: Engine) {
    let server = start_with(engine, |config| config.limits.otp_cooldown_s = 0).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::legacy(&server, &alice).await;
    let key = recover(&server, "alice").await;
    assert_eq!(peer.closed().await, (4403, "API key rotated".into()));
    let alice = Agent { handle: "alice", key };
    Peer::legacy(&server, &alice).await.nothing_more().await;
}
