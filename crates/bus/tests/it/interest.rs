//! A node gets what it joined, and nothing else.

use std::time::Instant;

use agentchat_bus::{Bus, Subject};
use agentchat_launch::Nats;

use crate::node::{Node, PATIENCE};

fn agents(keys: std::ops::Range<i64>) -> Vec<Subject> {
    keys.map(Subject::Agent).collect()
}

#[tokio::test]
async fn what_is_left_does_not_come_any_more() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut node = Node::at(&nats.url(), &agents(1..4)).await;
    node.hears(&sender, Subject::Agent(1), "joined").await;

    node.bus.leave(Subject::Agent(1));
    let deadline = Instant::now() + PATIENCE;
    let mut put_aside = u64::MAX;
    // Until the server knows as well.
    while put_aside != node.bus.traffic().unwanted {
        assert!(Instant::now() < deadline, "the server goes on sending");
        put_aside = node.bus.traffic().unwanted;
        sender.publish(Subject::Agent(1), "left");
        sender.publish(Subject::Agent(2), "still there");
        node.expect(Subject::Agent(2), "still there").await;
    }

    node.join(&[Subject::Agent(1)]).await;
    sender.publish(Subject::Agent(1), "joined again");
    node.expect(Subject::Agent(1), "joined again").await;
}

#[tokio::test]
async fn joining_twice_is_joining_once() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut node = Node::at(&nats.url(), &[Subject::Agent(1), Subject::Agent(1), Subject::All]).await;

    sender.publish(Subject::Agent(1), "once");
    sender.publish(Subject::All, "all");
    node.expect(Subject::Agent(1), "once").await;
    node.expect(Subject::All, "all").await;

    node.bus.leave(Subject::Agent(1));
    node.bus.leave(Subject::All);
    node.settle().await;
    sender.publish(Subject::Agent(1), "left");
    sender.publish(Subject::All, "all, always");
    node.expect(Subject::All, "all, always").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_subjects() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut node = Node::at(&nats.url(), &agents(0..10_000)).await;

    for key in 0..10_010 {
        sender.publish(Subject::Agent(key), key.to_string());
    }
    sender.publish(Subject::Agent(0), "end");
    for key in 0..10_000 {
        node.expect(Subject::Agent(key), key.to_string()).await;
    }
    node.expect(Subject::Agent(0), "end").await;
}

/// Many subjects are taken in another way than few. Nothing that is joined all the time is missed while that changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_while_subjects_become_many_and_few() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut node = Node::at(&nats.url(), &[Subject::Owner(1)]).await;
    let mut number = 0;
    let mut go_on = |sender: &Node| {
        for _ in 0..50 {
            sender.publish(Subject::Owner(1), number.to_string());
            number += 1;
        }
    };

    for _ in 0..3 {
        for subject in agents(0..5_000) {
            node.bus.join(subject);
        }
        go_on(&sender);
        node.settle().await;
        go_on(&sender);
        node.hears(&sender, Subject::Agent(4_999), "many").await;
        for subject in agents(1..5_000) {
            node.bus.leave(subject);
        }
        go_on(&sender);
        node.settle().await;
        go_on(&sender);
        node.hears(&sender, Subject::Agent(0), "few").await;
    }
    assert_eq!(sender.bus.traffic().dropped, 0);
}
