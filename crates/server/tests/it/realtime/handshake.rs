//! realtime.md §1 and §2: both ways of authenticating.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::peer::{Agent, Peer, Seen, start, start_with};
use crate::client::TestServer;

#[store_test]
async fn a_plain_get_is_not_found(engine: Engine) {
    let server = start(engine).await;
    let answer = server.get("/v1/ws").await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("NOT_FOUND")));
    let post = server.request("POST", "/v1/ws", &[], b"").await;
    assert_eq!(post.status, 405);
}

#[store_test]
async fn hello_is_answered_first_with_the_accepted_capabilities(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let members = json!({ "capabilities": ["ack", "telepathy"], "client": "tests", "unknown": [1] });
    let mut peer = Peer::greet(&server, &alice, members).await;
    let hello_ok = peer.frame().await;
    assert_eq!(hello_ok["type"], "hello.ok");
    assert_eq!(hello_ok["handle"], "alice");
    assert_eq!(hello_ok["capabilities"], json!(["ack"]));
    assert_eq!(hello_ok["heartbeat_interval_ms"], 30_000);
    assert!(hello_ok["server_time"].as_str().unwrap().ends_with('Z'));
    assert!(hello_ok.get("payload").is_none());
    peer.nothing_more().await;
}

#[store_test]
async fn hello_may_be_binary_and_under_payload(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::connect(&server).await;
    let hello = json!({ "type": "hello", "payload": { "api_key": alice.key } });
    peer.say_raw(Message::binary(hello.to_string())).await;
    let hello_ok = peer.frame().await;
    assert_eq!((hello_ok["type"].as_str(), &hello_ok["capabilities"]), (Some("hello.ok"), &json!([])));
    peer.nothing_more().await;
}

#[store_test]
async fn frames_behind_the_hello_wait_for_it_and_a_second_hello_is_ignored(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::greet(&server, &alice, json!({})).await;
    peer.say(json!({ "type": "hello", "api_key": "other" })).await;
    peer.say(json!({ "type": "ping" })).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    assert_eq!(peer.frame().await["type"], "pong");
}

