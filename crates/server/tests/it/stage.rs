//! Agents on a server whose clock stands, and answers in print: ids have short names there, so that snapshots hold.

use std::collections::HashMap;

use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_server::{Clock, Config, Server};
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, StoreError, Tx, Write};
use serde_json::{Value, json};

use crate::accounts::call;
use crate::client::{Answer, Home, TestServer};

/// insta's, for tests that run on several engines: each has to answer the same.
macro_rules! assert_snapshot {
    ($answer:expr, @$snapshot:literal) => {{
        let answer = $answer;
        insta::allow_duplicates! { insta::assert_snapshot!(answer, @$snapshot) }
    }};
}
pub(crate) use assert_snapshot;

/// What happens on it begins at 2026-01-15T09:30:00.000Z; every message said takes a second.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) clock: Clock,
    config: Config,
    keys: HashMap<&'static str, String>,
}

impl Stage {
    /// A server with these agents.
    pub(crate) async fn of(engine: Engine, agents: &[&'static str]) -> Self {
        Self::with(engine, agents, |_| {}).await
    }

    /// The same after changes to the defaults.
    pub(crate) async fn with(engine: Engine, agents: &[&'static str], change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_768_469_400_000));
        let home = Home::new(engine).await;
        let mut config = home.config();
        config.clock = clock.clone();
        change(&mut config);
        let server = TestServer { running: Server::start(config.clone()).await.unwrap(), home };
        let mut keys = HashMap::new();
        for agent in agents {
            keys.insert(*agent, server.register(agent).await);
        }
        Self { server, clock, config, keys }
    }

    /// Writes to the store as no endpoint of this part does, while the server is down for a moment.
    pub(crate) async fn meanwhile<E: std::fmt::Debug>(self, change: impl Write<Error = E>) -> Self {
        let Self { server, clock, config, keys } = self;
        let home = server.leave().await;
        let store = home.store().await;
        store.write(change).await.unwrap();
        store.close().await;
        let server = TestServer { running: Server::start(config.clone()).await.unwrap(), home };
        Self { server, clock, config, keys }
    }

    /// An agent's key.
    pub(crate) fn key(&self, agent: &str) -> &str {
        self.keys.get(agent).unwrap_or_else(|| panic!("{agent} is not on the stage"))
    }

    /// Takes note of an agent that came otherwise, or of its new key.
    pub(crate) fn know(&mut self, agent: &'static str, key: String) {
        self.keys.insert(agent, key);
    }

    pub(crate) async fn get(&self, agent: &str, path: &str) -> Answer {
        call(&self.server, &self.keys[agent], "GET", path, "").await
    }

    pub(crate) async fn post(&self, agent: &str, path: &str, body: Value) -> Answer {
        self.post_text(agent, path, &body.to_string()).await
    }

    pub(crate) async fn post_text(&self, agent: &str, path: &str, body: &str) -> Answer {
        call(&self.server, &self.keys[agent], "POST", path, body).await
    }

    pub(crate) async fn patch(&self, agent: &str, path: &str, body: Value) -> Answer {
        call(&self.server, &self.keys[agent], "PATCH", path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, agent: &str, path: &str, body: Value) -> Answer {
        call(&self.server, &self.keys[agent], "PUT", path, &body.to_string()).await
    }

    pub(crate) async fn delete(&self, agent: &str, path: &str) -> Answer {
        call(&self.server, &self.keys[agent], "DELETE", path, "").await
    }

    /// The first blocks the second.
    pub(crate) async fn block(&self, blocker: &str, blocked: &str) {
        let answer = self.post(blocker, &format!("/v1/contacts/{blocked}/block"), json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The first mutes the second.
    pub(crate) async fn mute(&self, muter: &str, muted: &str) {
        let answer = self.post(muter, "/v1/mutes", json!({ "target_kind": "agent", "target_handle": muted })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// Sends a body under an `Idempotency-Key`.
    pub(crate) async fn send_with_key(&self, agent: &str, key: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {}", self.keys[agent]);
        let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", key)];
        self.server.request("POST", "/v1/messages", &headers, body.to_string().as_bytes()).await
    }

    /// Sends a text that is its own `client_msg_id`; the clock moves on by a second.
    pub(crate) async fn try_say(&self, from: &str, to: &str, text: &str) -> Answer {
        let body = json!({ "to": to, "client_msg_id": text, "content": { "text": text } });
        let answer = self.post(from, "/v1/messages", body).await;
        self.clock.advance(1_000);
        answer
    }

    /// The same, stored for the first time.
    pub(crate) async fn say(&self, from: &str, to: &str, text: &str) -> Value {
        let answer = self.try_say(from, to, text).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// What waits for an agent.
    pub(crate) async fn waiting(&self, agent: &str) -> Vec<Value> {
        self.get(agent, "/v1/messages/sync").await.rows()
    }
}

impl Answer {
    /// The rows of a bare array.
    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{self:?}");
        self.json().as_array().unwrap_or_else(|| panic!("no array: {self:?}")).clone()
    }

    /// One line a row, with these members.
    pub(crate) fn table(&self, members: &[&str]) -> String {
        let cell = |row: &Value, member: &&str| row[*member].to_string().trim_matches('"').to_owned();
        let line = |row: &Value| members.iter().map(|member| cell(row, member)).collect::<Vec<_>>().join(" ");
        named(&self.rows().iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// Status, headers that say something about this answer, and the body.
    pub(crate) fn print(&self) -> String {
        let mut text = self.status.to_string();
        for name in ["allow", "idempotent-replay", "retry-after", "x-backlog-warning"] {
            if let Some(value) = self.header(name) {
                text.push_str(&format!("\n{name}: {value}"));
            }
        }
        named(&format!("{text}\n{}", serde_json::to_string_pretty(&self.json()).unwrap()))
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.error_code())
    }
}

/// Every id by its prefix and the order in which it first appears.
pub(crate) fn named(text: &str) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut out = String::new();
    for (at, word) in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(split_end) {
        if !is_id(at) {
            out.push_str(at);
        } else {
            let number = seen.iter().position(|one| *one == at).unwrap_or_else(|| {
                seen.push(at);
                seen.len() - 1
            });
            let prefix = at.split('_').next().unwrap_or_default();
            out.push_str(&format!("{prefix}_{}", number + 1));
        }
        out.push_str(word);
    }
    out
}

/// A word and the one character behind it.
fn split_end(piece: &str) -> (&str, &str) {
    let end = piece.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).len();
    piece.split_at(end)
}

fn is_id(word: &str) -> bool {
    match word.split_once('_') {
        Some(("del", rest)) => rest.len() == 32,
        Some(("msg" | "conv" | "grp" | "inv" | "agt" | "pnd" | "esc" | "whk" | "whd", rest)) => rest.len() == 26,
        _ => false,
    }
}

/// What owners and enforcement do to an agent through endpoints that are not there yet.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    Is(&'static str, AgentStatus),
    Paused(&'static str, PausedByOwner),
}

impl Write for Standing {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        match self {
            Self::Is(agent, status) => {
                let agent = key(tx, agent).await?;
                tx.set_agent_status(agent, status, 0).await
            }
            Self::Paused(agent, paused) => {
                let agent = key(tx, agent).await?;
                tx.set_agent_paused(agent, paused).await
            }
        }
    }
}

async fn key(tx: &mut Tx<'_>, handle: &str) -> Result<AgentKey, StoreError> {
    let row = tx.agent_by_handle(&Handle::parse(handle).unwrap()).await?;
    Ok(row.unwrap_or_else(|| panic!("{handle} is not registered")).key)
}
