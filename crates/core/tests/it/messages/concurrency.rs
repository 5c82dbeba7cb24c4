//! The promise under contention.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::sync::Arc;

use agentchat_core::messages::HistoryAnchor;
use serde_json::json;

use crate::world::World;

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
