//! A message for many: who gets it, in which order, and how far it got.

use agentchat_core::messages::{HideMessage, HistoryAnchor, Rate, ReadThrough, Sent};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::message::{Message, MessageStatus};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, Change, World, code, refusal, texts};

struct Room {
    world: World,
    alice: Agent,
    bob: Agent,
    carol: Agent,
    group: ConversationId,
}

async fn room(engine: Engine) -> Room {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.gathered(&[&alice, &bob, &carol]).await;
    Room { world, alice, bob, carol, group }
}

impl Room {
    async fn read(&self, reader: &Agent, through_seq: u64) -> Vec<(String, i64)> {
        let conversation = self.group;
        let handle = reader.handle.clone();
        let operation = ReadThrough { reader: reader.key, handle, conversation, through_seq, now: self.world.now() };
        let events = self.world.store.write(operation).await.expect("moved").events;
        let agents = [&self.alice, &self.bob, &self.carol];
        let name = |key| agents.iter().find(|agent| agent.key == key).expect("a member").handle.to_string();
        let mut told: Vec<_> = events.into_iter().map(|event| (name(event.to), event.frame.seq)).collect();
        told.sort();
        told
    }

    async fn status(&self, viewer: &Agent, message: &Message) -> (MessageStatus, bool, bool) {
        let rows = self.world.history(viewer, self.group, HistoryAnchor::Newest).await;
        let row = rows.into_iter().find(|row| row.id == message.id).expect("the row");
        (row.status, row.delivered_at.is_some(), row.read_at.is_some())
    }
}

#[store_test]
async fn every_other_member_has_it_waiting_at_its_next_position(engine: Engine) {
    let Room { world, alice, bob, carol, group } = room(engine).await;
    world.say(&alice, &bob, "hello bob").await;
    let sent = world.try_speak(&alice, group, "@bob @carol all hands").await.expect("sent");
    assert_eq!((sent.message.seq, sent.message.conversation_id), (1, group));
    assert_eq!(sent.message.context.conversation.group_name.as_deref(), Some("ops"));
    assert_eq!(sent.message.context.conversation.member_count, Some(3));
    let places: Vec<_> = sent.deliveries.iter().map(|one| (one.recipient, one.position, one.quiet)).collect();
    assert_eq!(places, [(bob.key, 2, false), (carol.key, 1, false)]);
    assert_eq!((world.undelivered(&alice).await, world.undelivered(&bob).await), (0, 2));
    let row = &world.pending(&carol, 0, 10).await[0];
    assert_eq!((row.message.sender.as_str(), row.message.status.clone()), ("alice", MessageStatus::Stored));
    assert_eq!(row.message.context.mentions.len(), 2);
    assert_eq!(world.speak(&bob, group, "here").await.seq, 2);
    let seen = world.history(&carol, group, HistoryAnchor::Newest).await;
    assert_eq!(texts(&seen), ["here", "@bob @carol all hands"]);
    assert_eq!(seen[0].delivery_id.map(|id| id.is_some()), Some(true));
}

#[store_test]
async fn a_repeat_answers_the_original_and_reaches_nobody_again(engine: Engine) {
    let Room { world, alice, bob, group, .. } = room(engine).await;
    let body = json!({ "conversation_id": group, "client_msg_id": "m-once", "content": { "text": "once" } });
    let first = world.store.write(world.group_operation(&alice, group, &body)).await.expect("sent");
    let again: Sent = world.store.write(world.group_operation(&alice, group, &body)).await.expect("a replay");
    assert_eq!((again.replayed, again.message.id, again.deliveries.len()), (true, first.message.id, 0));
    assert_eq!(world.undelivered(&bob).await, 1);
    let other = json!({ "conversation_id": group, "client_msg_id": "m-once", "content": { "text": "twice" } });
    let answer = world.store.write(world.group_operation(&alice, group, &other)).await;
    assert_eq!(code(answer), ErrorCode::IdempotencyKeyConflict);
    let direct = json!({ "to": "bob", "client_msg_id": "m-once", "content": { "text": "once" } });
    assert_eq!(code(world.send(&alice, direct).await), ErrorCode::IdempotencyKeyConflict);
    let nowhere = ConversationId::group([9; 16]);
    let answer = world.store.write(world.group_operation(&alice, nowhere, &body)).await;
    assert_eq!(code(answer), ErrorCode::IdempotencyKeyConflict, "another target");
}

