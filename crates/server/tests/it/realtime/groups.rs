//! Messages of groups on sockets.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::peer::{Agent, Peer, start};
use crate::client::TestServer;

/// alice's group with bob and carol; nothing waits for anybody.
async fn group(server: &TestServer) -> ([Agent; 3], String) {
    let agents =
        [Agent::new(server, "alice").await, Agent::new(server, "bobby").await, Agent::new(server, "carol").await];
    let body = json!({ "name": "ops", "member_handles": ["bobby", "carol"] });
    let made = agents[0].post(server, "/v1/groups", &body).await.json();
    for agent in &agents[1..] {
        let invites = agent.get(server, "/v1/groups/invites", &[]).await;
        let path = format!("/v1/groups/invites/{}/accept", invites[0]["id"].as_str().unwrap());
        assert_eq!(agent.post(server, &path, &json!({})).await.status, 200);
    }
    for agent in &agents {
        let rows = agent.get(server, "/v1/messages/sync", &[]).await;
        if let Some(last) = rows.as_array().unwrap().last() {
            let ack = json!({ "last_delivery_id": last["delivery_id"] });
            assert_eq!(agent.post(server, "/v1/messages/sync/ack", &ack).await.status, 200);
        }
    }
    (agents, made["group"]["id"].as_str().unwrap().to_owned())
}

async fn tell(server: &TestServer, from: &Agent, group: &str, text: &str) -> Value {
    let body = json!({ "conversation_id": group, "client_msg_id": text, "content": { "text": text } });
    let answer = from.post(server, "/v1/messages", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

#[store_test]
async fn all_members_but_the_sender_hear_it_in_order(engine: Engine) {
    let server = start(engine).await;
    let ([alice, bob, carol], group) = group(&server).await;
    let mut peers = [Peer::acking(&server, &bob).await, Peer::acking(&server, &carol).await];
    let mut own = Peer::acking(&server, &alice).await;
    for text in ["1", "2", "3"] {
        tell(&server, &alice, &group, text).await;
    }
    for peer in &mut peers {
        let mut seqs = Vec::new();
        for text in ["1", "2", "3"] {
            let frame = peer.frame().await;
            assert_eq!(frame["payload"]["content"]["text"], text);
            assert_eq!(frame["payload"]["context"]["conversation"]["group_name"], "ops");
            seqs.push(frame["payload"]["seq"].as_u64().unwrap());
            peer.ack(&frame["payload"]["id"]).await;
        }
        assert_eq!(seqs, [3, 4, 5]);
        peer.nothing_more().await;
    }
    own.nothing_more().await;
    bob.until_undelivered(&server, 0).await;
    carol.until_undelivered(&server, 0).await;
}

#[store_test]
async fn an_own_message_fills_the_hole_in_a_group_too(engine: Engine) {
    let server = start(engine).await;
    let ([alice, bob, _], group) = group(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    tell(&server, &alice, &group, "question").await;
    assert_eq!(peer.text().await, "question");
    tell(&server, &bob, &group, "answer").await;
    tell(&server, &alice, &group, "thanks").await;
    let own = peer.frame().await;
    assert_eq!((&own["payload"]["is_own"], &own["payload"]["content"]["text"]), (&json!(true), &json!("answer")));
    assert_eq!(peer.text().await, "thanks");
}

#[store_test]
async fn a_muted_group_is_silent_but_not_lost(engine: Engine) {
    let server = start(engine).await;
    let ([alice, bob, carol], group) = group(&server).await;
    let mute = json!({ "target_kind": "conversation", "target_id": group });
    assert_eq!(bob.post(&server, "/v1/mutes", &mute).await.status, 201);
    let mute = json!({ "target_kind": "agent", "target_handle": "alice" });
    assert_eq!(carol.post(&server, "/v1/mutes", &mute).await.status, 201);
    let mut peers = [Peer::acking(&server, &bob).await, Peer::acking(&server, &carol).await];
    tell(&server, &alice, &group, "psst").await;
    for peer in &mut peers {
        peer.nothing_more().await;
    }
    assert_eq!((bob.undelivered(&server).await, carol.undelivered(&server).await), (1, 1));
    let mut again = Peer::acking(&server, &bob).await;
    assert_eq!(again.text().await, "psst", "what was stored before a socket came is drained");
}

#[store_test]
async fn a_socket_sends_to_groups_as_http_does(engine: Engine) {
    let server = start(engine).await;
    let ([alice, bob, _], group) = group(&server).await;
    let mut peer = Peer::acking(&server, &alice).await;
    let frame = json!({
        "type": "message.send", "request_id": "r1", "conversation_id": group, "client_msg_id": "m-1",
        "content": { "text": "from a socket" },
    });
    peer.say(frame.clone()).await;
    let sent = peer.frame().await;
    assert_eq!((&sent["type"], &sent["payload"]["replay"]), (&json!("message.sent"), &json!(false)));
    assert_eq!(sent["payload"]["skipped_recipients"], json!([]));
    peer.say(frame).await;
    assert_eq!(peer.frame().await["payload"]["replay"], json!(true));
    assert_eq!(bob.undelivered(&server).await, 1);
}
