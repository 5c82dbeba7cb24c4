//! `kill -9` while a request under an `Idempotency-Key` is handled: whoever asks again gets the one answer, and what it
//! says was done once.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::layer::Layer;
use super::served::{Answer, Served, call_with};

const ROUNDS: u32 = 16;
/// The server dies so much later in each round: from before it has read the request until long after it answered.
const STEP: Duration = Duration::from_micros(700);

fn headers(key: &str, round: u32) -> String {
    format!("authorization: Bearer {key}\r\nidempotency-key: make-a-group-{round}\r\n")
}

/// Asks for a group and does not wait for the answer.
async fn ask(address: SocketAddr, key: &str, round: u32, body: &Value) -> TcpStream {
    let (headers, body) = (headers(key, round), body.to_string());
    let length = body.len();
    let request =
        format!("POST /v1/groups HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(address).await.expect("a server that accepts");
    stream.write_all(request.as_bytes()).await.expect("a server that reads");
    stream
}

async fn ask_again(served: &Served, key: &str, round: u32, body: &Value) -> Answer {
    call_with(served.address(), "POST", "/v1/groups", &headers(key, round), body).await
}

#[tokio::test]
async fn a_request_under_a_key_is_handled_once_though_the_server_is_killed() {
    let layer = Layer::new();
    let served = Served::start(&layer).await.expect("a server");
    let key = served.seed("alice").await;
    served.kill().await;
    for round in 0..ROUNDS {
        let body = json!({ "name": format!("Round {round}") });
        let served = Served::start(&layer).await.expect("a server");
        let asked = ask(served.address(), &key, round, &body).await;
        tokio::time::sleep(STEP * round).await;
        served.kill().await;
        drop(asked);
        let served = Served::start(&layer).await.expect("a server");
        let answer = ask_again(&served, &key, round, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let again = ask_again(&served, &key, round, &body).await;
        assert_eq!((again.status, again.header("idempotent-replay")), (201, Some("true")));
        assert_eq!(again.body, answer.body);
        let groups = served.call("GET", "/v1/conversations", &key, &Value::Null).await.body;
        assert_eq!(groups.as_array().map(Vec::len), Some(round as usize + 1), "{groups}");
        served.kill().await;
    }
}
