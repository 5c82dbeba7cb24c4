//! Groups whose members are on several nodes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::Nodes;
use crate::client::TestServer;
use crate::groups::{done, of, text};
use crate::realtime::peer::{Agent, Peer};

/// Far less than what the next look into the store would take.
const SOON: Duration = Duration::from_millis(700);

/// Speaks on one node until a peer on another, which is live by then, hears it at once: that is by the bus. How often.
async fn until_heard(peer: &mut Peer, from: &TestServer, agent: &Agent, group: &str) -> usize {
    let (mut said, mut heard) = (0, 0);
    loop {
        said += 1;
        let body = json!({
            "conversation_id": group, "client_msg_id": format!("heard-{said}"), "content": { "text": "heard?" },
        });
        assert_eq!(agent.post(from, "/v1/messages", &body).await.status, 201);
        let at_once = timeout(SOON, peer.frame()).await.is_ok();
        heard += usize::from(at_once);
        if at_once && said > 1 {
            break;
        }
    }
    for _ in heard..said {
        assert_eq!(peer.frame().await["type"], "message.new");
    }
    said
}

#[tokio::test]
async fn an_invitation_is_told_on_the_other_node() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = (Agent::new(first, "alice").await, Agent::new(first, "bobby").await);
    let mut peer = Peer::acking(second, &bob).await;
    let body = json!({ "name": "ops", "member_handles": ["bobby"] });
    let frame = loop {
        assert_eq!(alice.post(first, "/v1/groups", &body).await.status, 201);
        // The bus may need a moment to know that somebody listens there.
        if let Ok(frame) = timeout(SOON, peer.frame()).await {
            break frame;
        }
    };
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
    let said = until_heard(&mut peers[1], first, &alice, &group).await;
    for _ in 0..said {
        assert_eq!(peers[0].frame().await["type"], "message.new");
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