#[store_test]
async fn what_is_no_hello_is_closed_4408(engine: Engine) {
    let server = start(engine).await;
    let long = format!(r#"{{"type":"hello","api_key":"{}"}}"#, "x".repeat(5_000));
    let frames =
        ["nonsense", "[]", r#"{"type":"ping"}"#, r#"{"type":"hello"}"#, r#"{"type":"hello","api_key":7}"#, &long];
    for frame in frames {
        let mut peer = Peer::connect(&server).await;
        peer.say_raw(Message::text(frame)).await;
        assert_eq!(peer.closed().await, (4408, "HELLO required".into()), "{frame}");
    }
}

#[store_test]
async fn silence_is_closed_4408_after_the_time_for_a_hello(engine: Engine) {
    let server = start_with(engine, |config| config.timing.hello = Duration::from_millis(50)).await;
    let mut peer = Peer::connect(&server).await;
    // A ping is no frame that could be a HELLO.
    peer.say_raw(Message::Ping("x".into())).await;
    assert_eq!(peer.closed().await, (4408, "HELLO required".into()));
}

#[store_test]
async fn an_unknown_key_is_closed_4401_in_hello_and_is_401_in_the_header(engine: Engine) {
    let server = start(engine).await;
    let nobody = Agent { handle: "nobody", key: "ac_live_unknown".into() };
    let mut peer = Peer::greet(&server, &nobody, json!({})).await;
    assert_eq!(peer.closed().await, (4401, "Invalid API key".into()));
    for header in [nobody.bearer(), "Basic x".into(), "Bearer".into()] {
        assert_eq!(refusal(&server, &header).await, (401, "UNAUTHORIZED".into()), "{header}");
    }
}

async fn refusal(server: &TestServer, authorization: &str) -> (u16, String) {
    let Err(error) = Peer::upgrade(server, &[("Authorization", authorization)]).await else { panic!("101") };
    let Error::Http(response) = *error else { panic!("{error:?}") };
    let body: serde_json::Value = serde_json::from_slice(response.body().as_deref().unwrap()).unwrap();
    (response.status().as_u16(), body["code"].as_str().unwrap().to_owned())
}

#[store_test]
async fn a_header_is_answered_with_hello_ok_and_its_capabilities(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::by_header(&server, &alice, "ack, telepathy,echo").await;
    let hello_ok = peer.frame().await;
    assert_eq!((hello_ok["type"].as_str(), hello_ok["handle"].as_str()), (Some("hello.ok"), Some("alice")));
    assert_eq!(hello_ok["capabilities"], json!(["ack", "echo"]));
    peer.nothing_more().await;
}

#[store_test]
async fn leading_slashes_are_collapsed(engine: Engine) {
    let server = start(engine).await;
    let answer = server.get("//v1/ws").await;
    assert_eq!(answer.status, 404);
    let mut stream = TcpStream::connect(server.running.addr()).await.unwrap();
    let request = "GET //v1/ws HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(!head.contains("sec-websocket-extensions"), "{head}");
}

#[store_test]
async fn too_many_handshakes_are_4429_after_101_on_both_ways(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("ws_connect=2/60").unwrap()).await;
    let alice = Agent::new(&server, "alice").await;
    for _ in 0..2 {
        Peer::legacy(&server, &alice).await;
    }
    let mut header = Peer::by_header(&server, &alice, "").await;
    assert_eq!(header.closed().await, (4429, "retry after 30s".into()));
    let mut hello = Peer::greet(&server, &alice, json!({})).await;
    assert_eq!(hello.closed().await, (4429, "retry after 30s".into()));
}

#[store_test]
async fn one_connection_too_many_is_4429_and_the_older_ones_stay(engine: Engine) {
    let server = start_with(engine, |config| config.limits.sockets_per_agent = 2).await;
    let alice = Agent::new(&server, "alice").await;
    let mut first = Peer::legacy(&server, &alice).await;
    let _second = Peer::legacy(&server, &alice).await;
    for mut peer in [Peer::by_header(&server, &alice, "").await, Peer::greet(&server, &alice, json!({})).await] {
        let (code, reason) = peer.closed().await;
        assert_eq!(code, 4429);
        assert!(reason.starts_with("retry after ") && reason.ends_with('s'), "{reason}");
    }
    first.nothing_more().await;
}

#[store_test]
async fn one_address_may_have_so_many_sockets_waiting_for_their_hello(engine: Engine) {
    let server = start_with(engine, |config| config.limits.sockets_waiting_per_ip = 1).await;
    let alice = Agent::new(&server, "alice").await;
    let mut waiting = Peer::connect(&server).await;
    let Err(error) = Peer::upgrade(&server, &[]).await else { panic!("101") };
    let Error::Http(response) = *error else { panic!("{error:?}") };
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    waiting.say(json!({ "type": "hello", "api_key": alice.key })).await;
    assert_eq!(waiting.frame().await["type"], "hello.ok");
    Peer::legacy(&server, &alice).await;
}

#[store_test]
async fn a_draining_server_lets_a_hello_socket_say_hello_first(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::connect(&server).await;
    server.running.shutdown();
    peer.say(json!({ "type": "hello", "api_key": alice.key })).await;
    assert_eq!(peer.closed().await, (1001, "Server shutting down".into()));
}

#[store_test]
async fn a_draining_server_waits_for_a_hello_no_longer_than_its_bound(engine: Engine) {
    let server = start_with(engine, |config| config.timing.hello_at_shutdown = Duration::from_millis(50)).await;
    let mut peer = Peer::connect(&server).await;
    server.running.shutdown();
    assert_eq!(peer.next().await, Seen::Closed(1001, "Server shutting down".into()));
}

#[store_test]
async fn a_peer_that_leaves_before_its_hello_leaves_nothing_behind(engine: Engine) {
    let server = start_with(engine, |config| config.limits.sockets_waiting_per_ip = 1).await;
    let alice = Agent::new(&server, "alice").await;
    drop(Peer::connect(&server).await);
    // The place is free as soon as the server has seen the end.
    let mut peer = loop {
        if let Ok(peer) = Peer::upgrade(&server, &[]).await {
            break peer;
        }
    };
    peer.say(json!({ "type": "hello", "api_key": alice.key })).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
}