#[store_test]
async fn only_members_send_and_only_while_not_paused(engine: Engine) {
    let Room { world, alice, group, .. } = room(engine).await;
    let stranger = world.agent("stranger").await;
    assert_eq!(code(world.try_speak(&stranger, group, "x").await), ErrorCode::GroupNotFound);
    assert_eq!(code(world.try_speak(&alice, ConversationId::group([9; 16]), "x").await), ErrorCode::GroupNotFound);
    world.change(Change::Paused(alice.clone(), PausedByOwner::Send)).await;
    assert_eq!(code(world.try_speak(&alice, group, "x").await), ErrorCode::AgentPausedByOwner);
    world.change(Change::Paused(alice.clone(), PausedByOwner::None)).await;
    world.change(Change::Status(alice.clone(), AgentStatus::Restricted)).await;
    world.speak(&alice, group, "membership is the consent").await;
}

#[store_test]
async fn blocks_do_not_hide_members_from_each_other_and_mutes_only_silence(engine: Engine) {
    let Room { world, alice, bob, carol, group } = room(engine).await;
    world.change(Change::Block(bob.clone(), alice.clone())).await;
    world.change(Change::Mute(carol.clone(), alice.clone())).await;
    let sent = world.try_speak(&alice, group, "x").await.expect("sent");
    let quiet: Vec<_> = sent.deliveries.iter().map(|one| (one.recipient, one.quiet)).collect();
    assert_eq!(quiet, [(bob.key, false), (carol.key, true)]);
    assert_eq!((world.undelivered(&bob).await, world.undelivered(&carol).await), (1, 1));
    world.change(Change::Paused(bob.clone(), PausedByOwner::Full)).await;
    let sent = world.try_speak(&carol, group, "y").await.expect("sent");
    let quiet: Vec<_> = sent.deliveries.iter().map(|one| (one.recipient, one.quiet)).collect();
    assert_eq!(quiet, [(alice.key, false), (bob.key, true)]);
}

