//! Registration, recovery, key rotation over HTTP.

mod recovery;
mod registration;
mod rotation;

use agentchat_protocol::timestamp::Timestamp;
use agentchat_server::Clock;
use agentchat_store::Engine;
use serde_json::Value;

use crate::client::{Answer, TestServer};

/// A server whose clock stands until it is moved.
pub(crate) async fn at_a_standstill(engine: Engine) -> (TestServer, Clock) {
    let clock = Clock::manual(Timestamp::from_millis(1_768_469_400_000));
    let shared = clock.clone();
    (TestServer::on_with(engine, |config| config.clock = shared).await, clock)
}

pub(crate) async fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
    server.request("POST", path, &[], body.to_string().as_bytes()).await
}

/// A request of an agent.
pub(crate) async fn call(server: &TestServer, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let authorization = format!("Bearer {key}");
    server.request(method, path, &[("Authorization", &authorization)], body.as_bytes()).await
}

/// Mails written so far.
pub(crate) fn mails(server: &TestServer) -> usize {
    let names = std::fs::read_dir(server.home.folder.path().join("mail")).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|end| end == "eml")).count()
}

/// A code that is not this one.
pub(crate) fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}
