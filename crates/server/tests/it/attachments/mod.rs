//! Files: slots, their bytes, who may fetch them, and messages that refer to them.

mod access;
mod download;
mod limits;
mod messages;
mod nodes;
mod storage;
mod upload;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::Answer;
use crate::stage::Stage;

/// A request for a slot, for `target` (`{"to": …}` or `{"conversation_id": …}`).
pub(crate) fn declared(target: Value, content_type: &str, bytes: &[u8]) -> Value {
    let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut body = json!({
        "filename": "notes.txt", "content_type": content_type, "size": bytes.len(), "sha256": sha256,
    });
    body.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
    body
}

/// A slot: its id and the path of its address.
pub(crate) async fn slot(stage: &Stage, by: &str, target: Value, content_type: &str, bytes: &[u8]) -> (String, String) {
    let answer = stage.post(by, "/v1/uploads", declared(target, content_type, bytes)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let slot = answer.json();
    (slot["attachment_id"].as_str().unwrap().to_owned(), path(stage, slot["upload_url"].as_str().unwrap()))
}

/// What an absolute address of this server asks for.
pub(crate) fn path(stage: &Stage, address: &str) -> String {
    let base = format!("http://{}", stage.server.running.addr());
    address.strip_prefix(&base).unwrap_or_else(|| panic!("{address} is not below {base}")).to_owned()
}

pub(crate) async fn put(stage: &Stage, path: &str, bytes: &[u8]) -> Answer {
    stage.server.request("PUT", path, &[], bytes).await
}

/// An attachment whose bytes are there.
pub(crate) async fn attached(stage: &Stage, by: &str, target: Value, bytes: &[u8]) -> String {
    let (id, path) = slot(stage, by, target, "text/plain", bytes).await;
    let answer = put(stage, &path, bytes).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    id
}

/// The path of a download's signed address.
pub(crate) async fn located(stage: &Stage, by: &str, id: &str) -> String {
    let answer = stage.get(by, &format!("/v1/attachments/{id}")).await;
    assert_eq!((answer.status, answer.body.as_str()), (302, ""), "{answer:?}");
    path(stage, answer.header("location").unwrap())
}

/// A group of these agents, the first its admin.
pub(crate) async fn group(stage: &Stage, members: &[&str]) -> String {
    let body = json!({ "name": "ops", "member_handles": &members[1..] });
    let created = stage.post(members[0], "/v1/groups", body).await.json();
    for (agent, added) in members[1..].iter().zip(created["add_results"].as_array().unwrap()) {
        let invite = added["invite_id"].as_str().unwrap();
        let answer = stage.post(agent, &format!("/v1/groups/invites/{invite}/accept"), json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    created["group"]["id"].as_str().unwrap().to_owned()
}
