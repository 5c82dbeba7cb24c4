use agentchat_core::messages::HistoryAnchor;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::message::MessageStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Change, World, code, refusal};

#[store_test]
async fn the_first_message_opens_a_conversation_and_waits_in_the_inbox(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let body = json!({ "to": "@Bob", "client_msg_id": "m1", "content": { "text": "hi @carol and @carol" } });
    let sent = world.send(&alice, body).await.expect("accepted");

    assert_eq!((sent.message.seq, sent.replayed), (1, false));
    assert_eq!(sent.message.status, MessageStatus::Stored);
    assert_eq!(sent.message.sender.as_str(), "alice");
    assert_eq!(sent.message.context.sender.display_name.as_deref(), Some("ALICE"));
    assert_eq!(sent.message.context.mentions.iter().map(|h| h.as_str()).collect::<Vec<_>>(), ["carol"]);
    assert_eq!(sent.deliveries.len(), 1);
    assert_eq!((sent.deliveries[0].recipient, sent.deliveries[0].position), (bob.key, 1));

    let waiting = world.pending(&bob, 0, 10).await;
    assert_eq!(waiting.len(), 1);
    let row = &waiting[0].message;
    assert_eq!((row.id, row.is_own, row.sender_handle.as_ref()), (sent.message.id, Some(false), Some(&alice.handle)));
    assert_eq!(world.keys().decode(bob.key.0, &row.delivery().expect("a delivery id")), Some(1));
    assert_eq!(world.undelivered(&bob).await, 1);
    assert_eq!(world.undelivered(&alice).await, 0);
}

#[store_test]
async fn a_replay_answers_the_original_and_changes_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let body =
        json!({ "to": "bob", "client_msg_id": "m1", "content": { "text": "hi" }, "metadata": { "b": 1, "a": 2 } });
    let first = world.send(&alice, body).await.expect("accepted");
    world.pass(1000);
    let again =
        json!({ "metadata": { "a": 2, "b": 1 }, "content": { "text": "hi" }, "client_msg_id": "m1", "to": "@BOB" });
    let replay = world.send(&alice, again.clone()).await.expect("a replay");
    assert!(replay.replayed && replay.deliveries.is_empty());
    assert_eq!(replay.message, first.message);

    // Not even a block, a pause or the end of the recipient's account change the answer.
    world.change(Change::Block(bob.clone(), alice.clone())).await;
    world.change(Change::Paused(alice.clone(), agentchat_protocol::agent::PausedByOwner::Full)).await;
    world.change(Change::Status(bob.clone(), agentchat_protocol::agent::AgentStatus::Deleted)).await;
    assert_eq!(world.send(&alice, again).await.expect("still a replay").message.id, first.message.id);
    assert_eq!(world.undelivered(&bob).await, 1);
    let rows = world.history(&alice, first.message.conversation_id, HistoryAnchor::Newest).await;
    assert_eq!(rows.len(), 1);
}

#[store_test]
async fn another_target_or_payload_under_the_same_id_is_a_conflict(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let carol = world.agent("carol").await;
    let body = json!({ "to": "bob", "client_msg_id": "same", "content": { "text": "one" } });
    let first = world.send(&alice, body).await.expect("accepted");
    for other in [
        json!({ "to": "bob", "client_msg_id": "same", "content": { "text": "two" } }),
        json!({ "to": "bob", "client_msg_id": "same", "type": "structured", "content": { "text": "one" } }),
        json!({ "to": "bob", "client_msg_id": "same", "content": { "text": "one" }, "metadata": { "a": 1 } }),
        json!({ "to": carol.handle, "client_msg_id": "same", "content": { "text": "one" } }),
    ] {
        assert_eq!(code(world.send(&alice, other).await), ErrorCode::IdempotencyKeyConflict);
    }
    // The conversation's id names the same target.
    let by_id = json!({ "conversation_id": first.message.conversation_id, "client_msg_id": "same", "content": { "text": "one" } });
    assert!(world.send(&alice, by_id).await.expect("a replay").replayed);
    // Another sender's ids are another sender's.
    let bobs = json!({ "to": "alice", "client_msg_id": "same", "content": { "text": "three" } });
    assert!(!world.send(&bob, bobs).await.expect("accepted").replayed);
}

#[store_test]
async fn a_refused_send_leaves_nothing_behind(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    world.change(Change::ContactsOnly(bob.clone())).await;
    let body = json!({ "to": "bob", "client_msg_id": "m1", "content": { "text": "hi" } });
    assert_eq!(code(world.send(&alice, body).await), ErrorCode::InboxRestricted);
    assert!(world.conversations(&alice).await.is_empty());
    assert!(world.conversations(&bob).await.is_empty());

    world.change(Change::Contact(bob.clone(), alice.clone())).await;
    let other = json!({ "to": "bob", "client_msg_id": "m1", "content": { "text": "another text, the id is free" } });
    assert_eq!(world.send(&alice, other).await.expect("accepted").message.seq, 1);
}

#[store_test]
async fn a_conversation_is_addressed_by_its_id_too(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let stranger = world.agent("stranger").await;
    let conversation = world.say(&alice, &bob, "x").await.conversation_id;
    let body = json!({ "conversation_id": conversation, "client_msg_id": "m9", "content": { "text": "by id" } });
    assert_eq!(world.send(&bob, body.clone()).await.expect("accepted").message.seq, 4);
    assert_eq!(code(world.send(&stranger, body).await), ErrorCode::ConversationNotFound);
    let group = json!({ "conversation_id": "grp_01KF0FV2EWF5WA0HM5ZD1QSCP7", "client_msg_id": "g", "content": { "text": "x" } });
    assert_eq!(code(world.send(&bob, group).await), ErrorCode::GroupNotFound);
}

#[store_test]
async fn a_senders_clock_that_steps_back_does_not_take_the_conversation_with_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let before = world.say(&alice, &bob, "now").await;
    world.pass(-5_000);
    let after = world.say(&alice, &bob, "earlier?").await;
    assert_eq!(after.created_at, before.created_at);
    assert!(after.seq > before.seq);
}

#[store_test]
async fn an_attachment_nobody_uploaded_is_not_found(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob) = world.acquainted("alice", "bob").await;
    let body = json!({ "to": "bob", "client_msg_id": "f", "type": "file", "content": { "attachment_id": "att_01KF0FV2EWF5WA0HM5ZD1QSCP7" } });
    let refused = refusal(world.send(&alice, body).await);
    assert_eq!(refused.code, ErrorCode::AttachmentNotFound);
}
