//! `/v1/groups`: answers, limits, what is pushed and in which order.

mod answers;
mod bounds;
mod events;
mod masking;

use serde_json::{Value, json};

use crate::client::TestServer;
use crate::realtime::peer::Agent;
use crate::stage::Stage;

/// A group on the stage: the first made it, the others came a second apart. Its id.
pub(crate) async fn on_stage(stage: &Stage, members: &[&str]) -> String {
    let body = json!({ "name": "ops", "member_handles": &members[1..] });
    let created = stage.post(members[0], "/v1/groups", body).await;
    assert_eq!(created.status, 201, "{created:?}");
    for (member, result) in members[1..].iter().zip(created.json()["add_results"].as_array().unwrap()) {
        stage.clock.advance(1_000);
        let path = format!("/v1/groups/invites/{}/accept", text(&result["invite_id"]));
        assert_eq!(stage.post(member, &path, Value::Null).await.status, 200);
    }
    text(&created.json()["group"]["id"])
}

/// A group of agents with sockets of their own, with nothing of it waiting for them. Its id.
pub(crate) async fn of(server: &TestServer, members: &[&Agent]) -> String {
    let others: Vec<&str> = members[1..].iter().map(|member| member.handle).collect();
    let body = json!({ "name": "ops", "member_handles": others });
    let created = members[0].post(server, "/v1/groups", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    for (member, result) in members[1..].iter().zip(created.json()["add_results"].as_array().unwrap()) {
        let path = format!("/v1/groups/invites/{}/accept", text(&result["invite_id"]));
        assert_eq!(member.post(server, &path, &Value::Null).await.status, 200);
    }
    for member in members {
        let rows = member.get(server, "/v1/messages/sync", &[]).await;
        if let Some(last) = rows.as_array().unwrap().last() {
            let body = json!({ "last_delivery_id": last["delivery_id"] });
            assert_eq!(member.post(server, "/v1/messages/sync/ack", &body).await.status, 200);
        }
    }
    text(&created.json()["group"]["id"])
}

/// Says something to a group.
pub(crate) async fn speak(server: &TestServer, from: &Agent, group: &str, saying: &str) {
    let id: String = saying.chars().take(100).collect();
    let body = json!({ "conversation_id": group, "client_msg_id": id, "content": { "text": saying } });
    let answer = from.post(server, "/v1/messages", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// A request without a body whose answer must be 200.
pub(crate) async fn done(server: &TestServer, by: &Agent, method: &str, path: &str) -> Value {
    let answer = server.request(method, path, &[("Authorization", &by.bearer())], b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
