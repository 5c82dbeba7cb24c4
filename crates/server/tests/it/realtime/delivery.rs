//! realtime.md §6: drain, live frames, settlement, re-offers.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::time::Duration;

use serde_json::json;

use super::peer::{Peer, friends, start, start_with};

#[store_test]
async fn a_message_is_pushed_with_the_row_that_sync_shows(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.until_live(&server, &alice).await;
    let sent = alice.send(&server, &bob, "@bobby ready?").await;
    let mut frame = peer.frame().await;
    assert_eq!(frame["type"], "message.new");
    let synced = bob.get(&server, "/v1/messages/sync", &[]).await;
    let mut row = synced[0].clone();
    // Where nodes share a store, a socket looks into it now and then, and may find the message there first.
    for row in [&mut row, &mut frame["payload"]] {
        row.as_object_mut().unwrap().retain(|name, _| name != "age_ms" && name != "redelivered");
    }
    assert_eq!(frame["payload"], row);
    assert_eq!(frame["payload"]["id"], sent["id"]);
    assert_eq!((&frame["payload"]["status"], &frame["payload"]["is_own"]), (&json!("stored"), &json!(false)));
}

#[store_test]
async fn only_an_ack_settles_on_a_socket_with_ack(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    alice.send(&server, &bob, "one").await;
    alice.send(&server, &bob, "two").await;
    let (first, second) = (peer.frame().await, peer.frame().await);
    peer.nothing_more().await;
    assert_eq!(bob.undelivered(&server).await, 2);
    peer.say(json!({ "type": "ack", "message_ids": [second["payload"]["id"], "msg_nonsense"] })).await;
    bob.until_undelivered(&server, 1).await;
    let rows = bob.get(&server, "/v1/messages/sync", &[]).await;
    assert_eq!(rows[0]["id"], first["payload"]["id"]);
    peer.ack(&first["payload"]["id"]).await;
    bob.until_undelivered(&server, 0).await;
}

#[store_test]
async fn a_socket_without_ack_settles_what_was_flushed_to_it(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "drained").await;
    let mut peer = Peer::legacy(&server, &bob).await;
    assert_eq!(peer.text().await, "drained");
    bob.until_undelivered(&server, 0).await;
    alice.send(&server, &bob, "live").await;
    assert_eq!(peer.text().await, "live");
    bob.until_undelivered(&server, 0).await;
}

#[store_test]
async fn acks_of_others_settle_nothing(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let sent = alice.send(&server, &bob, "for bobby").await;
    let mut stranger = Peer::legacy(&server, &alice).await;
    stranger.ack(&sent["id"]).await;
    let mut peer = Peer::acking(&server, &bob).await;
    assert_eq!(peer.text().await, "for bobby");
    peer.say(json!({ "type": "ack", "message_id": sent["id"] })).await;
    bob.until_undelivered(&server, 0).await;
}

#[store_test]
async fn the_drain_comes_first_in_order_and_nothing_twice(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("send=off").unwrap()).await;
    let (alice, bob) = friends(&server).await;
    let waiting: Vec<String> = (0..150).map(|n| format!("waiting {n}")).collect();
    for text in &waiting {
        alice.send(&server, &bob, text).await;
    }
    let mut peer = Peer::acking(&server, &bob).await;
    let live: Vec<String> = (0..100).map(|n| format!("live {n}")).collect();
    for text in &live {
        alice.send(&server, &bob, text).await;
    }
    for text in waiting.iter().chain(&live) {
        assert_eq!(&peer.text().await, text);
    }
    peer.nothing_more().await;
}

#[store_test]
async fn all_sockets_get_everything_and_one_ack_settles_for_all(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peers = [Peer::acking(&server, &bob).await, Peer::by_header(&server, &bob, "ack").await];
    assert_eq!(peers[1].frame().await["type"], "hello.ok");
    for peer in &mut peers {
        assert_eq!(peer.text().await, "waiting");
    }
    let sent = alice.send(&server, &bob, "live").await;
    for peer in &mut peers {
        assert_eq!(peer.text().await, "live");
    }
    peers[0].ack(&sent["id"]).await;
    bob.until_undelivered(&server, 1).await;
}

