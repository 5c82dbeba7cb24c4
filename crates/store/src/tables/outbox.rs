//! What messages and events leave for webhooks, in the transaction that makes them: rows of `webhook_delivery`, each
//! naming what it will say when it is sent.

use sha2::{Digest, Sha256};

use crate::key::{AgentKey, MessageKey};
use crate::row::Value;
use crate::{Engine, Result, Tx};

/// Bits of `inbox.hooks`: an active webhook of the agent wants its messages.
pub const WANTS_MESSAGES: i64 = 1;
/// Bits of `inbox.hooks`: the agent wants to be woken.
pub const WANTS_WAKING: i64 = 2;
/// Bits of `inbox.hooks`: an active webhook of the agent wants something else than messages.
pub const WANTS_EVENTS: i64 = 4;

/// `webhook.events`, `webhook_delivery.event`: a message for the agent.
pub(super) const MESSAGE_NEW: i64 = 1;

/// How loud a message arrives: `envelope.quiet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loudness {
    /// Pushed, and told to webhooks.
    Loud,
    /// Muted, or below the recipient's notify level: only there.
    Muted,
    /// Would be loud, but the recipient's owner paused everything.
    Held,
}

impl Loudness {
    /// Not to be pushed live.
    pub fn is_quiet(self) -> bool {
        self != Self::Loud
    }

    pub(super) fn number(self) -> i64 {
        match self {
            Self::Loud => 0,
            Self::Muted => 1,
            Self::Held => 2,
        }
    }
}

impl From<Loudness> for Value<'_> {
    fn from(loudness: Loudness) -> Self {
        Self::Int(loudness.number())
    }
}

/// Something that webhooks of one agent are told.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    pub agent: AgentKey,
    /// One of the bits of `webhook.events`.
    pub event: i64,
    /// JSON: the `data` of the call.
    pub data: &'a str,
    /// Any id that the operation was given freshly.
    pub seed: &'a [u8; 16],
    pub now: i64,
}

struct Wanting {
    webhook: i64,
}

impl Tx<'_> {
    /// Queues a message for those webhooks of `agents` that want messages. Their inboxes are to be locked: webhooks come
    /// and go under the same locks.
    pub(super) async fn enqueue_message(
        &mut self,
        message: MessageKey,
        id: &[u8; 16],
        agents: &[i64],
        now: i64,
    ) -> Result<()> {
        for Wanting { webhook } in self.wanting(agents, MESSAGE_NEW).await? {
            self.execute_later(
                "INSERT INTO webhook_delivery (id, webhook, event, message, next_at, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $5)",
                &[
                    (&delivery_id(id, webhook, now)).into(),
                    Value::Int(webhook),
                    MESSAGE_NEW.into(),
                    message.into(),
                    now.into(),
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Queues an event for the webhooks that want it; nothing for a fully paused agent. True when there was any.
    pub async fn enqueue_event(&mut self, new: &NewEvent<'_>) -> Result<bool> {
        let paused = self.query_int("SELECT paused FROM agent WHERE pk = $1", &[new.agent.into()]).await?;
        if paused == Some(FULLY_PAUSED) {
            return Ok(false);
        }
        let wanting = self.wanting(&[new.agent.0], new.event).await?;
        for Wanting { webhook } in &wanting {
            self.execute_later(
                "INSERT INTO webhook_delivery (id, webhook, event, data, next_at, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $5)",
                &[
                    (&delivery_id(new.seed, *webhook, new.now)).into(),
                    Value::Int(*webhook),
                    new.event.into(),
                    new.data.into(),
                    new.now.into(),
                ],
            )
            .await?;
        }
        Ok(!wanting.is_empty())
    }

    /// The active webhooks of some agents that want an event, in the order they were made.
    async fn wanting(&mut self, agents: &[i64], event: i64) -> Result<Vec<Wanting>> {
        macro_rules! wanting {
            ($agents:literal) => {
                concat!(
                    "SELECT pk FROM webhook WHERE agent ",
                    $agents,
                    " AND active = 1 AND (events / $2) % 2 = 1 ORDER BY pk"
                )
            };
        }
        let map = |row: &crate::row::Row<'_>| Ok(Wanting { webhook: row.int(0)? });
        match self.engine() {
            Engine::Sqlite => {
                let list = format!("{agents:?}");
                let sql = wanting!("IN (SELECT value FROM json_each($1))");
                self.query_all(sql, &[(&list).into(), event.into()], map).await
            }
            Engine::Postgres => self.query_all(wanting!("= ANY($1)"), &[Value::Ints(agents), event.into()], map).await,
        }
    }
}

/// `agent.paused` of an agent that is to be left in peace.
const FULLY_PAUSED: i64 = 2;

/// A UUIDv7 of `now`. An operation that is run again makes the same ones, and nobody else can foretell them.
fn delivery_id(seed: &[u8; 16], webhook: i64, now: i64) -> [u8; 16] {
    let digest = Sha256::new().chain_update(seed).chain_update(webhook.to_be_bytes()).finalize();
    let mut id = [0; 16];
    id[..6].copy_from_slice(&now.to_be_bytes()[2..]);
    id[6..].copy_from_slice(&digest[..10]);
    id[6] = 0x70 | (id[6] & 0x0f);
    id[8] = 0x80 | (id[8] & 0x3f);
    id
}
