use agentchat_core::conversations::HideConversation;
use agentchat_core::messages::{HideMessage, HistoryAnchor};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::MessageId;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{World, code, texts};

async fn ten(world: &World) -> (crate::world::Agent, crate::world::Agent, Vec<agentchat_protocol::message::Message>) {
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let mut sent = Vec::new();
    for number in 3..=10 {
        sent.push(world.say(&alice, &bob, &number.to_string()).await);
    }
    (alice, bob, sent)
}

#[store_test]
async fn pages_follow_their_cursor(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob, sent) = ten(&world).await;
    let conversation = sent[0].conversation_id;
    let page =
        async |anchor, limit| texts(&world.try_history(&alice, conversation, anchor, limit).await.expect("a page"));
    assert_eq!(page(HistoryAnchor::Newest, 3).await, ["10", "9", "8"]);
    assert_eq!(page(HistoryAnchor::Before(8), 2).await, ["7", "6"]);
    assert_eq!(page(HistoryAnchor::After(3), 3).await, ["4", "5", "6"]);
    assert_eq!(page(HistoryAnchor::After(0), 2).await, ["hello", "hello yourself"]);
    assert_eq!(page(HistoryAnchor::After(10), 2).await, Vec::<String>::new());
    assert_eq!(page(HistoryAnchor::Around(sent[2].id), 3).await, ["5", "4", "3"]);
}

#[store_test]
async fn rows_are_the_viewers(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, sent) = ten(&world).await;
    let conversation = sent[0].conversation_id;
    let bobs = world.history(&bob, conversation, HistoryAnchor::After(0)).await;
    assert_eq!((bobs[0].is_own, bobs[1].is_own), (Some(false), Some(true)));
    assert!(bobs[0].delivery().is_some(), "received rows name their delivery");
    assert!(bobs[1].delivery().is_none(), "own rows have none");
    let alices = world.history(&alice, conversation, HistoryAnchor::After(0)).await;
    assert_eq!((alices[0].is_own, alices[1].is_own), (Some(true), Some(false)));
}

#[store_test]
async fn hidden_messages_do_not_shorten_a_page_nor_serve_as_anchors(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob, sent) = ten(&world).await;
    let conversation = sent[0].conversation_id;
    let hidden = sent[6].id;
    world.store.write(HideMessage { agent: alice.key, message: hidden, now: world.now() }).await.expect("hidden");
    let page = world.try_history(&alice, conversation, HistoryAnchor::Newest, 3).await.expect("a page");
    assert_eq!(texts(&page), ["10", "8", "7"]);
    for anchor in [hidden, MessageId::from_bytes([9; 16])] {
        let answer = world.try_history(&alice, conversation, HistoryAnchor::Around(anchor), 3).await;
        assert_eq!(code(answer), ErrorCode::MessageNotFound);
    }
}

#[store_test]
async fn strangers_and_unknown_ids_get_the_same_answer(engine: Engine) {
    let world = World::new(engine).await;
    let (_alice, _bob, sent) = ten(&world).await;
    let stranger = world.agent("stranger").await;
    for conversation in [sent[0].conversation_id, agentchat_protocol::id::ConversationId::direct([3; 16])] {
        let answer = world.try_history(&stranger, conversation, HistoryAnchor::Newest, 3).await;
        assert_eq!(code(answer), ErrorCode::ConversationNotFound);
    }
}

#[store_test]
async fn a_hidden_conversation_returns_with_the_next_message_only(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, sent) = ten(&world).await;
    let conversation = sent[0].conversation_id;
    assert_eq!(world.conversations(&bob).await[0].unread_count, 9);
    world.store.write(HideConversation { agent: bob.key, conversation, now: world.now() }).await.expect("hidden");
    assert!(world.conversations(&bob).await.is_empty());
    assert!(world.history(&bob, conversation, HistoryAnchor::Newest).await.is_empty());
    assert_eq!(world.undelivered(&bob).await, 8, "envelopes stay");
    assert_eq!(world.conversations(&alice).await.len(), 1);

    world.say(&alice, &bob, "are you there?").await;
    let list = world.conversations(&bob).await;
    assert_eq!((list.len(), list[0].unread_count), (1, 1));
    assert_eq!((list[0].oldest_unread_seq, list[0].newest_unread_seq), (Some(11), Some(11)));
    assert_eq!(texts(&world.history(&bob, conversation, HistoryAnchor::After(0)).await), ["are you there?"]);
}
