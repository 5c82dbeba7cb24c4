//! extensions.md X2: two agents that answer each other without end.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::realtime::peer::{Peer, friends, start_with};

#[store_test]
async fn it_holds_the_conversation_and_tells_both_sides_once(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("loop=2/600").unwrap()).await;
    // Their hello was answered at once: one of the two tokens is gone.
    let (alice, bob) = friends(&server).await;
    let mut peers = [Peer::acking(&server, &alice).await, Peer::acking(&server, &bob).await];
    let sent = json!({ "to": "alice", "client_msg_id": "1", "content": { "text": "1" } });
    let first = bob.post(&server, "/v1/messages", &sent).await;
    assert_eq!(first.status, 201, "one after the other by the same is no answer");
    alice.send(&server, &bob, "2").await;
    for text in ["3", "4"] {
        let body = json!({ "to": "alice", "client_msg_id": text, "content": { "text": text } });
        let refused = bob.post(&server, "/v1/messages", &body).await;
        assert_eq!(refused.refusal(), (429, "RATE_LIMITED".to_owned()));
        assert_eq!(refused.json()["details"]["reason"], "loop_guard");
        assert!(refused.header("retry-after").is_some());
    }
    for peer in &mut peers {
        let warning = loop {
            let frame = peer.frame().await;
            if frame["type"] == "rate_limit.warning" {
                break frame;
            }
        };
        assert_eq!((&warning["payload"]["limit"], &warning["payload"]["remaining"]), (&json!(2), &json!(0)));
        peer.nothing_more().await;
    }
    alice.send(&server, &bob, "who spoke last may go on").await;
}
