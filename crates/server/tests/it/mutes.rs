//! `/v1/mutes`.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::realtime::peer::{Agent, Peer, friends, start};
use crate::stage::{Stage, Standing, assert_snapshot};

const IN_AN_HOUR: &str = "2026-01-15T11:30:00+01:00";

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn targets(list: &Value) -> Vec<String> {
    list["mutes"].as_array().unwrap().iter().map(|mute| mute["target_id"].as_str().unwrap().to_owned()).collect()
}

#[store_test]
async fn an_agent_is_muted_and_unmuted(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({ "target_kind": "agent", "target_handle": "@Bob", "muted_until": IN_AN_HOUR });
    assert_snapshot!(stage.post("alice", "/v1/mutes", body).await.print(), @r#"
    201
    {
      "muter_agent_id": "agt_1",
      "target_kind": "agent",
      "target_id": "bob",
      "target_handle": "bob",
      "muted_until": "2026-01-15T10:30:00.000Z",
      "created_at": "2026-01-15T09:30:00.000Z"
    }
    "#);
    let me = stage.get("alice", "/v1/agents/me").await.json();
    let shown = stage.get("alice", "/v1/mutes/agent/@BOB").await.json();
    assert_eq!(shown["muter_agent_id"], me["id"]);
    stage.clock.advance(1_000);
    let body = json!({ "target_kind": "agent", "target_id": "bob", "muted_until": null });
    let again = stage.post("alice", "/v1/mutes", body).await;
    assert_eq!((again.status, &again.json()["muted_until"]), (201, &Value::Null));
    assert_eq!(again.json()["created_at"], shown["created_at"]);
    assert_eq!(stage.get("alice", "/v1/mutes").await.json(), json!({ "mutes": [again.json()] }));
    assert_eq!(stage.delete("alice", "/v1/mutes/agent/Bob").await.json(), json!({ "ok": true }));
    for missing in [stage.get("alice", "/v1/mutes/agent/bob").await, stage.delete("alice", "/v1/mutes/agent/bob").await]
    {
        assert_eq!(missing.refusal(), refused(404, "NOT_FOUND"));
    }
}

#[store_test]
async fn a_conversation_is_muted_and_unmuted(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let id = stage.say("alice", "bob", "hello").await["conversation_id"].as_str().unwrap().to_owned();
    let body = json!({ "target_kind": "conversation", "target_id": id });
    assert_snapshot!(stage.post("bob", "/v1/mutes", body).await.print(), @r#"
    201
    {
      "muter_agent_id": "agt_1",
      "target_kind": "conversation",
      "target_id": "conv_2",
      "target_handle": null,
      "muted_until": null,
      "created_at": "2026-01-15T09:30:01.000Z"
    }
    "#);
    let path = format!("/v1/mutes/conversation/{id}");
    assert_eq!(stage.get("bob", &path).await.json()["target_id"], id);
    assert_eq!(stage.get("bob", "/v1/conversations").await.rows()[0]["is_muted"], true);
    assert_eq!(stage.get("alice", &path).await.refusal(), refused(404, "NOT_FOUND"), "nobody else can tell");
    assert_eq!(targets(&stage.get("bob", "/v1/mutes?kind=conversation").await.json()), [id]);
    assert!(targets(&stage.get("bob", "/v1/mutes?kind=agent").await.json()).is_empty());
    assert_eq!(stage.delete("bob", &path).await.json(), json!({ "ok": true }));
    assert_eq!(stage.get("bob", "/v1/conversations").await.rows()[0]["is_muted"], false);
}

#[store_test]
async fn what_is_wrong_is_named(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    for (body, field) in [
        (json!({}), "target_kind"),
        (json!({ "target_kind": "group", "target_id": "x" }), "target_kind"),
        (json!({ "target_kind": 7, "target_id": "x" }), "target_kind"),
        (json!({ "target_kind": "agent" }), "target_handle"),
        (json!({ "target_kind": "agent", "target_handle": null, "target_id": null }), "target_handle"),
        (json!({ "target_kind": "agent", "target_handle": ["bob"] }), "target_handle"),
        (json!({ "target_kind": "conversation" }), "target_id"),
        (json!({ "target_kind": "conversation", "target_handle": "bob" }), "target_id"),
        (json!({ "target_kind": "agent", "target_handle": "bob", "muted_until": "soon" }), "muted_until"),
        (json!({ "target_kind": "agent", "target_handle": "bob", "muted_until": 1 }), "muted_until"),
        (
            json!({ "target_kind": "agent", "target_handle": "nobody", "muted_until": "2026-01-15T09:30:00Z" }),
            "muted_until",
        ),
    ] {
        let answer = stage.post("alice", "/v1/mutes", body.clone()).await;
        assert_eq!(answer.refusal(), refused(400, "VALIDATION_ERROR"), "{body}");
        let complaints = answer.json()["details"]["fieldErrors"].clone();
        assert_eq!(complaints.as_object().unwrap().keys().collect::<Vec<_>>(), [field], "{body}");
        assert_eq!(complaints[field].as_array().unwrap().len(), 1, "{complaints}");
        stage.clock.advance(200);
    }
    assert_eq!(stage.get("alice", "/v1/mutes?kind=group").await.refusal(), refused(400, "VALIDATION_ERROR"));
}

#[store_test]
async fn only_what_can_be_seen_can_be_muted(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let foreign = stage.say("alice", "bob", "hello").await["conversation_id"].clone();
    let mute = async |agent: &str, body: Value| {
        stage.clock.advance(200);
        stage.post(agent, "/v1/mutes", body).await.refusal()
    };
    let agent = |handle: &str| json!({ "target_kind": "agent", "target_handle": handle });
    let conversation = |id: &Value| json!({ "target_kind": "conversation", "target_id": id });
    assert_eq!(mute("alice", agent("Alice")).await, refused(400, "SELF_MUTE"));
    for handle in ["nobody", "?", ""] {
        assert_eq!(mute("alice", agent(handle)).await, refused(404, "AGENT_NOT_FOUND"));
    }
    for id in
        [&foreign, &json!("conv_01KF0FV2ENFV1T8ZEF0PGKKP4N"), &json!("grp_01KF0FV2ENFV1T8ZEF0PGKKP4N"), &json!("x")]
    {
        assert_eq!(mute("carol", conversation(id)).await, refused(404, "CONVERSATION_NOT_FOUND"));
    }
    let stage = stage.meanwhile(Standing::Is("bob", AgentStatus::Suspended)).await;
    assert_eq!(stage.post("alice", "/v1/mutes", agent("bob")).await.refusal(), refused(404, "AGENT_NOT_FOUND"));
}

#[store_test]
async fn a_deleted_group_says_so_to_those_who_were_in_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let made = stage.post("alice", "/v1/groups", json!({ "name": "ops" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["group"]["id"].as_str().unwrap().to_owned();
    let (body, path) =
        (json!({ "target_kind": "conversation", "target_id": id }), format!("/v1/mutes/conversation/{id}"));
    assert_eq!(stage.post("bob", "/v1/mutes", body.clone()).await.refusal(), refused(404, "CONVERSATION_NOT_FOUND"));
    assert_eq!(stage.post("alice", "/v1/mutes", body.clone()).await.status, 201);
    assert_eq!(stage.get("alice", &path).await.json()["target_id"], id);
    assert_eq!(stage.delete("alice", &format!("/v1/groups/{id}")).await.status, 200);
    for gone in [
        stage.post("alice", "/v1/mutes", body.clone()).await,
        stage.get("alice", &path).await,
        stage.delete("alice", &path).await,
    ] {
        assert_eq!(gone.refusal(), refused(410, "GROUP_DELETED"));
        assert_eq!(gone.json()["details"]["deleted_by_handle"], "alice");
    }
    assert_eq!(stage.post("bob", "/v1/mutes", body).await.refusal(), refused(404, "CONVERSATION_NOT_FOUND"));
    assert_eq!(stage.get("bob", &path).await.refusal(), refused(404, "NOT_FOUND"));
}

#[store_test]
async fn mutes_end_by_themselves(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    for (handle, until) in [("bob", json!(IN_AN_HOUR)), ("carol", Value::Null)] {
        let body = json!({ "target_kind": "agent", "target_handle": handle, "muted_until": until });
        assert_eq!(stage.post("alice", "/v1/mutes", body).await.status, 201);
        stage.clock.advance(1_000);
    }
    assert_eq!(targets(&stage.get("alice", "/v1/mutes").await.json()), ["carol", "bob"]);
    stage.clock.advance(3_598_000);
    assert_eq!(targets(&stage.get("alice", "/v1/mutes").await.json()), ["carol"]);
    assert_eq!(stage.get("alice", "/v1/mutes/agent/bob").await.refusal(), refused(404, "NOT_FOUND"));
    assert_eq!(stage.delete("alice", "/v1/mutes/agent/bob").await.status, 200, "it counts as existing");
}

#[store_test]
async fn writing_mutes_has_its_own_policy_before_anything_is_looked_at(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| config.limits.set("mute_write=2/3600").unwrap()).await;
    let body = json!({ "target_kind": "agent", "target_handle": "bob" });
    let muted = stage.post("alice", "/v1/mutes", body.clone()).await;
    assert!(
        muted.header("ratelimit-policy").is_some_and(|text| text.contains(r#""mute_write";q=2;w=3600"#)),
        "{muted:?}"
    );
    assert_eq!(stage.delete("alice", "/v1/mutes/agent/bob").await.status, 200);
    for limited in [
        stage.post("alice", "/v1/mutes", json!({})).await,
        stage.delete("alice", "/v1/mutes/agent/bob").await,
        stage.delete("alice", "/v1/mutes/conversation/x").await,
    ] {
        assert_eq!(limited.refusal(), refused(429, "RATE_LIMITED"));
        assert_eq!(limited.json()["details"]["reason"], "mute_write");
    }
    assert_eq!(stage.get("alice", "/v1/mutes").await.status, 200, "reading is free");
}

#[store_test]
async fn what_is_muted_is_stored_but_not_pushed(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let carol = Agent::new(&server, "carol").await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.until_live(&server, &alice).await;
    let mute = json!({ "target_kind": "agent", "target_handle": "alice" });
    assert_eq!(bob.post(&server, "/v1/mutes", &mute).await.status, 201);
    alice.send(&server, &bob, "psst").await;
    carol.send(&server, &bob, "over here").await;
    assert_eq!(peer.text().await, "over here");
    peer.nothing_more().await;
    assert_eq!(bob.undelivered(&server).await, 2, "both wait for an ack");
    let mut later = Peer::acking(&server, &bob).await;
    assert_eq!((later.text().await, later.text().await), ("psst".to_owned(), "over here".to_owned()), "drained");
}