#[store_test]
async fn full_inboxes_are_skipped_and_named_and_their_owners_miss_no_count(engine: Engine) {
    let Room { mut world, alice, bob, carol, group } = room(engine).await;
    world.limits.backlog_hard = 2;
    world.speak(&alice, group, "1").await;
    world.speak(&alice, group, "2").await;
    world.ack_all(&carol).await;
    let sent = world.try_speak(&alice, group, "3").await.expect("sent");
    assert_eq!(sent.skipped_recipients.iter().map(|one| one.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(sent.deliveries.iter().map(|one| one.recipient).collect::<Vec<_>>(), [carol.key]);
    assert_eq!(world.undelivered(&bob).await, 2);
    let list = world.conversations(&bob).await;
    assert_eq!((list[0].unread_count, list[0].newest_unread_seq), (2, Some(2)), "what was skipped was not received");
    assert_eq!(texts(&world.history(&bob, group, HistoryAnchor::Newest).await), ["3", "2", "1"]);
    world.ack_all(&bob).await;
    world.speak(&alice, group, "4").await;
    let list = world.conversations(&bob).await;
    assert_eq!((list[0].unread_count, list[0].newest_unread_seq), (3, Some(4)));
    let room = Room { world, alice, bob, carol, group };
    assert_eq!(room.read(&room.bob, 3).await, [("alice".to_owned(), 2)], "the newest that turned read");
    assert_eq!(room.world.conversations(&room.bob).await[0].unread_count, 1);
    assert_eq!(room.read(&room.bob, 9).await, [("alice".to_owned(), 4)]);
    assert_eq!(room.world.conversations(&room.bob).await[0].unread_count, 0);
}

#[store_test]
async fn the_sender_sees_how_far_the_slowest_recipient_is(engine: Engine) {
    let room = room(engine).await;
    let Room { world, alice, bob, carol, group } = &room;
    let message = world.speak(alice, *group, "x").await;
    assert_eq!(room.status(alice, &message).await, (MessageStatus::Stored, false, false));
    world.settle(bob, &[message.id]).await;
    assert_eq!(room.status(alice, &message).await, (MessageStatus::Stored, false, false));
    assert_eq!(room.status(bob, &message).await, (MessageStatus::Delivered, true, false));
    assert_eq!(room.status(carol, &message).await, (MessageStatus::Stored, false, false), "each its own");
    world.settle(carol, &[message.id]).await;
    assert_eq!(room.status(alice, &message).await, (MessageStatus::Delivered, true, false));
    world.pass(1_000);
    room.read(bob, 1).await;
    assert_eq!(room.status(alice, &message).await, (MessageStatus::Delivered, true, false));
    world.pass(1_000);
    room.read(carol, 1).await;
    assert_eq!(room.status(alice, &message).await, (MessageStatus::Read, true, true));
    let rows = world.history(alice, *group, HistoryAnchor::Newest).await;
    assert_eq!(rows[0].read_at, Some(world.now()), "the last one's time");
}

#[store_test]
async fn every_sender_is_told_once_of_what_was_read(engine: Engine) {
    let room = room(engine).await;
    let Room { world, alice, bob, carol, group } = &room;
    for (sender, text) in [(alice, "1"), (bob, "2"), (alice, "3"), (bob, "4")] {
        world.speak(sender, *group, text).await;
    }
    let told = room.read(carol, 3).await;
    assert_eq!(told, [("alice".to_owned(), 3), ("bob".to_owned(), 2)]);
    world.change(Change::Paused(bob.clone(), PausedByOwner::Full)).await;
    assert_eq!(room.read(carol, 4).await, []);
    assert_eq!(world.undelivered(carol).await, 0, "what was read has left the queue");
}

#[store_test]
async fn what_a_member_hid_is_gone_for_it_alone(engine: Engine) {
    let Room { world, alice, bob, carol, group } = room(engine).await;
    let message = world.speak(&alice, group, "x").await;
    world.speak(&alice, group, "y").await;
    let hide = HideMessage { agent: bob.key, message: message.id, now: world.now() };
    world.store.write(hide).await.expect("hidden");
    assert_eq!(texts(&world.history(&bob, group, HistoryAnchor::Newest).await), ["y"]);
    assert_eq!(world.conversations(&bob).await[0].unread_count, 1);
    assert_eq!((world.undelivered(&bob).await, world.undelivered(&carol).await), (1, 2));
    let stranger = world.agent("stranger").await;
    let hide = HideMessage { agent: stranger.key, message: message.id, now: world.now() };
    assert_eq!(code(world.store.write(hide).await), ErrorCode::MessageNotFound);
}

#[store_test]
async fn all_senders_of_a_group_share_one_bucket_that_only_stored_messages_draw_from(engine: Engine) {
    let Room { mut world, alice, bob, group, .. } = room(engine).await;
    world.limits.group_send = Some(Rate { limit: 2, window_s: 1 });
    world.speak(&alice, group, "1").await;
    assert_eq!(code(world.try_speak(&world.agent("stranger").await, group, "no").await), ErrorCode::GroupNotFound);
    world.speak(&bob, group, "2").await;
    let refused = refusal(world.try_speak(&alice, group, "3").await);
    assert_eq!((refused.code, refused.retry_after_ms), (ErrorCode::RateLimited, Some(500)));
    assert_eq!(refused.details, Some(json!({ "reason": "group_send", "limit": 2, "window_s": 1 })));
    world.pass(500);
    world.speak(&alice, group, "3").await;
    assert_eq!(code(world.try_speak(&bob, group, "4").await), ErrorCode::RateLimited);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn seqs_and_positions_have_no_holes_when_all_speak_at_once(engine: Engine) {
    let Room { world, alice, bob, carol, group } = room(engine).await;
    let members = [&alice, &bob, &carol];
    let sends = (0..60).map(|number| world.try_speak(members[number % 3], group, "x"));
    let sent = futures_join(sends).await;
    let mut seqs: Vec<_> = sent.iter().map(|sent| sent.as_ref().expect("sent").message.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=60).collect::<Vec<_>>());
    for member in members {
        let rows = world.pending(member, 0, 100).await;
        assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
        assert!(rows.is_sorted_by_key(|row| row.seq), "positions rise with the seq");
        assert_eq!(world.undelivered(member).await, 40);
    }
}

/// Runs them all at once.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.map(Box::pin).map(Some).collect();
    let mut done: Vec<Option<F::Output>> = open.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in open.iter_mut().zip(&mut done) {
            if let Some(std::task::Poll::Ready(out)) = future.as_mut().map(|future| future.as_mut().poll(context)) {
                *done = Some(out);
                *future = None;
            }
        }
        if open.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
