//! Messages that leave the queue by themselves.

use agentchat_core::messages::{Expire, FindOverdue, HistoryAnchor, Sent};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::message::MessageStatus;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::world::{Agent, World, code};

fn body(to: &Agent, id: &str, expires_at: Timestamp) -> Value {
    json!({ "to": to.handle, "client_msg_id": id, "content": { "text": id }, "expires_at": expires_at })
}

async fn send_until(world: &World, from: &Agent, to: &Agent, id: &str, ahead_ms: i64) -> Sent {
    world.send(from, body(to, id, world.now().plus_millis(ahead_ms))).await.expect("sent")
}

/// What the job does; how many envelopes it took out.
async fn expire(world: &World) -> u64 {
    let mut expired = 0;
    for agent in world.store.read(FindOverdue { limit: 500, now: world.now() }).await.expect("found") {
        expired += world.store.write_own(Expire { agent, now: world.now() }).await.expect("expired");
    }
    expired
}

#[store_test]
async fn it_is_gone_at_its_time_whether_that_was_written_or_not(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let sent = send_until(&world, &alice, &bob, "soon", 2_000).await;
    assert_eq!(sent.message.expires_at, Some(world.now().plus_millis(2_000)));
    world.say(&alice, &bob, "stays").await;
    assert_eq!((world.undelivered(&bob).await, world.pending(&bob, 0, 10).await.len()), (2, 2));
    world.pass(2_000);
    let gone = async |written: &str| {
        let waiting = world.pending(&bob, 0, 10).await;
        assert_eq!(waiting.iter().map(|row| row.message.text().unwrap()).collect::<Vec<_>>(), ["stays"], "{written}");
        assert_eq!(world.undelivered(&bob).await, 1, "{written}");
        for viewer in [&alice, &bob] {
            let rows = world.history(viewer, sent.message.conversation_id, HistoryAnchor::Newest).await;
            let row = &rows[1];
            assert_eq!((row.status.clone(), row.expired), (MessageStatus::Stored, Some(true)), "{written}");
            assert_eq!((row.delivered_at, row.read_at), (None, None));
            assert_eq!((rows[0].expired, rows[0].expires_at), (None, None));
        }
        assert_eq!(world.settle(&bob, &[sent.message.id]).await, 0, "an ack comes too late");
    };
    gone("not written yet").await;
    assert_eq!(expire(&world).await, 1);
    gone("written").await;
    assert_eq!(expire(&world).await, 0);
    assert_eq!(world.ack_all(&bob).await, 1);
    assert_eq!(world.undelivered(&bob).await, 0);
}

#[store_test]
async fn what_was_taken_in_time_does_not_expire(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let sent = send_until(&world, &alice, &bob, "soon", 2_000).await;
    assert_eq!(world.settle(&bob, &[sent.message.id]).await, 1);
    world.pass(60_000);
    assert_eq!(expire(&world).await, 0);
    let rows = world.history(&alice, sent.message.conversation_id, HistoryAnchor::Newest).await;
    assert_eq!((rows[0].status.clone(), rows[0].expired), (MessageStatus::Delivered, None));
}

#[store_test]
async fn an_ack_of_everything_ends_also_when_much_of_it_expired(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    for number in 0..1_005 {
        send_until(&world, &alice, &bob, &format!("soon-{number}"), 1_000).await;
    }
    world.say(&alice, &bob, "stays").await;
    world.pass(1_000);
    assert_eq!(world.ack_all(&bob).await, 1);
    assert_eq!((expire(&world).await, world.undelivered(&bob).await), (1_005, 0));
}

#[store_test]
async fn the_wall_does_not_count_what_has_expired(engine: Engine) {
    let mut world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.limits.backlog_hard = 2;
    send_until(&world, &alice, &bob, "1", 1_000).await;
    send_until(&world, &alice, &bob, "2", 60_000).await;
    assert_eq!(code(world.try_say(&alice, &bob, "3").await), ErrorCode::RecipientBacklogged);
    world.pass(1_000);
    world.say(&alice, &bob, "3").await;
    assert_eq!(world.undelivered(&bob).await, 2);
}

#[store_test]
async fn a_time_that_is_too_near_or_too_far_is_refused_but_a_repeat_is_not(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let month = 30 * 24 * 60 * 60 * 1_000;
    for ahead in [-1, 0, 999, month + 1] {
        let answer = world.send(&alice, body(&bob, "m", world.now().plus_millis(ahead))).await;
        assert_eq!(code(answer), ErrorCode::ValidationError, "{ahead}");
    }
    let first = body(&bob, "m", world.now().plus_millis(1_000));
    let sent = world.send(&alice, first.clone()).await.expect("sent");
    world.pass(5_000);
    let again = world.send(&alice, first).await.expect("a repeat after its time");
    assert_eq!((again.replayed, again.message.id, again.message.expired), (true, sent.message.id, Some(true)));
    let other = world.send(&alice, body(&bob, "m", world.now().plus_millis(month))).await;
    assert_eq!(code(other), ErrorCode::IdempotencyKeyConflict, "the time is part of the message");
}

#[store_test]
async fn in_a_group_expired_envelopes_do_not_hold_the_status_back(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.gathered(&[&alice, &bob, &carol]).await;
    let text = json!({
        "conversation_id": group, "client_msg_id": "m", "content": { "text": "x" },
        "expires_at": world.now().plus_millis(1_000),
    });
    let sent = world.store.write(world.group_operation(&alice, group, &text)).await.expect("sent");
    world.settle(&bob, &[sent.message.id]).await;
    let status = async || world.history(&alice, group, HistoryAnchor::Newest).await[0].status.clone();
    assert_eq!(status().await, MessageStatus::Stored);
    world.pass(1_000);
    assert_eq!(status().await, MessageStatus::Delivered);
    assert_eq!(expire(&world).await, 1);
    assert_eq!(status().await, MessageStatus::Delivered);
    let row = &world.history(&carol, group, HistoryAnchor::Newest).await[0];
    assert_eq!((row.status.clone(), row.expired), (MessageStatus::Stored, Some(true)));
}
