//! Who is not in a group cannot tell it from none.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::on_stage;
use crate::client::Answer;
use crate::stage::Stage;

/// Every route that names a group, with a body that would do.
const ROUTES: [(&str, &str); 9] = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("POST", "/members"),
    ("DELETE", "/members/bob"),
    ("POST", "/members/bob/promote"),
    ("POST", "/members/bob/demote"),
    ("POST", "/leave"),
    ("DELETE", "/members/nobody-here"),
];

async fn ask(stage: &Stage, agent: &str, (method, rest): (&str, &str), group: &str) -> Answer {
    let path = format!("/v1/groups/{group}{rest}");
    match method {
        "GET" => stage.get(agent, &path).await,
        "PATCH" => stage.patch(agent, &path, json!({ "name": "mine" })).await,
        "DELETE" => stage.delete(agent, &path).await,
        _ => stage.post(agent, &path, json!({ "handle": "bob" })).await,
    }
}

fn seen(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

#[store_test]
async fn a_stranger_sees_no_group(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol", "dave"]).await;
    let group = on_stage(&stage, &["alice", "bob", "dave"]).await;
    let ended = on_stage(&stage, &["alice", "bob"]).await;
    assert_eq!(stage.delete("alice", &format!("/v1/groups/{ended}")).await.status, 200);
    assert_eq!(stage.post("dave", &format!("/v1/groups/{group}/leave"), Value::Null).await.status, 200);
    for route in ROUTES {
        let unknown = ask(&stage, "carol", route, "grp_00000000000000000000000001").await;
        assert_eq!(unknown.refusal(), (404, "GROUP_NOT_FOUND".to_owned()), "{route:?}");
        for other in [group.as_str(), &ended, "grp_nonsense", "conv_00000000000000000000000001", "nonsense"] {
            assert_eq!(seen(&ask(&stage, "carol", route, other).await), seen(&unknown), "{route:?} {other}");
        }
        assert_eq!(seen(&ask(&stage, "dave", route, &group).await), seen(&unknown), "{route:?}: who left");
        let gone = ask(&stage, "bob", route, &ended).await;
        assert_eq!(gone.refusal(), (410, "GROUP_DELETED".to_owned()), "{route:?}");
    }
    let body = json!({ "conversation_id": group, "client_msg_id": "one", "content": { "text": "hello" } });
    assert_eq!(stage.post("carol", "/v1/messages", body).await.error_code(), "GROUP_NOT_FOUND");
}

#[store_test]
async fn an_invitation_is_its_invitees_alone(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let created = stage.post("alice", "/v1/groups", json!({ "name": "ops", "member_handles": ["bob"] })).await.json();
    let invite = created["add_results"][0]["invite_id"].as_str().unwrap();
    let accept = |id: &str| format!("/v1/groups/invites/{id}/accept");
    let unknown = stage.post("carol", &accept("inv_00000000000000000000000001"), Value::Null).await;
    assert_eq!(unknown.refusal(), (404, "INVITE_NOT_FOUND".to_owned()));
    for id in [invite, "inv_nonsense", "grp_00000000000000000000000001"] {
        assert_eq!(seen(&stage.post("carol", &accept(id), Value::Null).await), seen(&unknown), "{id}");
        let rejected = stage.delete("carol", &format!("/v1/groups/invites/{id}")).await;
        assert_eq!(seen(&rejected), seen(&unknown), "{id}");
    }
    assert_eq!(stage.get("bob", "/v1/groups/invites").await.rows().len(), 1);
}

#[store_test]
async fn invites_are_no_group(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let refused = stage.delete("alice", "/v1/groups/invites").await;
    assert_eq!(refused.refusal(), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert_eq!(refused.json()["details"]["allow"], json!(["GET", "HEAD"]));
}
