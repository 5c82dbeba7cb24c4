//! A disk without room: a clear 503, then everything again without a restart.

use std::sync::Arc;

use agentchat_bench::wire::websocket::{Inbound, WebSocket};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::layer::{EVERY_FILE, FOREVER, Fault, Flavour, Layer, Loss, NO_SPACE, WRITES};
use super::served::{Answer, Served, call};

const PAIRS: usize = 6;

/// A sender, its receiver, and what is known of what was sent.
struct Pair {
    sender: String,
    receiver: String,
    to: String,
    conversation: String,
    next: u64,
    /// `client_msg_id`s in the order in which they were acknowledged, with their seq.
    acked: Vec<(String, u64)>,
}

fn no_room(skip: u64, fail: u64) -> Fault {
    Fault { what: WRITES | EVERY_FILE, skip, fail, error: NO_SPACE, flavour: Flavour::Plain }
}

async fn pair(served: &Served, index: usize) -> Pair {
    let (from, to) = (format!("sender-{index}"), format!("receiver-{index}"));
    let (sender, receiver) = (served.seed(&from).await, served.seed(&to).await);
    let mut pair = Pair { sender, receiver, to, conversation: String::new(), next: 0, acked: Vec::new() };
    send(served, &mut pair, 1).await;
    let reply = json!({"to": from, "client_msg_id": "reply", "content": {"text": "Go on."}});
    let answer = served.call("POST", "/v1/messages", &pair.receiver, &reply).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    pair.acked.push(("reply".into(), answer.body["seq"].as_u64().expect("a seq")));
    pair.conversation = answer.body["conversation_id"].as_str().expect("a conversation").to_owned();
    pair
}

/// Sends messages one after the other; the ids of those that found no room.
async fn send(served: &Served, pair: &mut Pair, count: u64) -> Vec<String> {
    let mut refused = Vec::new();
    for _ in 0..count {
        let id = format!("message-{}", pair.next);
        pair.next += 1;
        let answer = send_as(served, pair, &id).await;
        if answer.status == 503 {
            check_unavailable(&answer);
            refused.push(id);
        } else {
            enter(pair, id, &answer);
        }
    }
    refused
}

async fn send_as(served: &Served, pair: &Pair, id: &str) -> Answer {
    let body = json!({"to": pair.to, "client_msg_id": id, "content": {"text": "Is there room for this?"}});
    call(served.address(), "POST", "/v1/messages", &pair.sender, &body).await
}

/// 201, not the 200 of a message that was there already.
fn enter(pair: &mut Pair, id: String, answer: &Answer) {
    assert_eq!(answer.status, 201, "{id}: {}", answer.body);
    pair.acked.push((id, answer.body["seq"].as_u64().expect("a seq")));
}

fn check_unavailable(answer: &Answer) {
    assert_eq!(answer.body["code"], "SERVICE_UNAVAILABLE", "{}", answer.body);
    let wait: u64 = answer.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!(wait >= 1 && answer.body["details"]["retry_after_ms"].as_u64().is_some(), "{}", answer.body);
}

/// All pairs send at once; pairs come back with what each was refused.
async fn burst(served: &Arc<Served>, pairs: Vec<Pair>, count: u64) -> Vec<(Pair, Vec<String>)> {
    let mut all = JoinSet::new();
    for mut pair in pairs {
        let served = Arc::clone(served);
        all.spawn(async move {
            let refused = send(&served, &mut pair, count).await;
            (pair, refused)
        });
    }
    all.join_all().await
}

/// What was refused is not there: the same id is stored now, for the first time.
async fn repeat(served: &Served, refused: Vec<(Pair, Vec<String>)>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (mut pair, ids) in refused {
        for id in ids {
            let answer = send_as(served, &pair, &id).await;
            enter(&mut pair, id, &answer);
        }
        pairs.push(pair);
    }
    pairs
}

fn count(refused: &[(Pair, Vec<String>)]) -> usize {
    refused.iter().map(|(_, ids)| ids.len()).sum()
}

