//! Before the clock runs: agents seeded by the operator, conversations established by a reply.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::process::Service;
use crate::wire::http::{HttpConnection, request};

/// An agent of the load.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) handle: String,
    pub(crate) key: String,
}

/// A conversation of two agents, established.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) last_seq: u64,
}

/// JSON calls over one connection.
pub(crate) struct Caller {
    address: SocketAddr,
    connection: HttpConnection,
}

impl Caller {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let connection = HttpConnection::open(address).await.with_context(|| format!("cannot reach {address}"))?;
        Ok(Self { address, connection })
    }

    /// Status and body of a call, whatever the status.
    pub(crate) async fn answer(
        &mut self,
        method: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bytes = request(method, path, self.address, key, &body);
        let answer = self.connection.exchange(&bytes).await.with_context(|| format!("{method} {path}"))?;
        let value = serde_json::from_slice(answer.body).with_context(|| format!("{method} {path}: no JSON"))?;
        Ok((answer.status, value))
    }

    /// The body of a call that must succeed.
    pub(crate) async fn call(&mut self, method: &str, path: &str, key: &str, body: &Value) -> anyhow::Result<Value> {
        let (status, value) = self.answer(method, path, key, body).await?;
        if !(200..300).contains(&status) {
            bail!("{method} {path} was answered {status}: {value}");
        }
        Ok(value)
    }

    /// A text sent by `sender`; the row that the server answers with.
    pub(crate) async fn send(
        &mut self,
        sender: &Agent,
        to: &str,
        client_msg_id: &str,
        text: &str,
    ) -> anyhow::Result<Value> {
        let body = json!({"to": to, "client_msg_id": client_msg_id, "content": {"text": text}});
        self.call("POST", "/v1/messages", &sender.key, &body).await
    }

    /// Settles everything that waits for `agent`.
    pub(crate) async fn drain(&mut self, agent: &Agent) -> anyhow::Result<()> {
        loop {
            let rows = self.waiting(agent).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            let body = json!({"last_delivery_id": last["delivery_id"]});
            self.call("POST", "/v1/messages/sync/ack", &agent.key, &body).await?;
        }
    }

    /// The first 500 messages that wait for `agent`; reading settles nothing.
    pub(crate) async fn waiting(&mut self, agent: &Agent) -> anyhow::Result<Vec<Value>> {
        let rows = self.call("GET", "/v1/messages/sync?limit=500", &agent.key, &Value::Null).await?;
        rows.as_array().cloned().context("the backlog is no array")
    }

    /// How many messages wait for `agent`.
    pub(crate) async fn undelivered(&mut self, agent: &Agent) -> anyhow::Result<u64> {
        let body = self.call("GET", "/v1/messages/undelivered/count", &agent.key, &Value::Null).await?;
        body["count"].as_u64().context("no count in the answer")
    }

    async fn seed(&mut self, token: &str, handle: &str) -> anyhow::Result<Agent> {
        let body = json!({"handle": handle, "email": format!("{handle}@bench.example.com")});
        let answer = self.call("POST", "/admin/agents", token, &body).await?;
        let key = answer["api_key"].as_str().context("no api_key in the answer")?;
        Ok(Agent { handle: handle.to_owned(), key: key.to_owned() })
    }

    async fn introduce(&mut self, sender: &Agent, receiver: &Agent) -> anyhow::Result<Conversation> {
        self.send(sender, &receiver.handle, &format!("hello-{}", receiver.handle), "hello").await?;
        let reply = self.send(receiver, &sender.handle, &format!("reply-{}", sender.handle), "hello back").await?;
        self.drain(receiver).await?;
        self.drain(sender).await?;
        Ok(Conversation {
            id: reply["conversation_id"].as_str().context("no conversation_id")?.to_owned(),
            last_seq: reply["seq"].as_u64().context("no seq")?,
        })
    }
}

const AT_ONCE: usize = 16;

/// Seeds agents `PREFIX-0`, `PREFIX-1`, ….
pub(crate) async fn seed(service: &Service, prefix: &str, count: usize) -> anyhow::Result<Vec<Agent>> {
    let (address, token) = (service.address(0), service.admin_token.clone());
    let handles = (0..count).map(|index| format!("{prefix}-{index}")).collect();
    all(handles, move |handle: String| {
        let token = token.clone();
        async move { Caller::open(address).await?.seed(&token, &handle).await }
    })
    .await
}

/// Lets each pair speak once in both directions, so that nothing is cold afterwards.
pub(crate) async fn introduce(service: &Service, pairs: Vec<(Agent, Agent)>) -> anyhow::Result<Vec<Conversation>> {
    let address = service.address(0);
    all(
        pairs,
        move |(sender, receiver)| async move { Caller::open(address).await?.introduce(&sender, &receiver).await },
    )
    .await
}

/// Runs `work` on every input, a few at once; results in the order of the inputs.
pub(crate) async fn all<I, O, W, F>(inputs: Vec<I>, work: W) -> anyhow::Result<Vec<O>>
where
    W: Fn(I) -> F,
    F: Future<Output = anyhow::Result<O>> + Send + 'static,
    O: Send + 'static,
{
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (index, input) in inputs.into_iter().enumerate() {
        let (permits, task) = (permits.clone(), work(input));
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await?;
            Ok::<_, anyhow::Error>((index, task.await?))
        });
    }
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(result) = tasks.join_next().await {
        results.push(result??);
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, output)| output).collect())
}
