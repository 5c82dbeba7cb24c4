//! The promise under contention.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::sync::Arc;

use agentchat_core::messages::{HideMessage, HistoryAnchor, SendDirect};
use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use crate::world::{Agent, World, code};

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sends_into_one_conversation_leave_no_gap(engine: Engine) {
    let world = Arc::new(World::new(engine).await);
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..64 {
        let (world, from, to) = (Arc::clone(&world), alice.clone(), bob.clone());
        let (from, to) = if task % 2 == 0 { (from, to) } else { (to, from) };
        tasks.spawn(async move {
            let mut seqs = Vec::new();
            for number in 0..20 {
                seqs.push(world.say(&from, &to, &format!("{task}/{number}")).await.seq);
            }
            assert!(seqs.is_sorted(), "one sender's messages keep their order");
            seqs
        });
    }
    let mut seqs: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (3..=64 * 20 + 2).collect::<Vec<i64>>());
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_msg_id_from_64_tasks_is_one_message(engine: Engine) {
    let world = Arc::new(World::new(engine).await);
    let (alice, bob) = world.acquainted("alice", "bob").await;
    for round in 0..10 {
        let body = json!({ "to": "bob", "client_msg_id": format!("round-{round}"), "content": { "text": "once" } });
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let operation = world.operation(&alice, &body);
            let store = world.store.clone();
            tasks.spawn(async move { store.write(operation).await.expect("accepted") });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(answers.iter().all(|answer| answer.message.id == answers[0].message.id));
        assert_eq!(answers[0].message.seq, 3 + round);
    }
    let conversation = world.conversations(&bob).await[0].id;
    assert_eq!(world.history(&bob, conversation, HistoryAnchor::After(2)).await.len(), 10);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_pages_and_acks_beside_64_writers_misses_nothing(engine: Engine) {
    const WRITERS: usize = 64;
    const EACH: usize = 25;
    let world = Arc::new(World::new(engine).await);
    let bob = world.agent("bob").await;
    let mut senders = Vec::new();
    for number in 0..WRITERS {
        let sender = world.agent(&format!("writer-{number}")).await;
        world.say(&sender, &bob, "first").await;
        world.say(&bob, &sender, "go on").await;
        senders.push(sender);
    }
    world.ack_all(&bob).await;
    let mut tasks = tokio::task::JoinSet::new();
    for sender in senders {
        let (world, bob) = (Arc::clone(&world), bob.clone());
        tasks.spawn(async move {
            for number in 0..EACH {
                world.say(&sender, &bob, &number.to_string()).await;
            }
        });
    }
    let mut seen = Vec::new();
    let mut after = WRITERS as u64;
    while seen.len() < WRITERS * EACH {
        let rows = world.pending(&bob, after, 7).await;
        let Some(last) = rows.last() else {
            tokio::task::yield_now().await;
            continue;
        };
        after = last.position;
        seen.extend(rows.iter().map(|row| (row.position, row.message.sender.clone(), row.message.text())));
        world.ack_through(&bob, after).await;
    }
    tasks.join_all().await;
    let positions: Vec<u64> = seen.iter().map(|(position, ..)| *position).collect();
    let first = WRITERS as u64 + 1;
    assert_eq!(positions, (first..first + (WRITERS * EACH) as u64).collect::<Vec<_>>(), "no row was jumped over");
    for number in 0..WRITERS {
        let handle = format!("writer-{number}");
        let texts: Vec<_> = seen
            .iter()
            .filter(|(_, sender, _)| sender.as_str() == handle)
            .filter_map(|(.., text)| text.clone())
            .collect();
        assert_eq!(texts, (0..EACH).map(|n| n.to_string()).collect::<Vec<_>>(), "{handle} in order");
    }
    assert_eq!(world.undelivered(&bob).await, 0);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn first_messages_from_both_sides_at_once_open_one_conversation(engine: Engine) {
    let world = Arc::new(World::new(engine).await);
    for pair in 0..20 {
        let (one, other) = (world.agent(&format!("one-{pair}")).await, world.agent(&format!("other-{pair}")).await);
        let says = |from: &Agent, to: &Agent| {
            let (world, from, to) = (Arc::clone(&world), from.clone(), to.clone());
            tokio::spawn(async move { world.say(&from, &to, "hello").await })
        };
        let (first, second) = tokio::join!(says(&one, &other), says(&other, &one));
        let (first, second) = (first.expect("no panic"), second.expect("no panic"));
        assert_eq!(first.conversation_id, second.conversation_id);
        assert_eq!(first.seq + second.seq, 3, "one of them is the answer");
        // It is established for both.
        assert_eq!((world.say(&one, &other, "so").await.seq, world.say(&other, &one, "so").await.seq), (3, 4));
    }
}

/// How many of these sends are accepted; the others are refused for this reason.
async fn accepted(world: &World, sends: Vec<SendDirect>, refusal: ErrorCode) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for operation in sends {
        let store = world.store.clone();
        tasks.spawn(async move { store.write(operation).await });
    }
    let mut count = 0;
    for answer in tasks.join_all().await {
        match answer {
            Ok(_) => count += 1,
            refused => assert_eq!(code(refused), refusal),
        }
    }
    count
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_takes_as_much_as_it_may_from_many_at_once(engine: Engine) {
    let mut world = World::new(engine).await;
    world.limits.backlog_hard = 10;
    let bob = world.agent("bob").await;
    let mut sends = Vec::new();
    for number in 0..40 {
        let sender = world.agent(&format!("sender-{number}")).await;
        sends.push(world.operation(&sender, &text(&bob, number)));
    }
    assert_eq!(accepted(&world, sends, ErrorCode::RecipientBacklogged).await, 10);
    assert_eq!((world.undelivered(&bob).await, world.pending(&bob, 0, 50).await.len()), (10, 10));
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_addressed_at_once_are_counted_one_by_one(engine: Engine) {
    let mut world = World::new(engine).await;
    world.limits.cold_cap = 10;
    let alice = world.agent("alice").await;
    let mut sends = Vec::new();
    for number in 0..40 {
        let stranger = world.agent(&format!("stranger-{number}")).await;
        sends.push(world.operation(&alice, &text(&stranger, number)));
    }
    assert_eq!(accepted(&world, sends, ErrorCode::RateLimited).await, 10);
    assert_eq!(world.conversations(&alice).await.len(), 10);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_addressed_once_however_many_try(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let sends = (0..40).map(|number| world.operation(&alice, &text(&bob, number))).collect();
    assert_eq!(accepted(&world, sends, ErrorCode::AwaitingReply).await, 1);
    assert_eq!(world.undelivered(&bob).await, 1);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn acks_sends_and_hides_of_one_inbox_keep_its_counter_exact(engine: Engine) {
    let world = Arc::new(World::new(engine).await);
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let sending = {
        let (world, alice, bob) = (Arc::clone(&world), alice.clone(), bob.clone());
        tokio::spawn(async move {
            for number in 0..150 {
                world.say(&alice, &bob, &number.to_string()).await;
            }
        })
    };
    let mut seen = 0;
    while !sending.is_finished() || seen < 150 {
        let rows = world.pending(&bob, 0, 3).await;
        let ids: Vec<_> = rows.iter().map(|row| row.message.id).collect();
        let Some(last) = rows.last() else {
            tokio::task::yield_now().await;
            continue;
        };
        // The same rows in three ways at once: each is counted once.
        let hide = HideMessage { agent: bob.key, message: ids[0], now: world.now() };
        let (settled, acked, hidden) =
            tokio::join!(world.settle(&bob, &ids), world.ack_through(&bob, last.position), world.store.write(hide));
        hidden.expect("hidden");
        assert!(settled + acked <= ids.len() as u64, "{settled} and {acked} of {}", ids.len());
        seen += ids.len();
    }
    sending.await.expect("no panic");
    assert_eq!(seen, 150, "what is settled is not shown again");
    assert_eq!((world.undelivered(&bob).await, world.pending(&bob, 0, 10).await.len()), (0, 0));
}

fn text(to: &Agent, number: usize) -> Value {
    json!({ "to": to.handle, "client_msg_id": format!("m-{number}"), "content": { "text": "hello" } })
}
