//! One run at a time, counted, and gone on with where another ended.

use agentchat_core::messages::HistoryAnchor;
use agentchat_core::retention::{AdvanceRun, ClaimRun, Emptied, EndRun, ShowRetention};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::message::MessageStatus;
use agentchat_store::Engine;
use agentchat_store::key::MessageKey;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{LEASE, NODE};
use crate::world::{World, code, texts};

const OTHER: [u8; 16] = [2; 16];

#[store_test]
async fn exactly_one_node_has_a_run(engine: Engine) {
    let world = World::new(engine).await;
    let claim = async |node| world.store.write(ClaimRun(world.run_claim(node))).await.expect("a claim");
    assert_eq!(world.store.read(ShowRetention).await.expect("none"), None);
    assert_eq!(claim(NODE).await, Some(MessageKey(0)));
    assert_eq!(claim(OTHER).await, None, "it is taken");
    let advance =
        |node, through| AdvanceRun { claim: world.run_claim(node), through: MessageKey(through), waiting: Vec::new() };
    assert!(world.store.write(advance(NODE, 7)).await.expect("advanced"));
    assert!(!world.store.write(advance(OTHER, 9)).await.expect("not advanced"));

    world.pass(LEASE - 1);
    assert_eq!(claim(OTHER).await, None);
    world.pass(1);
    assert_eq!(claim(OTHER).await, Some(MessageKey(7)), "the first one is dead, and what it noted holds");
    assert!(!world.store.write(advance(NODE, 8)).await.expect("not advanced"));
    let next_at = world.now().plus_millis(1_000);
    let end = |node| EndRun { node, now: world.now(), next_at };
    world.store.write(end(NODE)).await.expect("nothing");
    assert_eq!(world.store.read(ShowRetention).await.expect("a row").expect("a run").last_at, None);
    world.store.write(end(OTHER)).await.expect("the end");
    let row = world.store.read(ShowRetention).await.expect("a row").expect("a run");
    assert_eq!((row.last_at, row.next_at), (Some(world.now().as_millis()), next_at.as_millis()));
    assert_eq!(claim(NODE).await, None, "it is not due");
    world.pass(1_000);
    assert_eq!(claim(NODE).await, Some(MessageKey(7)));
}

#[store_test]
async fn many_nodes_at_once_are_one(engine: Engine) {
    let world = World::new(engine).await;
    let claim = |node: u8| world.store.write(ClaimRun(world.run_claim([node; 16])));
    let (one, two, three, four) = tokio::join!(claim(1), claim(2), claim(3), claim(4));
    let taken = [one, two, three, four].into_iter().filter(|claim| matches!(claim, Ok(Some(_))));
    assert_eq!(taken.count(), 1);
}

#[store_test]
async fn only_what_reached_everybody_goes(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let carol = world.agent("carol").await;
    let group = world.gathered(&[&alice, &bob, &carol]).await;
    world.speak(&alice, group, "to both").await;
    let direct = world.say(&alice, &bob, "to one").await;
    world.ack_all(&bob).await;
    world.pass(1_000);
    let before = world.now();
    world.say(&alice, &bob, "young").await;
    world.ack_all(&bob).await;
    // The two of the acquaintance, and what carol does not have to get.
    assert_eq!(world.retain(before).await, Emptied { messages: 3, attachments: 0 });
    let history = world.history(&bob, direct.conversation_id, HistoryAnchor::After(0)).await;
    assert_eq!(texts(&history), ["young"]);
    assert_eq!(history[0].seq, 4);
    assert_eq!(texts(&world.history(&alice, group, HistoryAnchor::Newest).await), ["to both"]);
    assert_eq!(world.undelivered(&carol).await, 1);

    assert_eq!(world.retain(before).await, Emptied::default(), "nothing is done twice");
    world.ack_all(&carol).await;
    assert_eq!(world.retain(before).await, Emptied { messages: 1, attachments: 0 });
    assert_eq!(texts(&world.history(&carol, group, HistoryAnchor::Newest).await), Vec::<String>::new());
    assert_eq!(world.speak(&carol, group, "and on").await.seq, 2);
}

#[store_test]
async fn a_stub_answers_its_senders_repeat(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let body = json!({
        "to": "bob", "client_msg_id": "kept", "content": { "text": "@bob look" }, "metadata": { "a": 1 }
    });
    let sent = world.send(&alice, body.clone()).await.expect("sent").message;
    world.ack_all(&bob).await;
    world.pass(1);
    assert_eq!(world.retain(world.now()).await.messages, 3);
    let again = world.send(&alice, body).await.expect("a replay");
    assert!(again.replayed && again.deliveries.is_empty());
    let stub = again.message;
    assert_eq!((stub.id, stub.seq, &stub.client_msg_id), (sent.id, sent.seq, &sent.client_msg_id));
    assert_eq!((stub.content.as_str(), stub.metadata.as_str(), stub.context.mentions.len()), ("{}", "{}", 0));
    assert_eq!((stub.status, stub.delivered_at, stub.read_at), (MessageStatus::Delivered, None, None));
    let other = json!({ "to": "bob", "client_msg_id": "kept", "content": { "text": "another" } });
    assert_eq!(code(world.send(&alice, other).await), ErrorCode::IdempotencyKeyConflict);
}
