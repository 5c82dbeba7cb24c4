//! The same key on several nodes.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Nodes, until};
use crate::accounts::mails;
use crate::client::{Answer, TestServer};
use crate::idempotency::keyed;
use crate::realtime::peer::Agent;

const PATH: &str = "/v1/agents/alice/rotate-key";

async fn ask_for_code(node: &TestServer, alice: &Agent, key: &str) -> Answer {
    keyed(node, &alice.key, key, "POST", PATH, "").await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replay") == Some("true")
}

async fn nodes() -> Nodes {
    Nodes::start_with(2, |_, config| config.limits.set("otp_hourly=1000").unwrap()).await
}

#[tokio::test]
async fn of_the_same_request_on_two_nodes_at_once_one_is_handled() {
    let nodes = nodes().await;
    let (first, second) = nodes.two();
    let alice = Agent::new(first, "alice").await;
    let before = mails(first) + mails(second);
    for round in 0..10 {
        let key = format!("at-once-{round:04}");
        let asked =
            futures_util::future::join_all([first, second, first, second].map(|node| ask_for_code(node, &alice, &key)))
                .await;
        let handled = asked.iter().filter(|answer| answer.status == 200 && !is_replay(answer)).count();
        assert_eq!(handled, 1, "{asked:?}");
        for other in asked.iter().filter(|answer| !is_replay(answer) && answer.status != 200) {
            assert_eq!(other.refusal(), (409, "IDEMPOTENT_IN_PROGRESS".into()));
        }
        let (one, other) = (ask_for_code(first, &alice, &key).await, ask_for_code(second, &alice, &key).await);
        assert!(is_replay(&one) && is_replay(&other));
        assert_eq!(one.body, other.body);
    }
    assert_eq!(mails(first) + mails(second) - before, 10);
}

#[tokio::test]
async fn a_key_is_of_one_request_on_all_nodes() {
    let nodes = nodes().await;
    let (first, second) = nodes.two();
    let alice = Agent::new(first, "alice").await;
    let rename = async |node, name: &str| {
        let body = json!({ "display_name": name }).to_string();
        keyed(node, &alice.key, "key-00000001", "PATCH", "/v1/agents/alice", &body).await
    };
    assert_eq!(rename(first, "One").await.json()["display_name"], "One");
    assert!(is_replay(&rename(second, "One").await));
    assert_eq!(rename(second, "Two").await.refusal(), (422, "IDEMPOTENCY_KEY_CONFLICT".into()));
}

#[tokio::test]
async fn what_one_node_did_before_it_ended_another_answers() {
    let Nodes { nodes, nats: _nats, database: _database } = nodes().await;
    let [first, second] = <[TestServer; 2]>::try_from(nodes).ok().unwrap();
    let alice = Agent::new(&first, "alice").await;
    let body = json!({ "display_name": "One" }).to_string();
    let head = format!(
        "PATCH /v1/agents/alice HTTP/1.1\r\nHost: t\r\nAuthorization: {}\r\nIdempotency-Key: key-00000001\r\n\
         Content-Length: {}\r\n\r\n{body}",
        alice.bearer(),
        body.len()
    );
    let mut stream = TcpStream::connect(first.running.addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Nobody reads the answer; that it is given shows in the record alone.
    until("it is done", async || me(&second, &alice).await["display_name"] == "One").await;
    drop(stream);
    first.leave().await;
    let again = keyed(&second, &alice.key, "key-00000001", "PATCH", "/v1/agents/alice", &body).await;
    assert!(is_replay(&again), "{again:?}");
    assert_eq!(again.json()["display_name"], "One");
}

async fn me(node: &TestServer, agent: &Agent) -> Value {
    node.request("GET", "/v1/agents/me", &[("Authorization", &agent.bearer())], b"").await.json()
}
