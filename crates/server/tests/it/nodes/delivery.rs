//! Messages from one node to sockets and held requests on another.

use std::time::Instant;

use serde_json::json;

use super::{FIVE_SECONDS, Nodes};
use crate::realtime::peer::{Agent, Peer, friends};

#[tokio::test]
async fn messages_reach_a_socket_on_another_node_live_and_in_order() {
    let nodes = Nodes::told(3).await;
    let (alice, bob) = friends(&nodes.nodes[0]).await;
    let mut peers = Vec::new();
    for node in &nodes.nodes {
        let mut peer = Peer::acking(node, &bob).await;
        peer.nothing_more().await;
        peers.push(peer);
    }
    // It may be found by the look at an agent that has just arrived; behind that look there is the bus alone.
    alice.send(&nodes.nodes[0], &bob, "0").await;
    for peer in &mut peers {
        assert_eq!(peer.text().await, "0");
    }
    for number in 1..=60 {
        alice.send(&nodes.nodes[number % 3], &bob, &number.to_string()).await;
    }
    for peer in &mut peers {
        for number in 1..=60 {
            assert_eq!(peer.text().await, number.to_string());
        }
        peer.nothing_more().await;
    }
}

#[tokio::test]
async fn an_ack_on_one_node_counts_on_all() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let mut peer = Peer::acking(second, &bob).await;
    let sent = alice.send(second, &bob, "to be acked").await;
    assert_eq!(peer.text().await, "to be acked");
    peer.ack(&sent["id"]).await;
    bob.until_undelivered(first, 0).await;
}

#[tokio::test]
async fn a_sender_hears_of_reads_and_of_its_own_messages_on_any_node() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let mut echo = Peer::greet(second, &alice, json!({ "capabilities": ["ack", "echo"] })).await;
    assert_eq!(echo.frame().await["type"], "hello.ok");
    echo.nothing_more().await;
    // Interest may need a moment to reach the bus; what is told before is lost, as own messages may be.
    let mut sent = alice.send(first, &bob, "0").await;
    let mut number = 0;
    let frame = loop {
        tokio::select! {
            frame = echo.frame() => break frame,
            () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {
                number += 1;
                sent = alice.send(first, &bob, &number.to_string()).await;
            }
        }
    };
    assert_eq!((&frame["payload"]["is_own"], &frame["payload"]["sender"]), (&json!(true), &json!("alice")));
    let path = format!("/v1/messages/{}/read", sent["id"].as_str().unwrap());
    assert_eq!(bob.post(first, &path, &json!({})).await.status, 200);
    loop {
        let frame = echo.frame().await;
        if frame["type"] == "message.read" {
            assert_eq!(frame["payload"]["reader"], "bobby");
            break;
        }
    }
}

#[tokio::test]
async fn a_held_request_on_another_node_ends_with_the_row() {
    let nodes = Nodes::start_with(2, |_, config| config.timing.resync = super::NEVER).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    for number in 0..5 {
        let text = number.to_string();
        let held = bob.get(second, "/v1/messages/sync?wait=30", &[]);
        let began = Instant::now();
        let (rows, _sent) = tokio::join!(held, alice.send(first, &bob, &text));
        assert_eq!(rows[0]["content"]["text"], text);
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
        let body = json!({ "last_delivery_id": rows[0]["delivery_id"] });
        assert_eq!(bob.post(first, "/v1/messages/sync/ack", &body).await.json(), json!({ "acked": 1 }));
    }
}

#[tokio::test]
async fn a_sync_call_on_one_node_leads_the_drain_on_another() {
    let nodes = Nodes::start_with(2, |_, config| config.timing.sync_lead = FIVE_SECONDS).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    for text in ["one", "two"] {
        alice.send(first, &bob, text).await;
    }
    let mut peer = Peer::greet(second, &bob, json!({ "capabilities": ["ack"], "client": "sdk" })).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    peer.nothing_more().await;
    let rows = bob.get(first, "/v1/messages/sync", &[("X-AgentChat-Client", "sdk")]).await;
    let body = json!({ "last_delivery_id": rows[1]["delivery_id"] });
    assert_eq!(bob.post(first, "/v1/messages/sync/ack", &body).await.json(), json!({ "acked": 2 }));
    alice.send(first, &bob, "three").await;
    assert_eq!(peer.text().await, "three");
    peer.nothing_more().await;
}

/// The next text that is not the agent's own.
pub(super) async fn received(peer: &mut Peer) -> String {
    loop {
        let frame = peer.frame().await;
        assert_eq!(frame["type"], "message.new", "{frame}");
        if frame["payload"]["is_own"] == false {
            return frame["payload"]["content"]["text"].as_str().unwrap().to_owned();
        }
    }
}

/// Two write to a third over nodes of their own, while it listens on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_everything_in_order() {
    const EACH: usize = 40;
    let nodes = Nodes::start(3).await;
    let (alice, bob) = friends(&nodes.nodes[0]).await;
    let carol = Agent::new(&nodes.nodes[1], "carol").await;
    carol.send(&nodes.nodes[0], &bob, "hi from carol").await;
    bob.send(&nodes.nodes[0], &carol, "hi carol").await;
    let mut peer = Peer::acking(&nodes.nodes[2], &bob).await;
    assert_eq!(peer.text().await, "hi from carol");
    let from = async |agent: &Agent, node: usize| {
        for number in 0..EACH {
            agent.send(&nodes.nodes[node], &bob, &format!("{} {number}", agent.handle)).await;
        }
    };
    let read = async {
        let (mut alices, mut carols) = (0, 0);
        while alices + carols < 2 * EACH {
            let text = received(&mut peer).await;
            let (handle, number) = text.split_once(' ').unwrap();
            let next = if handle == "alice" { &mut alices } else { &mut carols };
            assert_eq!(number, next.to_string(), "{text}");
            *next += 1;
        }
    };
    tokio::join!(from(&alice, 0), from(&carol, 1), read);
    peer.nothing_more().await;
}