/// Exactly what was acknowledged, each at its seq, no hole.
async fn check_history(served: &Served, pair: &Pair) {
    let (mut found, mut last) = (Vec::new(), 0);
    loop {
        let path = format!("/v1/messages/{}?after_seq={last}&limit=100", pair.conversation);
        let page = served.call("GET", &path, &pair.receiver, &Value::Null).await;
        let rows = page.body.as_array().unwrap_or_else(|| panic!("{}", page.body));
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let seq = row["seq"].as_u64().expect("a seq");
            assert_eq!(seq, last + 1, "a hole in {}", pair.to);
            last = seq;
            found.push((row["client_msg_id"].as_str().expect("an id").to_owned(), seq));
        }
    }
    assert_eq!(found, pair.acked, "the history of {}", pair.to);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_are_refused_while_there_is_no_room_and_accepted_once_there_is() {
    let layer = Layer::new();
    let served = Arc::new(Served::start(&layer).await.map_err(|(_, text)| text).unwrap());
    let mut pairs = Vec::new();
    for index in 0..PAIRS {
        pairs.push(pair(&served, index).await);
    }
    let healthy = burst(&served, pairs, 3).await;
    assert_eq!(count(&healthy), 0);

    layer.break_down(no_room(0, FOREVER));
    let refused = burst(&served, repeat(&served, healthy).await, 3).await;
    assert_eq!(count(&refused), 3 * PAIRS, "nothing is accepted without room");
    for (pair, _) in &refused {
        check_history(&served, pair).await;
    }
    assert_eq!(served.call("GET", "/v1/health", "", &Value::Null).await.status, 200);
    layer.repair();
    let mut pairs = repeat(&served, refused).await;

    let mut sometimes = 0;
    for skip in (0..120).step_by(6) {
        layer.break_down(no_room(skip, 1));
        let refused = burst(&served, pairs, 1).await;
        layer.repair();
        sometimes += count(&refused);
        pairs = repeat(&served, refused).await;
    }
    assert!(sometimes > 0, "no single write was of consequence");

    let served = Arc::into_inner(served).expect("all requests are answered");
    served.kill().await;
    layer.lose(Loss::Unsynced).expect("what a power cut leaves");
    let served = Served::start(&layer).await.map_err(|(_, text)| text).unwrap();
    for pair in &pairs {
        check_history(&served, pair).await;
    }
    assert!(served.stop().await.success());
}

/// The next frame of this type; acknowledges messages on the way and passes own ones over.
async fn next_of(socket: &mut WebSocket, kind: &str) -> Value {
    loop {
        let Inbound::Text(range) = socket.next().await.expect("an open socket") else {
            panic!("the socket was closed")
        };
        let frame: Value = serde_json::from_slice(socket.text(&range)).expect("JSON");
        if frame["payload"]["is_own"] == true {
            continue;
        }
        if frame["type"] == "message.new" {
            let ack = json!({"type": "ack", "message_id": frame["payload"]["id"]});
            socket.push_text(ack.to_string().as_bytes());
        }
        if frame["type"] == kind {
            return frame["payload"].clone();
        }
        assert_ne!(frame["type"], "error", "{frame}");
    }
}

async fn hello(served: &Served, key: &str) -> WebSocket {
    let mut socket = WebSocket::open(served.address(), 4096).await.expect("a socket");
    let hello = json!({"type": "hello", "api_key": key, "capabilities": ["ack"]});
    socket.push_text(hello.to_string().as_bytes());
    next_of(&mut socket, "hello.ok").await;
    socket
}

fn send_frame(socket: &mut WebSocket, pair: &Pair, id: &str) {
    let content = json!({"text": "Is there room for this?"});
    let frame =
        json!({"type": "message.send", "request_id": id, "to": pair.to, "client_msg_id": id, "content": content});
    socket.push_text(frame.to_string().as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_outlive_a_full_disk_and_deliver_what_was_accepted() {
    let layer = Layer::new();
    let served = Served::start(&layer).await.map_err(|(_, text)| text).unwrap();
    let pair = pair(&served, 0).await;
    let (mut sender, mut receiver) = (hello(&served, &pair.sender).await, hello(&served, &pair.receiver).await);
    assert_eq!(next_of(&mut receiver, "message.new").await["client_msg_id"], "message-0");

    layer.break_down(no_room(0, FOREVER));
    for id in ["first", "second"] {
        send_frame(&mut sender, &pair, id);
        let error = next_of(&mut sender, "error").await;
        assert_eq!((&error["request_id"], &error["code"]), (&json!(id), &json!("SERVICE_UNAVAILABLE")), "{error}");
    }
    layer.repair();
    for id in ["second", "first", "third"] {
        send_frame(&mut sender, &pair, id);
        let sent = next_of(&mut sender, "message.sent").await;
        assert_eq!((&sent["request_id"], &sent["replay"]), (&json!(id), &json!(false)), "{sent}");
    }
    for id in ["second", "first", "third"] {
        assert_eq!(next_of(&mut receiver, "message.new").await["client_msg_id"], id);
    }
    assert!(served.stop().await.success());
}

#[tokio::test]
async fn a_start_without_room_says_so() {
    let layer = Layer::new();
    layer.break_down(no_room(0, FOREVER));
    let Err((status, text)) = Served::start(&layer).await else { panic!("a server without a disk") };
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("full") && text.contains(&layer.data().display().to_string()), "{text}");
    layer.repair();
    let served = Served::start(&layer).await.map_err(|(_, text)| text).unwrap();
    assert!(served.stop().await.success());
}
