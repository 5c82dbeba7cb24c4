//! wire.md §5.4, the checks of a direct send in their order.

use agentchat_core::{Refusal, Verdict};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Change, World, code, refusal};

const REFUSED: Verdict = Verdict::Refused(Refusal { policy: "send", limit: 60, window_s: 1, retry_after_ms: 17 });

/// Sets up a send that breaks every rule, then mends one after the other: each mend must reveal the next refusal.
#[store_test]
async fn checks_come_in_the_contracts_order(engine: Engine) {
    let mut world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    world.say(&alice, &bob, "unanswered").await;
    world.verdict = REFUSED;
    world.limits.backlog_hard = 1;
    for change in [
        Change::Status(bob.clone(), AgentStatus::Suspended),
        Change::Paused(alice.clone(), PausedByOwner::Send),
        Change::Block(bob.clone(), alice.clone()),
        Change::Status(alice.clone(), AgentStatus::Restricted),
        Change::ContactsOnly(bob.clone()),
    ] {
        world.change(change).await;
    }
    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::AgentNotFound);
    world.change(Change::Status(bob.clone(), AgentStatus::Active)).await;
    let paused = refusal(world.try_say(&alice, &bob, "x").await);
    assert_eq!((paused.code, paused.details), (ErrorCode::AgentPausedByOwner, Some(json!({ "mode": "send" }))));
    world.change(Change::Paused(alice.clone(), PausedByOwner::None)).await;
    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::Blocked);
}

#[store_test]
async fn the_later_checks_come_in_order_too(engine: Engine) {
    let mut world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    world.say(&alice, &bob, "unanswered").await;
    world.verdict = REFUSED;
    world.limits.backlog_hard = 1;
    world.change(Change::Status(alice.clone(), AgentStatus::Restricted)).await;
    world.change(Change::ContactsOnly(bob.clone())).await;

    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::Restricted);
    world.change(Change::Status(alice.clone(), AgentStatus::Active)).await;
    let inbox = refusal(world.try_say(&alice, &bob, "x").await);
    assert_eq!((inbox.code, inbox.details), (ErrorCode::InboxRestricted, Some(json!({ "handle": "bob" }))));
    world.change(Change::Contact(bob.clone(), alice.clone())).await;
    let awaiting = refusal(world.try_say(&alice, &bob, "x").await);
    assert_eq!(awaiting.code, ErrorCode::AwaitingReply);
    assert_eq!(awaiting.details, Some(json!({ "recipient_handle": "bob", "waiting_since": world.now() })));
    // The recipient's answer is no cold send: it meets the policy next.
    let limited = refusal(world.try_say(&bob, &alice, "x").await);
    assert_eq!((limited.code, limited.retry_after_ms), (ErrorCode::RateLimited, Some(17)));
    assert_eq!(limited.details, Some(json!({ "reason": "send", "limit": 60, "window_s": 1 })));
    world.verdict = Verdict::Granted;
    world.say(&bob, &alice, "the answer").await;
    let full = refusal(world.try_say(&alice, &bob, "x").await);
    assert_eq!((full.code, full.retry_after_ms), (ErrorCode::RecipientBacklogged, Some(60_000)));
    assert_eq!(full.details, Some(json!({ "recipient_handle": "bob", "undelivered_count": 1 })));
    world.ack_all(&bob).await;
    world.say(&alice, &bob, "there is room again").await;
}

#[store_test]
async fn the_recipient_must_be_somebody_else_who_lives(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    assert_eq!(code(world.try_say(&alice, &alice, "x").await), ErrorCode::ValidationError);
    for to in ["nobody-here", "not a handle", "", "@"] {
        let body = json!({ "to": to, "client_msg_id": "m", "content": { "text": "x" } });
        if let Ok(request) = agentchat_protocol::send::SendRequest::parse(body.to_string().as_bytes(), 32_768) {
            let mut operation =
                world.operation(&alice, &json!({ "to": "x1x", "client_msg_id": "m", "content": { "text": "x" } }));
            operation.request = request;
            assert_eq!(code(world.store.write(operation).await), ErrorCode::AgentNotFound, "{to}");
        }
    }
}

