//! realtime.md §5: `typing.start` and `typing.stop`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::peer::{Agent, Peer, friends, start_with};
use super::presence::{at_once, clock};
use crate::client::TestServer;

async fn conversation(server: &TestServer, agent: &Agent) -> Value {
    agent.get(server, "/v1/conversations", &[]).await[0]["id"].clone()
}

/// The next frame: kind and sender.
async fn heard(peer: &mut Peer) -> (String, Value) {
    let frame = peer.frame().await;
    assert_eq!(frame["payload"].as_object().unwrap().len(), 2, "{frame}");
    (frame["type"].as_str().unwrap().to_owned(), frame["payload"]["sender"].clone())
}

/// What was said before is worked on: a stop in `open`, which is heard next.
async fn only_stop(peer: &mut Peer, from: &mut Peer, open: &Value) {
    from.say(json!({ "type": "typing.stop", "conversation_id": open })).await;
    assert_eq!(heard(peer).await.0, "typing.stop");
}

#[store_test]
async fn typing_is_forwarded_in_order_and_a_start_every_two_seconds(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let id = conversation(&server, &alice).await;
    let (mut from, mut to) = (Peer::acking(&server, &alice).await, Peer::legacy(&server, &bob).await);
    to.nothing_more().await;
    for _ in 0..3 {
        from.say(json!({ "type": "typing.start", "conversation_id": id })).await;
    }
    from.say(json!({ "type": "typing.stop", "payload": { "conversation_id": id } })).await;
    assert_eq!(heard(&mut to).await, ("typing.start".into(), json!("alice")));
    assert_eq!(heard(&mut to).await, ("typing.stop".into(), json!("alice")));
    clock.advance(2_000);
    from.say(json!({ "type": "typing.start", "conversation_id": id })).await;
    assert_eq!(heard(&mut to).await, ("typing.start".into(), json!("alice")));
    to.nothing_more().await;
    from.nothing_more().await;
}

#[store_test]
async fn typing_stops_at_blocks_and_mutes(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let carol = Agent::new(&server, "carol").await;
    alice.send(&server, &carol, "to carol").await;
    carol.send(&server, &alice, "from carol").await;
    let with_carol = conversation(&server, &carol).await;
    let with_bob = conversation(&server, &bob).await;
    let (mut from, mut to) = (Peer::acking(&server, &alice).await, Peer::acking(&server, &bob).await);
    let mut open = Peer::acking(&server, &carol).await;
    assert_eq!(open.text().await, "to carol");
    to.nothing_more().await;
    for (path, body) in [
        ("/v1/mutes", json!({ "target_kind": "agent", "target_handle": "alice" })),
        ("/v1/mutes", json!({ "target_kind": "conversation", "target_id": with_bob })),
        ("/v1/contacts/alice/block", json!({})),
    ] {
        let answer = bob.post(&server, path, &body).await;
        assert!(answer.status < 300, "{answer:?}");
        clock.advance(2_000);
        from.say(json!({ "type": "typing.start", "conversation_id": with_bob })).await;
        only_stop(&mut open, &mut from, &with_carol).await;
        to.nothing_more().await;
        let undo = match &body["target_kind"] {
            Value::String(kind) if kind == "agent" => "/v1/mutes/agent/alice".to_owned(),
            Value::String(_) => format!("/v1/mutes/conversation/{}", with_bob.as_str().unwrap()),
            _ => path.to_owned(),
        };
        let answer = server.request("DELETE", &undo, &[("Authorization", &bob.bearer())], b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        clock.advance(2_000);
        from.say(json!({ "type": "typing.start", "conversation_id": with_bob })).await;
        assert_eq!(heard(&mut to).await.0, "typing.start");
    }
}

#[store_test]
async fn a_group_hears_its_members_but_for_those_who_muted_them(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let (carol, dave) = (Agent::new(&server, "carol").await, Agent::new(&server, "dave").await);
    let body = json!({ "name": "ops", "member_handles": ["bobby", "carol", "dave"] });
    let created = alice.post(&server, "/v1/groups", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let group = created.json()["group"]["id"].clone();
    for member in [&bob, &carol] {
        let invites = member.get(&server, "/v1/groups/invites", &[]).await;
        let path = format!("/v1/groups/invites/{}/accept", invites[0]["id"].as_str().unwrap());
        let joined = member.post(&server, &path, &json!({})).await;
        assert_eq!(joined.status, 200, "{joined:?}");
    }
    let mut peers = Vec::new();
    for member in [&bob, &carol, &dave] {
        let mut peer = Peer::acking(&server, member).await;
        peer.kinds().await;
        peers.push(peer);
    }
    let mut from = Peer::acking(&server, &alice).await;
    from.say(json!({ "type": "typing.start", "conversation_id": group })).await;
    assert_eq!(heard_only(&mut peers[0]).await, "typing.start");
    assert_eq!(heard_only(&mut peers[1]).await, "typing.start");
    let mute = json!({ "target_kind": "conversation", "target_id": group });
    assert_eq!(carol.post(&server, "/v1/mutes", &mute).await.status, 201);
    from.say(json!({ "type": "typing.stop", "conversation_id": group })).await;
    assert_eq!(heard_only(&mut peers[0]).await, "typing.stop");
    for peer in &mut peers[1..] {
        for kind in peer.kinds().await {
            assert!(!kind.starts_with("typing"), "{kind}");
        }
    }
}

/// The kind of the next frame about typing.
async fn heard_only(peer: &mut Peer) -> String {
    loop {
        let kind = peer.frame().await["type"].as_str().unwrap().to_owned();
        if kind.starts_with("typing") {
            return kind;
        }
    }
}