#[store_test]
async fn what_was_settled_elsewhere_is_not_drained(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "settled").await;
    let rows = bob.get(&server, "/v1/messages/sync", &[]).await;
    bob.post(&server, "/v1/messages/sync/ack", &json!({ "last_delivery_id": rows[0]["delivery_id"] })).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peer = Peer::acking(&server, &bob).await;
    assert_eq!(peer.text().await, "waiting");
    peer.nothing_more().await;
}

#[store_test]
async fn unacked_deliveries_are_offered_again_until_they_are(engine: Engine) {
    let server = start_with(engine, |config| config.reoffer = Duration::from_millis(200)).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    alice.send(&server, &bob, "one").await;
    alice.send(&server, &bob, "two").await;
    let (one, two) = (peer.frame().await, peer.frame().await);
    // It may have come from the store, if the socket was not live yet.
    assert_ne!(one["payload"]["redelivered"], true);
    peer.ack(&one["payload"]["id"]).await;
    bob.until_undelivered(&server, 1).await;
    let mut offers = 0;
    while offers < 2 {
        let again = peer.frame().await;
        assert_eq!(again["payload"]["redelivered"], true);
        assert!(again["payload"]["age_ms"].as_i64().unwrap() >= 190, "{again}");
        // On a slow machine the first may be offered again while its ack is gathered.
        if again["payload"]["id"] == two["payload"]["id"] {
            assert_eq!(again["payload"]["delivery_id"], two["payload"]["delivery_id"]);
            offers += 1;
        }
    }
    peer.ack(&two["payload"]["id"]).await;
    bob.until_undelivered(&server, 0).await;
    alice.send(&server, &bob, "three").await;
    loop {
        // One more offer may have been on its way when the ack was.
        if peer.text().await == "three" {
            break;
        }
    }
}

#[store_test]
async fn a_socket_that_falls_behind_gets_everything_from_the_store(engine: Engine) {
    let server = start_with(engine, |config| {
        config.limits.set("send=off").unwrap();
        config.limits.set("ws_frame=off").unwrap();
    })
    .await;
    let (alice, bob) = friends(&server).await;
    let mut sender = Peer::acking(&server, &alice).await;
    let mut peer = Peer::acking(&server, &bob).await;
    let padding = "x".repeat(20_000);
    const MESSAGES: usize = 400;
    for n in 0..MESSAGES {
        let text = format!("{n} {padding}");
        sender
            .say(json!({ "type": "message.send", "request_id": n.to_string(), "payload": {
            "to": "bobby", "client_msg_id": n.to_string(), "content": { "text": text } } }))
            .await;
        assert_eq!(sender.frame().await["type"], "message.sent");
    }
    for n in 0..MESSAGES {
        assert!(peer.text().await.starts_with(&format!("{n} ")));
    }
    peer.nothing_more().await;
}

#[store_test]
async fn reading_tells_the_sender(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut reader = Peer::acking(&server, &bob).await;
    let mut sender = Peer::acking(&server, &alice).await;
    sender.nothing_more().await;
    let sent = alice.send(&server, &bob, "read me").await;
    reader.text().await;
    reader
        .say(json!({ "type": "message.read_ack", "conversation_id": sent["conversation_id"], "through_seq": 99 }))
        .await;
    let read = sender.frame().await;
    assert_eq!(read["type"], "message.read");
    assert_eq!(read["payload"]["message_id"], sent["id"]);
    assert_eq!((&read["payload"]["read_by"], &read["payload"]["reader"]), (&json!("bobby"), &json!("bobby")));
    assert_eq!(read["payload"]["seq"], read["payload"]["through_seq"]);
    bob.until_undelivered(&server, 0).await;
}
