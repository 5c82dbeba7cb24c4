//! What sockets are told of groups, and in which order.

use agentchat_protocol::agent::PausedByOwner;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::{done, of, on_stage, speak, text};
use crate::realtime::peer::{Agent, Peer, start, start_with};
use crate::stage::{Stage, Standing};

/// The word of the event in a `message.new`, or its text.
fn told(frame: &Value) -> String {
    assert_eq!(frame["type"], "message.new", "{frame}");
    let content = &frame["payload"]["content"];
    content["data"]["event"].as_str().or(content["text"].as_str()).unwrap_or_else(|| panic!("{frame}")).to_owned()
}

#[store_test]
async fn an_invitee_is_told_what_the_list_shows(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let mut peer = Peer::acking(&server, &bob).await;
    peer.nothing_more().await;
    let body = json!({ "name": "ops", "member_handles": ["bobby"] });
    let created = alice.post(&server, "/v1/groups", &body).await.json();
    let frame = peer.frame().await;
    assert_eq!(frame["type"], "group.invite.received");
    assert_eq!(json!([frame["payload"]]), bob.get(&server, "/v1/groups/invites", &[]).await);
    let path = format!("/v1/groups/{}/members", text(&created["group"]["id"]));
    let again = alice.post(&server, &path, &json!({ "handle": "bobby" })).await;
    assert_eq!(again.json()["invite_id"], frame["payload"]["id"]);
    peer.nothing_more().await;
}

#[store_test]
async fn a_fully_paused_invitee_is_told_nothing(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bobby"]).await;
    let stage = stage.meanwhile(Standing::Paused("bobby", PausedByOwner::Full)).await;
    let bob = Agent { handle: "bobby", key: stage.key("bobby").to_owned() };
    let mut peer = Peer::acking(&stage.server, &bob).await;
    peer.nothing_more().await;
    let created = stage.post("alice", "/v1/groups", json!({ "name": "ops", "member_handles": ["bobby"] })).await;
    assert_eq!(created.json()["add_results"][0]["outcome"], "invited");
    peer.nothing_more().await;
    assert_eq!(stage.get("bobby", "/v1/groups/invites").await.rows().len(), 1);
}

#[store_test]
async fn members_are_told_what_happens(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let carol = Agent::new(&server, "carol").await;
    let group = of(&server, &[&alice, &bob]).await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.nothing_more().await;
    let members = format!("/v1/groups/{group}/members");
    let added = alice.post(&server, &members, &json!({ "handle": "carol" })).await.json();
    let accept = format!("/v1/groups/invites/{}/accept", text(&added["invite_id"]));
    done(&server, &carol, "POST", &accept).await;
    assert_eq!(told(&peer.frame().await), "member_joined");
    let body = json!({ "name": "nights", "description": "dark" }).to_string();
    let path = format!("/v1/groups/{group}");
    let patched = server.request("PATCH", &path, &[("Authorization", &alice.bearer())], body.as_bytes()).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    for event in ["name_changed", "description_changed"] {
        assert_eq!(told(&peer.frame().await), event);
    }
    done(&server, &alice, "POST", &format!("{members}/bobby/promote")).await;
    assert_eq!(told(&peer.frame().await), "admin_promoted");
    done(&server, &alice, "POST", &format!("{path}/leave")).await;
    let left = peer.frame().await;
    assert_eq!((told(&left), &left["payload"]["sender"]), ("member_left".to_owned(), &json!("alice")));
    assert_eq!(
        left["payload"]["context"]["conversation"],
        json!({ "type": "group", "group_name": "nights", "member_count": 2 })
    );
    peer.nothing_more().await;
}

#[store_test]
async fn whoever_is_kicked_hears_nothing(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let carol = Agent::new(&server, "carol").await;
    let group = of(&server, &[&alice, &bob, &carol]).await;
    let mut kicked = Peer::acking(&server, &bob).await;
    let mut other = Peer::acking(&server, &carol).await;
    done(&server, &alice, "DELETE", &format!("/v1/groups/{group}/members/bobby")).await;
    assert_eq!(told(&other.frame().await), "member_removed");
    kicked.nothing_more().await;
}

