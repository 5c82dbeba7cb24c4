//! Presence and typing across nodes.

use std::time::Duration;

use agentchat_launch::Gate;
use agentchat_server::Secret;
use serde_json::{Value, json};

use super::{Nodes, until, until_bus};
use crate::client::TestServer;
use crate::realtime::peer::{Agent, Peer, friends};
use crate::realtime::presence::{at_once, clock, put, seen, told};

fn line(status: &str, message: Value) -> (String, String, Value) {
    ("bobby".into(), status.into(), message)
}

/// Says something until the peer hears it: the bus may need a moment to know that it is there.
async fn until_told(peer: &mut Peer, from: &TestServer, agent: &Agent, clock: &agentchat_server::Clock) {
    let mut number = 0;
    loop {
        tokio::select! {
            told = told(peer) => return assert_eq!(told.0, agent.handle),
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                number += 1;
                clock.advance(2_000);
                put(from, agent, json!({ "status": "busy", "custom_message": number.to_string() })).await;
            }
        }
    }
}

#[tokio::test]
async fn what_changes_on_one_node_is_told_on_another() {
    let clock = clock();
    let nodes = Nodes::start_with(2, |_, config| at_once(config, &clock)).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let mut watcher = Peer::acking(second, &alice).await.hearing_presence();
    until_told(&mut watcher, first, &bob, &clock).await;
    clock.advance(2_000);
    put(first, &bob, json!({ "status": "online", "custom_message": "last" })).await;
    while told(&mut watcher).await != line("online", json!("last")) {}
    assert_eq!(seen(second, &alice, &bob).await, "online");

    // A connection on either node is one.
    clock.advance(300_000);
    assert_eq!(told(&mut watcher).await, line("offline", Value::Null));
    clock.advance(2_000);
    let here = Peer::acking(first, &bob).await;
    assert_eq!(told(&mut watcher).await, line("online", Value::Null));
    let there = Peer::acking(second, &bob).await;
    clock.advance(2_000);
    drop(here);
    put(second, &bob, json!({ "status": "busy" })).await;
    while told(&mut watcher).await != line("busy", Value::Null) {
        clock.advance(2_000);
    }
    clock.advance(2_000);
    drop(there);
    while told(&mut watcher).await != line("offline", Value::Null) {
        clock.advance(2_000);
    }
    until("all see it", async || seen(first, &alice, &bob).await == "offline").await;
    watcher.nothing_more().await;
}

/// A node that cannot reach the database does what a dead one does: nothing.
#[tokio::test]
async fn the_agents_of_a_node_that_is_gone_fade_and_are_back_with_it() {
    let clock = clock();
    let mut nodes = Nodes::start_with(1, |_, config| at_once(config, &clock)).await;
    let direct = nodes.database.url();
    let address = direct.split('@').nth(1).unwrap().split('/').next().unwrap();
    let gate = Gate::to(address.parse().unwrap()).await;
    let behind = direct.replace(address, &gate.address().to_string());
    let bus = nodes.nats.url();
    let second = TestServer::start_with(|config| {
        at_once(config, &clock);
        config.database_url = Some(Secret::new(behind));
        config.nats_url = Some(Secret::new(bus));
        config.timing.renew_presence = Duration::from_millis(20);
    })
    .await;
    until_bus(&second, "ok").await;
    nodes.nodes.push(second);
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let mut watcher = Peer::acking(first, &alice).await.hearing_presence();
    watcher.nothing_more().await;
    let _peer = Peer::acking(second, &bob).await;
    assert_eq!(told(&mut watcher).await, line("online", Value::Null));

    gate.cut();
    // The database notices, so that nothing of it stays open there.
    gate.sever();
    clock.advance(299_999);
    assert_eq!(seen(first, &alice, &bob).await, "online");
    clock.advance(1);
    // What was on its way when the gate was cut may have renewed it once more, at a time that is over by now.
    clock.advance(300_000);
    assert_eq!(told(&mut watcher).await, line("offline", Value::Null));
    assert_eq!(seen(first, &alice, &bob).await, "offline");

    clock.advance(2_000);
    gate.sever();
    gate.heal();
    assert_eq!(told(&mut watcher).await, line("online", Value::Null), "it was only away");
    assert_eq!(seen(first, &alice, &bob).await, "online");
}

#[tokio::test]
async fn typing_is_heard_on_another_node() {
    let clock = clock();
    let nodes = Nodes::start_with(2, |_, config| at_once(config, &clock)).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let conversation = alice.get(first, "/v1/conversations", &[]).await[0]["id"].clone();
    let (mut from, mut to) = (Peer::acking(first, &bob).await, Peer::acking(second, &alice).await.hearing_presence());
    until_told(&mut to, first, &bob, &clock).await;
    from.say(json!({ "type": "typing.start", "conversation_id": conversation })).await;
    loop {
        let frame = to.frame().await;
        if frame["type"] == "typing.start" {
            assert_eq!(frame["payload"], json!({ "conversation_id": conversation, "sender": "bobby" }));
            return;
        }
    }
}
