use agentchat_core::messages::{HideMessage, HistoryAnchor, ReadMessage, ReadOutcome, ReadThrough};
use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::message::{Message, MessageStatus};
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Agent, Change, World, code};

async fn read(
    world: &World,
    reader: &Agent,
    message: MessageId,
) -> Result<(Message, ReadOutcome), agentchat_core::Error> {
    let operation = ReadMessage { reader: reader.key, handle: reader.handle.clone(), message, now: world.now() };
    world.store.write(operation).await.map(|answer| (answer.message, answer.outcome))
}

async fn through(world: &World, reader: &Agent, conversation: ConversationId, through_seq: u64) -> ReadOutcome {
    let operation =
        ReadThrough { reader: reader.key, handle: reader.handle.clone(), conversation, through_seq, now: world.now() };
    world.store.write(operation).await.expect("moved")
}

#[store_test]
async fn reading_moves_the_cursor_over_everything_before_and_tells_the_sender_once(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let one = world.say(&alice, &bob, "1").await;
    let two = world.say(&alice, &bob, "2").await;
    let three = world.say(&alice, &bob, "3").await;
    world.pass(500);
    let (row, outcome) = read(&world, &bob, two.id).await.expect("read");
    assert_eq!((row.status, row.read_at), (MessageStatus::Read, Some(world.now())));
    assert_eq!(row.delivered_at, Some(world.now()), "read implies delivered");
    assert_eq!(outcome.events.len(), 1);
    let event = &outcome.events[0];
    assert_eq!((event.to, event.frame.message_id, event.frame.seq), (alice.key, two.id, two.seq));
    assert_eq!((event.frame.read_by.as_str(), event.frame.through_seq), ("bob", two.seq));
    assert_eq!(world.undelivered(&bob).await, 1, "what was read has left the queue");

    world.pass(500);
    let (again, outcome) = read(&world, &bob, one.id).await.expect("a no-op");
    assert!(outcome.events.is_empty());
    assert_eq!(again.read_at, row.read_at);
    let list = world.conversations(&bob).await;
    assert_eq!((list[0].unread_count, list[0].oldest_unread_seq), (1, Some(three.seq)));

    let mine = world.history(&alice, one.conversation_id, HistoryAnchor::After(2)).await;
    let status: Vec<_> = mine.iter().map(|row| row.status.clone()).collect();
    assert_eq!(status, [MessageStatus::Read, MessageStatus::Read, MessageStatus::Stored]);
}

#[store_test]
async fn only_who_received_a_message_can_read_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let stranger = world.agent("stranger").await;
    let sent = world.say(&alice, &bob, "x").await;
    assert_eq!(code(read(&world, &alice, sent.id).await), ErrorCode::MessageNotFound);
    assert_eq!(code(read(&world, &stranger, sent.id).await), ErrorCode::MessageNotFound);
    assert_eq!(code(read(&world, &bob, MessageId::from_bytes([1; 16])).await), ErrorCode::MessageNotFound);
}

#[store_test]
async fn a_cursor_frame_is_clamped_and_never_moves_back(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let sent = world.say(&alice, &bob, "x").await;
    let conversation = sent.conversation_id;
    assert_eq!(through(&world, &bob, conversation, 1_000_000).await.events.len(), 1);
    assert!(through(&world, &bob, conversation, 1).await.events.is_empty());
    assert_eq!(world.conversations(&bob).await[0].unread_count, 0);
    // The clamp matters: what comes afterwards is unread.
    world.say(&alice, &bob, "y").await;
    assert_eq!(world.conversations(&bob).await[0].unread_count, 1);
    let stranger = world.agent("stranger").await;
    assert!(through(&world, &stranger, conversation, 9).await.events.is_empty());
}

#[store_test]
async fn paused_or_blocked_senders_are_not_told(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let sent = world.say(&alice, &bob, "x").await;
    world.change(Change::Paused(alice.clone(), PausedByOwner::Full)).await;
    assert!(through(&world, &bob, sent.conversation_id, 99).await.events.is_empty());
    world.change(Change::Paused(alice.clone(), PausedByOwner::None)).await;
    world.say(&alice, &bob, "y").await;
    world.change(Change::Block(alice.clone(), bob.clone())).await;
    assert!(through(&world, &bob, sent.conversation_id, 99).await.events.is_empty());
    assert_eq!(world.conversations(&bob).await[0].unread_count, 0, "read all the same");
}

#[store_test]
async fn unread_counts_stay_right_through_reads_hides_and_own_messages(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let unread = async || world.conversations(&bob).await[0].unread_count;
    let first = world.say(&alice, &bob, "3").await;
    world.say(&bob, &alice, "4").await;
    let fifth = world.say(&alice, &bob, "5").await;
    world.say(&alice, &bob, "6").await;
    assert_eq!(unread().await, 4);
    world.store.write(HideMessage { agent: bob.key, message: fifth.id, now: world.now() }).await.expect("hidden");
    assert_eq!(unread().await, 3);
    through(&world, &bob, first.conversation_id, 4).await;
    assert_eq!(unread().await, 1);
    through(&world, &bob, first.conversation_id, 5).await;
    assert_eq!(unread().await, 1, "the hidden one was not counted, so reading it takes nothing away");
    through(&world, &bob, first.conversation_id, 6).await;
    assert_eq!(unread().await, 0);
    world.say(&bob, &alice, "7").await;
    assert_eq!(unread().await, 0);
    world.say(&alice, &bob, "8").await;
    assert_eq!(unread().await, 1);
}
