use agentchat_core::messages::{HideMessage, HistoryAnchor};
use agentchat_protocol::message::MessageStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::World;

#[store_test]
async fn acks_settle_up_to_the_cursor_and_no_further(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    for number in 0..5 {
        world.say(&alice, &bob, &format!("{number}")).await;
    }
    let rows = world.pending(&bob, 0, 10).await;
    assert_eq!(rows.len(), 5);
    let positions: Vec<u64> = rows.iter().map(|row| row.position).collect();
    assert_eq!(positions, [2, 3, 4, 5, 6]);
    assert_eq!(world.ack_through(&bob, 4).await, 3);
    assert_eq!(world.ack_through(&bob, 4).await, 0, "a repeated cursor is a no-op");
    assert_eq!(world.ack_through(&bob, 1).await, 0, "so is a smaller one");
    assert_eq!(world.undelivered(&bob).await, 2);
    assert_eq!(world.pending(&bob, 0, 10).await.len(), 2);
    assert_eq!(world.pending(&bob, 5, 10).await.len(), 1, "the read cursor is exclusive");
    assert_eq!(world.pending(&bob, 5, 10).await[0].position, 6);
}

#[store_test]
async fn reading_a_page_settles_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.say(&alice, &bob, "x").await;
    for _ in 0..3 {
        assert_eq!(world.pending(&bob, 0, 10).await.len(), 1);
    }
    assert_eq!(world.undelivered(&bob).await, 1);
}

#[store_test]
async fn socket_acks_settle_exactly_these_messages_of_exactly_this_agent(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let one = world.say(&alice, &bob, "1").await;
    let two = world.say(&alice, &bob, "2").await;
    let three = world.say(&alice, &bob, "3").await;
    assert_eq!(world.settle(&alice, &[one.id, two.id]).await, 0, "the sender has no envelope");
    assert_eq!(world.settle(&bob, &[two.id, two.id]).await, 1);
    assert_eq!(world.settle(&bob, &[two.id]).await, 0);
    let left: Vec<_> = world.pending(&bob, 0, 10).await.iter().map(|row| row.id).collect();
    assert_eq!(left, [one.id, three.id]);
    assert_eq!(world.undelivered(&bob).await, 2);

    let mine = world.history(&alice, one.conversation_id, HistoryAnchor::After(2)).await;
    let status: Vec<_> = mine.iter().map(|row| row.status.clone()).collect();
    assert_eq!(status, [MessageStatus::Stored, MessageStatus::Delivered, MessageStatus::Stored]);
    assert_eq!(mine[1].delivered_at, Some(world.now()));
}

#[store_test]
async fn a_long_queue_is_acked_in_chunks_that_miss_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let mut sends = tokio::task::JoinSet::new();
    for number in 0..2_300 {
        let operation = world.operation(
            &alice,
            &serde_json::json!({ "to": "bob", "client_msg_id": format!("bulk-{number}"), "content": { "text": "x" } }),
        );
        let store = world.store.clone();
        sends.spawn(async move { store.write(operation).await.map(|_| ()) });
    }
    while let Some(sent) = sends.join_next().await {
        sent.expect("no panic").expect("accepted");
    }
    assert_eq!(world.undelivered(&bob).await, 2_300);
    assert_eq!(world.ack_through(&bob, 2_200).await, 2_199, "position 1 was acked before");
    assert_eq!(world.undelivered(&bob).await, 101);
    assert_eq!(world.ack_all(&bob).await, 101);
    assert_eq!(world.undelivered(&bob).await, 0);
}

#[store_test]
async fn a_hidden_message_leaves_the_queue_and_the_view_of_one_side_only(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let kept = world.say(&alice, &bob, "kept").await;
    let hidden = world.say(&alice, &bob, "hidden").await;
    for _ in 0..2 {
        let operation = HideMessage { agent: bob.key, message: hidden.id, now: world.now() };
        world.store.write(operation).await.expect("hidden");
    }
    assert_eq!(world.undelivered(&bob).await, 1);
    assert_eq!(world.pending(&bob, 0, 10).await.len(), 1);
    let list = world.conversations(&bob).await;
    assert_eq!((list[0].unread_count, list[0].last_message_preview.as_deref()), (2, Some("kept")));
    assert_eq!(list[0].newest_unread_seq, Some(kept.seq));
    assert_eq!(world.history(&bob, kept.conversation_id, HistoryAnchor::Newest).await.len(), 3);
    let alices = world.history(&alice, kept.conversation_id, HistoryAnchor::Newest).await;
    assert_eq!(alices.len(), 4);
    assert_eq!(alices[0].status, MessageStatus::Delivered, "hiding settles the envelope");
}
