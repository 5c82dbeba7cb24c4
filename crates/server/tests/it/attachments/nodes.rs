//! Several nodes, one object store: whichever is asked.

use agentchat_objects::Location;
use serde_json::json;

use super::declared;
use crate::accounts::call;
use crate::nodes::Nodes;

const BYTES: &[u8] = b"from node to node";

/// Address as one node handed it out, asked of another: each calls itself by its own port here.
fn path(address: &str) -> &str {
    let (_, rest) = address.split_once("://").unwrap();
    &rest[rest.find('/').unwrap()..]
}

#[tokio::test]
async fn an_address_of_one_node_opens_on_another() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = Nodes::start_with(2, |_, config| config.objects = Location::folder(folder.path())).await;
    let [one, other] = [&nodes.nodes[0], &nodes.nodes[1]];
    let (alice, bob) = (one.register("alice").await, one.register("bob").await);
    let body = declared(json!({ "to": "bob" }), "text/plain", BYTES).to_string();
    let slot = call(one, &alice, "POST", "/v1/uploads", &body).await.json();
    let upload = path(slot["upload_url"].as_str().unwrap());
    assert_eq!(other.request("PUT", upload, &[], BYTES).await.status, 200);
    let id = slot["attachment_id"].as_str().unwrap();
    let located = call(one, &bob, "GET", &format!("/v1/attachments/{id}"), "").await;
    let download = path(located.header("location").unwrap());
    for node in [one, other] {
        assert_eq!(node.get(download).await.content, BYTES);
    }
}
