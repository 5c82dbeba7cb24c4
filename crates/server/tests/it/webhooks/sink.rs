//! A receiver of calls that answers as it is told and remembers what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agentchat_egress::Guard;
use agentchat_server::Config;
use agentchat_store::Engine;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::Stage;

/// Nothing in these tests takes longer; what does has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call that came in.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

#[derive(Default)]
struct Inside {
    received: Vec<Received>,
    /// Answers to the next calls; then always `after`.
    answers: VecDeque<u16>,
    after: Option<u16>,
}

/// Listens on a free port of this machine until it is dropped.
pub(super) struct Sink {
    pub(super) url: String,
    inside: Arc<Mutex<Inside>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inside = Arc::new(Mutex::new(Inside::default()));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inside));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inside, task }
    }

    /// The answers to the next calls.
    pub(super) fn answer_next(&self, answers: &[u16]) {
        self.inside.lock().unwrap().answers.extend(answers);
    }

    /// The answer to all calls after those.
    pub(super) fn answer(&self, status: u16) {
        self.inside.lock().unwrap().after = Some(status);
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.inside.lock().unwrap().received.clone()
    }

    /// What came once that is at least so many.
    pub(super) async fn after(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            assert!(Instant::now() < deadline, "{} of {count} calls came", received.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn receive(State(inside): State<Arc<Mutex<Inside>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut inside = inside.lock().unwrap();
    inside.received.push(Received { headers, text: String::from_utf8(body.to_vec()).unwrap() });
    let status = inside.answers.pop_front().or(inside.after).unwrap_or(200);
    let mut answer = (StatusCode::from_u16(status).unwrap(), "noted").into_response();
    if (300..400).contains(&status) {
        answer.headers_mut().insert("location", "http://127.0.0.1:1/elsewhere".parse().unwrap());
    }
    answer
}

/// Calls are made, to this machine too, and looked for often.
pub(super) fn calling(config: &mut Config) {
    config.deliver_webhooks = true;
    config.webhook_guard = Guard::AllowPrivate;
    config.timing.seek_calls = Duration::from_millis(5);
    config.limits.set("api=off").unwrap();
}

/// Alice and Bob, who know each other, on a server that calls.
pub(super) async fn stage(engine: Engine) -> Stage {
    let stage = Stage::with(engine, &["alice", "bob"], calling).await;
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hello").await;
    stage
}

/// A webhook of Bob's; its path, and its secret.
pub(super) async fn hook(stage: &Stage, url: &str, events: &[&str]) -> (String, String) {
    let answer = stage.post("bob", "/v1/webhooks", json!({ "url": url, "events": events })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    (format!("/v1/webhooks/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap().to_owned())
}

/// Bob's deliveries at a webhook, oldest first, once `fits` says so.
pub(super) async fn deliveries(stage: &Stage, hook: &str, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = stage.get("bob", &format!("{hook}/deliveries?limit=100")).await.json();
        let mut rows = answer["deliveries"].as_array().unwrap().clone();
        rows.reverse();
        if fits(&rows) {
            return rows;
        }
        assert!(Instant::now() < deadline, "{rows:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// All of them have this status.
pub(super) fn all(status: &'static str) -> impl Fn(&[Value]) -> bool {
    move |rows| rows.iter().all(|row| row["status"] == status)
}

/// The last one was tried so often.
pub(super) fn tried(attempts: i64) -> impl Fn(&[Value]) -> bool {
    move |rows| rows.last().is_some_and(|row| row["attempts"] == attempts && row["status"] != "delivering")
}
