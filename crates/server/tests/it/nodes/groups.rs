//! Groups whose members are on several nodes.

use serde_json::{Value, json};

use super::Nodes;
use crate::groups::{done, of, text};
use crate::realtime::peer::{Agent, Peer};

#[tokio::test]
async fn an_invitation_is_told_on_the_other_node() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = (Agent::new(first, "alice").await, Agent::new(first, "bobby").await);
    let mut peer = Peer::acking(second, &bob).await;
    peer.nothing_more().await;
    let body = json!({ "name": "ops", "member_handles": ["bobby"] });
    assert_eq!(alice.post(first, "/v1/groups", &body).await.status, 201);
    let frame = peer.frame().await;
    assert_eq!(frame["type"], "group.invite.received");
    let accept = format!("/v1/groups/invites/{}/accept", text(&frame["payload"]["id"]));
    assert_eq!(done(second, &bob, "POST", &accept).await["member_count"], 2);
}

#[tokio::test]
async fn the_end_is_told_on_the_other_node_behind_the_last_message() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = (Agent::new(first, "alice").await, Agent::new(first, "bobby").await);
    let group = of(first, &[&alice, &bob]).await;
    let mut peers = [Peer::acking(first, &bob).await, Peer::acking(second, &bob).await];
    for peer in &mut peers {
        peer.nothing_more().await;
    }
    let ended = done(first, &alice, "DELETE", &format!("/v1/groups/{group}")).await;
    for peer in &mut peers {
        let last = peer.frame().await;
        assert_eq!(last["payload"]["content"]["data"]["event"], "group_deleted", "{last}");
        let frame = peer.frame().await;
        assert_eq!((&frame["type"], &frame["payload"]["deleted_at"]), (&json!("group.deleted"), &ended["deleted_at"]));
        peer.nothing_more().await;
    }
}

#[tokio::test]
async fn invitations_are_counted_over_all_nodes() {
    let nodes = Nodes::start_with(2, |_, config| config.limits.set("group_invite=2/86400").unwrap()).await;
    let (first, second) = nodes.two();
    let alice = Agent::new(first, "alice").await;
    for handle in ["bobby", "carol", "davey"] {
        Agent::new(first, handle).await;
    }
    let group = of(first, &[&alice]).await;
    let path = format!("/v1/groups/{group}/members");
    let add = async |node, handle: &str| alice.post(node, &path, &json!({ "handle": handle })).await;
    assert_eq!(add(first, "bobby").await.status, 201);
    assert_eq!(add(second, "carol").await.status, 201);
    for node in [first, second] {
        let refused = add(node, "davey").await;
        assert_eq!((refused.status, refused.error_code().as_str()), (429, "RATE_LIMITED"));
    }
}

#[tokio::test]
async fn members_who_come_and_go_on_two_nodes_are_counted() {
    let nodes = Nodes::start(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = (Agent::new(first, "alice").await, Agent::new(first, "bobby").await);
    let group = of(first, &[&alice, &bob]).await;
    done(second, &bob, "POST", &format!("/v1/groups/{group}/leave")).await;
    let shown = alice.get(first, &format!("/v1/groups/{group}"), &[]).await;
    assert_eq!(shown["member_count"], 1);
    let gone = bob.post(first, &format!("/v1/groups/{group}/leave"), &Value::Null).await;
    assert_eq!(gone.error_code(), "GROUP_NOT_FOUND");
}
