//! NATS goes away, and comes back.

use std::time::{Duration, Instant};

use agentchat_bus::{Bus, Health, Subject};
use agentchat_launch::{Gate, Nats};

use crate::node::{Node, PATIENCE};

#[tokio::test]
async fn nodes_come_back_after_a_restart_with_what_they_joined() {
    let nats = Nats::start();
    let mut one = Node::at(&nats.url(), &[Subject::Agent(1), Subject::Agent(2)]).await;
    let mut other = Node::at(&nats.url(), &[Subject::Agent(3)]).await;

    for round in 0..3 {
        nats.kill();
        one.until(Health::Lost).await;
        other.until(Health::Lost).await;
        one.bus.join(Subject::Agent(10 + round));
        one.bus.leave(Subject::Agent(2));
        nats.start_again();
        one.until(Health::Up).await;
        other.until(Health::Up).await;
        one.settle().await;

        other.publish(Subject::Agent(2), "left while it was away");
        other.publish(Subject::Agent(1), "joined before");
        other.publish(Subject::Agent(10 + round), "joined while it was away");
        one.expect(Subject::Agent(1), "joined before").await;
        one.expect(Subject::Agent(10 + round), "joined while it was away").await;
        other.hears(&one, Subject::Agent(3), "the other way").await;
        one.join(&[Subject::Agent(2)]).await;
    }
    assert_eq!(one.bus.traffic().connected, 4);
}

#[tokio::test]
async fn many_subjects_come_back_too() {
    let nats = Nats::start();
    let subjects: Vec<Subject> = (0..5_000).map(Subject::Agent).collect();
    let mut node = Node::at(&nats.url(), &subjects).await;
    let other = Node::at(&nats.url(), &[]).await;
    nats.kill();
    node.until(Health::Lost).await;
    other.until(Health::Lost).await;
    nats.start_again();
    node.until(Health::Up).await;
    other.until(Health::Up).await;
    other.publish(Subject::Agent(4_321), "back");
    node.expect(Subject::Agent(4_321), "back").await;
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let nats = Nats::start();
    nats.kill();
    let started = Instant::now();
    let mut node = Node::begin(&nats.url()).await;
    assert!(started.elapsed() < Duration::from_secs(5), "connecting waits {:?}", started.elapsed());
    assert_eq!(node.bus.health(), Health::Lost);
    node.bus.join(Subject::Agent(1));

    nats.start_again();
    node.until(Health::Up).await;
    node.settle().await;
    let other = Node::at(&nats.url(), &[]).await;
    other.publish(Subject::Agent(1), "hello");
    node.expect(Subject::Agent(1), "hello").await;
}

#[tokio::test]
async fn another_server_of_the_list_is_taken() {
    let (one, other) = (Nats::start(), Nats::start());
    let node = Node::begin(&format!("{},{}", one.url(), other.url())).await;
    node.until(Health::Up).await;
    one.kill();
    node.until(Health::Up).await;
    one.start_again();
    other.kill();
    let moved = async {
        while node.bus.traffic().connected < 2 || node.bus.health() != Health::Up {
            node.bus.changed().changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, moved).await.expect("the node moves on");
}

#[tokio::test]
async fn a_partition_is_noticed_and_healed() {
    let nats = Nats::start();
    let gate = Gate::to(nats.address()).await;
    let mut node = Node::at(&format!("nats://{}", gate.address()), &[Subject::Agent(1)]).await;
    let mut other = Node::at(&nats.url(), &[Subject::Agent(2)]).await;
    node.hears(&other, Subject::Agent(1), "before").await;

    let cut = Instant::now();
    gate.cut();
    node.until(Health::Lost).await;
    assert!(cut.elapsed() < Duration::from_secs(6), "noticed after {:?}", cut.elapsed());
    assert_eq!(other.bus.health(), Health::Up);
    other.publish(Subject::Agent(1), "nobody is told");
    node.publish(Subject::Agent(2), "nobody is told");
    assert_eq!(node.bus.traffic().dropped, 1);

    gate.heal();
    node.until(Health::Up).await;
    node.hears(&other, Subject::Agent(1), "after").await;
    other.hears(&node, Subject::Agent(2), "after").await;
}

#[tokio::test]
async fn a_broken_connection_is_made_again() {
    let nats = Nats::start();
    let gate = Gate::to(nats.address()).await;
    let mut node = Node::at(&format!("nats://{}", gate.address()), &[Subject::Agent(1)]).await;
    let other = Node::at(&nats.url(), &[]).await;

    let mut changed = node.bus.changed();
    changed.mark_unchanged();
    gate.sever();
    tokio::time::timeout(PATIENCE, changed.changed()).await.expect("the loss is noticed").unwrap();
    node.until(Health::Up).await;
    node.hears(&other, Subject::Agent(1), "again").await;
    assert_eq!(node.bus.traffic().connected, 2);
}

#[tokio::test]
async fn publishing_while_lost_neither_waits_nor_piles_up() {
    let nats = Nats::start();
    let node = Node::at(&nats.url(), &[]).await;
    nats.kill();
    node.until(Health::Lost).await;

    let started = Instant::now();
    for _ in 0..100_000 {
        node.publish(Subject::Agent(1), vec![0; 1024]);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "publishing took {:?}", started.elapsed());
    let traffic = node.bus.traffic();
    assert_eq!((traffic.published, traffic.dropped, traffic.waiting), (0, 100_000, 0));
}

/// A partition is noticed only after a while. What is published until then waits, up to a limit.
#[tokio::test]
async fn publishing_into_a_partition_piles_up_to_a_limit() {
    let nats = Nats::start();
    let gate = Gate::to(nats.address()).await;
    let node = Node::at(&format!("nats://{}", gate.address()), &[]).await;
    gate.cut();

    let started = Instant::now();
    for _ in 0..1_000 {
        node.publish(Subject::Agent(1), vec![0; 64 * 1024]);
        assert!(node.bus.traffic().waiting <= 16 * 1024 * 1024);
        // Gives sending a turn.
        tokio::task::yield_now().await;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "publishing took {:?}", started.elapsed());
    assert!(node.bus.traffic().dropped > 0);

    node.until(Health::Lost).await;
    let emptied = async {
        while node.bus.traffic().waiting > 0 {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(PATIENCE, emptied).await.expect("what waited is dropped");
    assert_eq!(node.bus.traffic().published + node.bus.traffic().dropped, 1_000);
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_server() {
    let nats = Nats::start();
    let node = Node::at(&nats.url(), &[Subject::Agent(1)]).await;
    nats.kill();
    node.until(Health::Lost).await;
    tokio::time::timeout(Duration::from_secs(5), node.bus.close()).await.expect("closing ends");
    assert_eq!(node.bus.health(), Health::Lost);
    assert!(node.rest().await.is_empty());
}
