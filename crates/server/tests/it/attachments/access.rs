//! For whom slots are made, and who may fetch what is in them.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{attached, declared, group, located, slot};
use crate::stage::{Stage, Standing};

const BYTES: &[u8] = b"for you";

async fn refused(stage: &Stage, by: &str, target: serde_json::Value) -> (u16, String) {
    stage.post(by, "/v1/uploads", declared(target, "text/plain", BYTES)).await.refusal()
}

#[store_test]
async fn slots_are_for_somebody_who_may_be_written_to(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol", "dave"]).await;
    stage.block("bob", "alice").await;
    let stage = stage.meanwhile(Standing::Is("dave", AgentStatus::Suspended)).await;
    let not_found = (404, "AGENT_NOT_FOUND".to_owned());
    assert_eq!(refused(&stage, "alice", json!({ "to": "nobody" })).await, not_found);
    assert_eq!(refused(&stage, "alice", json!({ "to": "No Handle" })).await, not_found);
    assert_eq!(refused(&stage, "alice", json!({ "to": "dave" })).await, not_found);
    assert_eq!(refused(&stage, "alice", json!({ "to": "alice" })).await, (400, "VALIDATION_ERROR".into()));
    assert_eq!(refused(&stage, "alice", json!({ "to": "bob" })).await, (403, "BLOCKED".into()));
    assert_eq!(refused(&stage, "bob", json!({ "to": "alice" })).await, (403, "BLOCKED".into()));
    slot(&stage, "alice", json!({ "to": "carol" }), "text/plain", BYTES).await;
}

#[store_test]
async fn a_direct_file_is_fetched_by_two_agents_and_no_third(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let id = attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await;
    located(&stage, "alice", &id).await;
    located(&stage, "bob", &id).await;
    let foreign = stage.get("carol", &format!("/v1/attachments/{id}")).await;
    let unknown = stage.get("carol", "/v1/attachments/att_00000000000000000000000000").await;
    let malformed = stage.get("carol", "/v1/attachments/att_x").await;
    let metadata = stage.get("carol", &format!("/v1/attachments/{id}?metadata=1")).await;
    let (empty, _) = slot(&stage, "alice", json!({ "to": "carol" }), "text/plain", BYTES).await;
    let incomplete = stage.get("carol", &format!("/v1/attachments/{empty}")).await;
    for answer in [&unknown, &malformed, &metadata, &incomplete] {
        assert_eq!((answer.status, &answer.body), (404, &foreign.body));
    }
    // Blocks and deleted accounts take nothing away from whom it was for.
    stage.block("bob", "alice").await;
    located(&stage, "bob", &id).await;
    assert_eq!(stage.delete("alice", "/v1/agents/alice").await.status, 200);
    located(&stage, "bob", &id).await;
}

#[store_test]
async fn a_groups_file_is_fetched_by_whoever_is_in_it_now(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol", "dave"]).await;
    let group = group(&stage, &["alice", "bob"]).await;
    let not_found = (404, "NOT_FOUND".to_owned());
    assert_eq!(refused(&stage, "carol", json!({ "conversation_id": group })).await, (404, "GROUP_NOT_FOUND".into()));
    let id = attached(&stage, "bob", json!({ "conversation_id": group }), BYTES).await;
    let path = format!("/v1/attachments/{id}");
    located(&stage, "alice", &id).await;
    assert_eq!(stage.get("carol", &path).await.refusal(), not_found);
    let added = stage.post("alice", &format!("/v1/groups/{group}/members"), json!({ "handle": "carol" })).await;
    let invite = added.json()["invite_id"].as_str().unwrap().to_owned();
    assert_eq!(stage.get("carol", &path).await.refusal(), not_found);
    stage.post("carol", &format!("/v1/groups/invites/{invite}/accept"), json!({})).await;
    located(&stage, "carol", &id).await;
    for leaver in ["bob", "carol"] {
        stage.post(leaver, &format!("/v1/groups/{group}/leave"), json!({})).await;
    }
    assert_eq!(stage.get("carol", &path).await.refusal(), not_found);
    // Whoever uploaded it keeps it as long as the group lives.
    located(&stage, "bob", &id).await;
    assert_eq!(stage.delete("alice", &format!("/v1/groups/{group}")).await.status, 200);
    for participant in ["alice", "bob", "carol"] {
        let ended = stage.get(participant, &path).await;
        assert_eq!(ended.refusal(), (410, "GROUP_DELETED".into()), "{participant}");
        assert_eq!(ended.json()["details"]["group_id"], json!(group));
    }
    assert_eq!(stage.get("dave", &path).await.refusal(), not_found);
    assert_eq!(refused(&stage, "alice", json!({ "conversation_id": group })).await, (410, "GROUP_DELETED".into()));
    assert_eq!(refused(&stage, "dave", json!({ "conversation_id": group })).await, (404, "GROUP_NOT_FOUND".into()));
}
