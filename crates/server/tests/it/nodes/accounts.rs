//! What happens to an account on one node, on the others.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Nodes, until};
use crate::client::TestServer;
use crate::realtime::peer::{Agent, Peer};

/// What the contract allows while there is a bus.
const ONE_SECOND: Duration = Duration::from_secs(1);

/// Replaces an agent's key; returns the new one.
pub(crate) async fn rotate(node: &TestServer, agent: &Agent) -> String {
    let path = format!("/v1/agents/{}/rotate-key", agent.handle);
    let begun = agent.post(node, &path, &json!({})).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let code = node.mailed_code(&format!("{}@example.com", agent.handle));
    let body = json!({ "pending_id": begun.json()["pending_id"], "code": code });
    let rotated = agent.post(node, &format!("{path}/verify"), &body).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    rotated.json()["api_key"].as_str().unwrap().to_owned()
}

/// Status of a request with the agent's key.
pub(super) async fn status(node: &TestServer, agent: &Agent) -> u16 {
    node.request("GET", "/v1/agents/me", &[("Authorization", &agent.bearer())], b"").await.status
}

#[tokio::test]
async fn a_key_replaced_on_one_node_is_dead_on_all_within_a_second() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let mut alice = Agent::new(first, "alice").await;
    assert_eq!(status(second, &alice).await, 200, "from now on it is remembered there");
    let mut peer = Peer::acking(second, &alice).await;
    let fresh = rotate(first, &alice).await;
    let began = Instant::now();
    assert_eq!(peer.closed().await, (4403, "API key rotated".to_owned()));
    assert!(began.elapsed() < ONE_SECOND, "{:?}", began.elapsed());
    let forgotten = until("the old key is refused", async || status(second, &alice).await == 401).await;
    assert!(forgotten < ONE_SECOND, "{forgotten:?}");
    alice.key = fresh;
    assert_eq!(status(second, &alice).await, 200);
    Peer::acking(second, &alice).await.nothing_more().await;
}

#[tokio::test]
async fn an_account_deleted_on_one_node_is_gone_on_all_within_a_second() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let alice = Agent::new(first, "alice").await;
    let mut peer = Peer::acking(second, &alice).await;
    let bearer = alice.bearer();
    let deleted = first.request("DELETE", "/v1/agents/alice", &[("Authorization", &bearer)], b"").await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let began = Instant::now();
    assert_eq!(peer.closed().await, (4403, "Account deleted".to_owned()));
    assert!(began.elapsed() < ONE_SECOND, "{:?}", began.elapsed());
    until("the key is refused", async || status(second, &alice).await == 401).await;
}

#[tokio::test]
async fn a_changed_record_is_seen_on_all() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = crate::realtime::peer::friends(first).await;
    alice.send(second, &bob, "before").await;
    let bearer = alice.bearer();
    let body = json!({ "display_name": "Alice A." }).to_string();
    let changed = first.request("PATCH", "/v1/agents/alice", &[("Authorization", &bearer)], body.as_bytes()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let sent = alice.send(second, &bob, "after").await;
    assert_eq!(sent["context"]["sender"]["display_name"], "Alice A.");
}