#[store_test]
async fn the_end_comes_behind_the_last_message(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let (carol, dave) = (Agent::new(&server, "carol").await, Agent::new(&server, "davey").await);
    let group = of(&server, &[&alice, &bob, &carol]).await;
    let mute = carol.post(&server, "/v1/mutes", &json!({ "target_kind": "conversation", "target_id": group })).await;
    assert_eq!(mute.status, 201, "{mute:?}");
    let mut peers = Vec::new();
    for agent in [&alice, &bob, &carol, &dave] {
        let mut peer = Peer::acking(&server, agent).await;
        peer.nothing_more().await;
        peers.push(peer);
    }
    let ended = done(&server, &alice, "DELETE", &format!("/v1/groups/{group}")).await;
    let info = json!({ "group_id": group, "deleted_by_handle": "alice", "deleted_at": ended["deleted_at"] });
    for peer in &mut peers[1..3] {
        assert_eq!(told(&peer.frame().await), "group_deleted", "mutes do not count");
        assert_eq!(peer.frame().await, json!({ "type": "group.deleted", "payload": info }));
        peer.nothing_more().await;
    }
    for peer in [0, 3] {
        peers[peer].nothing_more().await;
    }
    let rows = bob.get(&server, "/v1/messages/sync", &[]).await;
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
}

#[store_test]
async fn a_socket_that_is_behind_is_told_of_the_end_behind_the_last_message(engine: Engine) {
    let server = start_with(engine, |config| {
        for limit in ["send=off", "group_send=off", "loop=off"] {
            config.limits.set(limit).unwrap();
        }
    })
    .await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let group = of(&server, &[&alice, &bob]).await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.nothing_more().await;
    // More than the connection takes while nobody reads.
    let padding = "x".repeat(20_000);
    for number in 0..300 {
        speak(&server, &alice, &group, &format!("{number} {padding}")).await;
    }
    done(&server, &alice, "DELETE", &format!("/v1/groups/{group}")).await;
    bob.until_undelivered(&server, 1).await;
    let mut last = String::new();
    loop {
        let frame = peer.frame().await;
        if frame["type"] == "group.deleted" {
            break;
        }
        last = told(&frame);
    }
    assert_eq!(last, "group_deleted");
    peer.nothing_more().await;
}

#[store_test]
async fn who_was_away_finds_the_last_message_in_sync(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let group = on_stage(&stage, &["alice", "bob"]).await;
    let body = json!({ "conversation_id": group, "client_msg_id": "one", "content": { "text": "settled by the end" } });
    assert_eq!(stage.post("alice", "/v1/messages", body).await.status, 201);
    assert_eq!(stage.delete("alice", &format!("/v1/groups/{group}")).await.status, 200);
    let bob = Agent { handle: "bob", key: stage.key("bob").to_owned() };
    bob.until_undelivered(&stage.server, 1).await;
    let rows = stage.waiting("bob").await;
    assert_eq!((rows.len(), &rows[0]["content"]["data"]["event"]), (1, &json!("group_deleted")));
    // By its id it can still be read and hidden.
    let read = stage.post("bob", &format!("/v1/messages/{}/read", text(&rows[0]["id"])), Value::Null).await;
    assert_eq!((read.status, &read.json()["status"]), (200, &json!("read")));
}

#[store_test]
async fn an_account_that_ends_leaves_its_groups_aloud(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let carol = Agent::new(&server, "carol").await;
    let group = of(&server, &[&alice, &bob, &carol]).await;
    let mut peer = Peer::acking(&server, &carol).await;
    peer.nothing_more().await;
    done(&server, &alice, "DELETE", "/v1/agents/alice").await;
    assert_eq!(told(&peer.frame().await), "member_left");
    let promoted = peer.frame().await;
    assert_eq!((told(&promoted), &promoted["payload"]["sender"]), ("admin_promoted".to_owned(), &json!("bobby")));
    assert_eq!(promoted["payload"]["content"]["data"]["actor_handle"], Value::Null);
    let shown = bob.get(&server, &format!("/v1/groups/{group}"), &[]).await;
    assert_eq!((&shown["your_role"], &shown["member_count"]), (&json!("admin"), &json!(2)));
}