#[store_test]
async fn an_established_conversation_is_not_held_back_by_inbox_mode_or_restriction(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.change(Change::ContactsOnly(bob.clone())).await;
    world.change(Change::Status(alice.clone(), AgentStatus::Restricted)).await;
    world.change(Change::Paused(bob.clone(), PausedByOwner::Full)).await;
    let sent = world.try_say(&alice, &bob, "still fine").await.expect("accepted");
    assert!(sent.deliveries[0].quiet, "a fully paused recipient is not disturbed");
}

#[store_test]
async fn a_reply_establishes_and_makes_both_contacts(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    world.say(&alice, &bob, "hello").await;
    assert_eq!(code(world.try_say(&alice, &bob, "hello?").await), ErrorCode::AwaitingReply);
    world.say(&bob, &alice, "hi").await;
    world.say(&alice, &bob, "at last").await;
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        let context = world
            .store
            .read(agentchat_core::conversations::ShowDirectContext {
                viewer: one.key,
                handle: Some(other.handle.clone()),
            })
            .await
            .expect("a context");
        let conversation = context.conversation.expect("a conversation");
        assert!(conversation.relationship.expect("an object").is_contact);
        assert_eq!(conversation.direct_state.expect("direct").initiated_by_self, one.handle.as_str() == "alice");
    }
}

#[store_test]
async fn a_system_agent_speaks_again_before_the_answer(engine: Engine) {
    let world = World::new(engine).await;
    let (system, bob) = (world.system_agent("weather-service").await, world.agent("bob").await);
    world.say(&system, &bob, "one").await;
    assert_eq!(world.say(&system, &bob, "two").await.seq, 2);
}

#[store_test]
async fn cold_outreach_is_capped_over_a_rolling_day(engine: Engine) {
    let mut world = World::new(engine).await;
    world.limits.cold_cap = 3;
    let alice = world.agent("alice").await;
    let mut others = Vec::new();
    for number in 0..5 {
        others.push(world.agent(&format!("peer-{number}")).await);
    }
    for other in &others[..3] {
        world.say(&alice, other, "hello").await;
        world.pass(1000);
    }
    let refused = refusal(world.try_say(&alice, &others[3], "hello").await);
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert_eq!(refused.details, Some(json!({ "reason": "cold_outreach_cap", "limit": 3, "window_s": 86_400 })));
    assert_eq!(refused.retry_after_ms, Some(86_400_000 - 3000 + 1));
    // An answer frees a slot at once, and the oldest leaves the window by itself.
    world.say(&others[0], &alice, "hi").await;
    world.say(&alice, &others[3], "hello").await;
    let refused = refusal(world.try_say(&alice, &others[4], "hello").await);
    world.pass(i64::try_from(refused.retry_after_ms.expect("a wait")).expect("a day") - 1);
    assert_eq!(code(world.try_say(&alice, &others[4], "hello").await), ErrorCode::RateLimited);
    world.pass(1);
    world.say(&alice, &others[4], "hello").await;
}

#[store_test]
async fn a_backlog_is_announced_before_it_is_full(engine: Engine) {
    let mut world = World::new(engine).await;
    world.limits.backlog_warn = 1;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    assert_eq!(world.try_say(&alice, &bob, "one").await.expect("accepted").backlog, None);
    let body = json!({ "to": "bob", "client_msg_id": "two", "content": { "text": "two" } });
    let warned = world.send(&alice, body.clone()).await.expect("accepted").backlog.expect("a warning");
    assert_eq!((warned.handle.as_str(), warned.undelivered), ("bob", 1));
    let replayed = world.send(&alice, body).await.expect("a replay").backlog.expect("a warning");
    assert_eq!(replayed.undelivered, 2);
}

#[store_test]
async fn a_dead_senders_key_sends_nothing_even_if_it_was_just_accepted(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.change(Change::Status(alice.clone(), AgentStatus::Suspended)).await;
    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::Suspended);
    world.change(Change::Status(alice.clone(), AgentStatus::Deleted)).await;
    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::Unauthorized);
}

#[store_test]
async fn muted_senders_are_stored_quietly(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.change(Change::Mute(bob.clone(), alice.clone())).await;
    let sent = world.try_say(&alice, &bob, "psst").await.expect("accepted");
    assert!(sent.deliveries[0].quiet);
    assert!(world.pending(&bob, 0, 10).await[0].quiet);
    assert!(world.conversations(&bob).await[0].is_muted);
    assert!(!world.conversations(&alice).await[0].is_muted);
}
