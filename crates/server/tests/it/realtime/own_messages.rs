//! realtime.md §6.1: the agent's own messages on its sockets.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::peer::{Peer, friends, start};

#[store_test]
async fn an_own_message_comes_just_before_the_next_received_one(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    alice.send(&server, &bob, "question").await;
    assert_eq!(peer.text().await, "question");
    bob.send(&server, &alice, "answer").await;
    peer.nothing_more().await;
    alice.send(&server, &bob, "thanks").await;
    let own = peer.frame().await;
    assert_eq!(own["type"], "message.new");
    let payload = &own["payload"];
    assert_eq!((&payload["content"]["text"], &payload["is_own"]), (&json!("answer"), &json!(true)));
    assert_eq!((&payload["delivery_id"], &payload["sender"]), (&json!(null), &json!("bobby")));
    assert_eq!(peer.text().await, "thanks");
    peer.nothing_more().await;
}

#[store_test]
async fn other_sockets_get_no_own_messages(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let no_echo = json!({ "capabilities": ["ack", "no_echo"] });
    let mut peers = [
        Peer::by_header(&server, &bob, "ack").await,
        Peer::greet(&server, &bob, no_echo).await,
        Peer::greet(&server, &bob, json!({})).await,
    ];
    for peer in &mut peers {
        assert_eq!(peer.frame().await["type"], "hello.ok");
    }
    alice.send(&server, &bob, "question").await;
    bob.send(&server, &alice, "answer").await;
    alice.send(&server, &bob, "thanks").await;
    for peer in &mut peers {
        assert_eq!((peer.text().await, peer.text().await), ("question".into(), "thanks".into()));
        peer.nothing_more().await;
    }
}

#[store_test]
async fn a_socket_with_echo_gets_them_when_they_are_stored(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::by_header(&server, &bob, "echo").await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    alice.send(&server, &bob, "question").await;
    assert_eq!(peer.text().await, "question");
    bob.send(&server, &alice, "answer").await;
    let own = peer.frame().await;
    assert_eq!((&own["payload"]["is_own"], &own["payload"]["content"]["text"]), (&json!(true), &json!("answer")));
    alice.send(&server, &bob, "thanks").await;
    assert_eq!(peer.text().await, "thanks");
    peer.nothing_more().await;
}
