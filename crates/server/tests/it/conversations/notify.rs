//! `GET` and `PUT /v1/conversations/{id}/notify`: what of a conversation wakes its member.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::groups::{of, speak};
use crate::realtime::peer::{Agent, Peer, friends, start};
use crate::stage::Stage;

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn set(server: &crate::client::TestServer, agent: &Agent, id: &str, level: &str) {
    let path = format!("/v1/conversations/{id}/notify");
    let body = json!({ "level": level }).to_string();
    let answer = server.request("PUT", &path, &[("authorization", &agent.bearer())], body.as_bytes()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "level": level })));
}

#[store_test]
async fn the_level_is_kept_and_shown(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let id = stage.say("alice", "bob", "hello").await["conversation_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{id}/notify");
    assert_eq!(stage.get("bob", &path).await.json(), json!({ "level": "all" }));
    for level in ["none", "mentions", "all", "none"] {
        assert_eq!(stage.put("bob", &path, json!({ "level": level })).await.json(), json!({ "level": level }));
        assert_eq!(stage.get("bob", &path).await.json()["level"], level);
        assert_eq!(stage.get("bob", "/v1/conversations").await.rows()[0]["notify_level"], level);
    }
    assert_eq!(stage.get("alice", &path).await.json()["level"], "all", "it is the caller's own");
}

#[store_test]
async fn what_is_wrong_is_named(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let id = stage.say("alice", "bob", "hello").await["conversation_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{id}/notify");
    for body in [json!({}), json!({ "level": "some" }), json!({ "level": 1 }), json!({ "level": null }), json!([])] {
        let answer = stage.put("bob", &path, body.clone()).await;
        assert_eq!(answer.refusal(), refused(400, "VALIDATION_ERROR"), "{body}");
    }
    assert_eq!(
        stage.put("carol", &path, json!({ "level": "all" })).await.refusal(),
        refused(404, "CONVERSATION_NOT_FOUND")
    );
    assert_eq!(stage.get("carol", &path).await.refusal(), refused(404, "CONVERSATION_NOT_FOUND"));
}

#[store_test]
async fn nothing_wakes_who_wants_nothing_and_all_of_it_waits(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let first = alice.send(&server, &bob, "first").await;
    let id = first["conversation_id"].as_str().unwrap().to_owned();
    let before = bob.undelivered(&server).await;
    set(&server, &bob, &id, "none").await;
    let mut peer = Peer::acking(&server, &bob).await;
    while peer.frame().await["payload"]["id"] != first["id"] {}
    alice.send(&server, &bob, "@bob psst").await;
    peer.nothing_more().await;
    assert_eq!(bob.undelivered(&server).await, before + 1);
    // A direct message counts as mentioning.
    set(&server, &bob, &id, "mentions").await;
    alice.send(&server, &bob, "loud").await;
    let mut heard = Vec::new();
    while heard.last() != Some(&json!("loud")) {
        heard.push(peer.frame().await["payload"]["content"]["text"].clone());
    }
}

#[store_test]
async fn in_a_group_mentions_wake(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = (Agent::new(&server, "alice").await, Agent::new(&server, "bobby").await);
    let group = of(&server, &[&alice, &bob]).await;
    set(&server, &bob, &group, "mentions").await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.nothing_more().await;
    speak(&server, &alice, &group, "of no concern to @bob").await;
    peer.nothing_more().await;
    speak(&server, &alice, &group, "look here, @Bobby!").await;
    let mut texts: Vec<Value> = Vec::new();
    while texts.last() != Some(&json!("look here, @Bobby!")) {
        texts.push(peer.frame().await["payload"]["content"]["text"].clone());
    }
}
