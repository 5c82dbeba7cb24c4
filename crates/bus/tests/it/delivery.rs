//! What one node publishes, others get.

use agentchat_bus::{Bus, Health, Local, Subject};
use agentchat_launch::Nats;
use bytes::Bytes;

use crate::node::Node;

#[tokio::test]
async fn payloads_reach_those_who_joined_the_subject() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut agent = Node::at(&nats.url(), &[Subject::Agent(7)]).await;
    let mut owner = Node::at(&nats.url(), &[Subject::Owner(7)]).await;

    sender.publish(Subject::Agent(7), "agent");
    sender.publish(Subject::Owner(7), "owner");
    sender.publish(Subject::Agent(70), "another agent");
    sender.publish(Subject::All, "all");

    agent.expect(Subject::Agent(7), "agent").await;
    agent.expect(Subject::All, "all").await;
    owner.expect(Subject::Owner(7), "owner").await;
    owner.expect(Subject::All, "all").await;
    assert_eq!(agent.bus.traffic().unwanted, 0, "the server sends what is joined alone");
    assert_eq!(sender.bus.traffic().published, 4);
}

#[tokio::test]
async fn a_node_does_not_hear_itself() {
    let nats = Nats::start();
    let mut one = Node::at(&nats.url(), &[Subject::Agent(1)]).await;
    let mut other = Node::at(&nats.url(), &[Subject::Agent(1)]).await;

    one.publish(Subject::Agent(1), "from one");
    one.publish(Subject::All, "from one to all");
    other.expect(Subject::Agent(1), "from one").await;
    other.expect(Subject::All, "from one to all").await;

    other.publish(Subject::Agent(1), "from the other");
    one.expect(Subject::Agent(1), "from the other").await;
}

#[tokio::test]
async fn installations_are_apart() {
    let nats = Nats::start();
    let mut blue = Node::of("blue", &nats.url()).await;
    let (blue_too, red) = (Node::of("blue", &nats.url()).await, Node::of("red", &nats.url()).await);
    for node in [&blue, &blue_too, &red] {
        node.until(Health::Up).await;
    }
    blue.join(&[Subject::Agent(1)]).await;

    red.publish(Subject::Agent(1), "red");
    red.publish(Subject::All, "red");
    red.bus.close().await;
    blue_too.publish(Subject::Agent(1), "blue");
    blue.expect(Subject::Agent(1), "blue").await;
}

#[tokio::test]
async fn bytes_stay_what_they_are() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut receiver = Node::at(&nats.url(), &[Subject::Agent(1)]).await;
    let every: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..700_000_u32).map(|index| (index % 251) as u8).collect();
    let payloads: [Bytes; 4] = [Bytes::new(), "\r\nMSG x 1 2\r\n\0".into(), every.into(), large.into()];

    for payload in &payloads {
        sender.publish(Subject::Agent(1), payload.clone());
    }
    for payload in payloads {
        receiver.expect(Subject::Agent(1), payload).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_come_in_order() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut receiver = Node::at(&nats.url(), &[Subject::Agent(1)]).await;

    for number in 0..20_000 {
        sender.publish(Subject::Agent(1), number.to_string());
    }
    for number in 0..20_000 {
        receiver.expect(Subject::Agent(1), number.to_string()).await;
    }
}

#[tokio::test]
async fn what_was_published_is_sent_before_the_end() {
    let nats = Nats::start();
    let sender = Node::at(&nats.url(), &[]).await;
    let mut receiver = Node::at(&nats.url(), &[Subject::Agent(1)]).await;

    for number in 0..1_000 {
        sender.publish(Subject::Agent(1), number.to_string());
    }
    sender.bus.close().await;
    assert_eq!(sender.bus.health(), Health::Lost);
    sender.publish(Subject::Agent(1), "too late");
    assert_eq!((sender.bus.traffic().published, sender.bus.traffic().dropped), (1_000, 1));
    for number in 0..1_000 {
        receiver.expect(Subject::Agent(1), number.to_string()).await;
    }
    sender.bus.close().await;
}

#[tokio::test]
async fn too_large_payloads_are_dropped_and_the_connection_stays() {
    let settings = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(settings.path(), "max_payload: 1000").unwrap();
    let nats = Nats::start_with(&["--config", settings.path().to_str().unwrap()]);
    let sender = Node::at(&nats.url(), &[]).await;
    let mut receiver = Node::at(&nats.url(), &[Subject::Agent(1)]).await;

    sender.publish(Subject::Agent(1), vec![1; 1_001]);
    sender.publish(Subject::Agent(1), vec![2; 1_000]);
    receiver.expect(Subject::Agent(1), vec![2; 1_000]).await;
    let traffic = sender.bus.traffic();
    assert_eq!((traffic.published, traffic.dropped, traffic.connected), (1, 1, 1));
}

#[tokio::test]
async fn alone_nobody_is_told() {
    let bus: &dyn Bus = &Local;
    bus.join(Subject::Agent(1));
    bus.publish(Subject::Agent(1), Bytes::from("nobody"));
    assert!(bus.joined().await);
    bus.leave(Subject::Agent(1));
    assert_eq!(bus.health(), Health::Alone);
}
