//! `retention`: how far old messages were emptied, and the emptying. What is left of a message is a stub: its place, its
//! sender, its `client_msg_id`, and `content = ''`.

use agentchat_protocol::id::AttachmentId;

use super::attachment_object;
use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, Tx};

/// A message that may have become old enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionCandidate {
    pub message: MessageKey,
    pub conversation: ConversationKey,
    pub created_at: i64,
    /// It was emptied before.
    pub is_stub: bool,
    /// Rows of it besides its own.
    pub envelopes: i64,
    /// Somebody has not got it yet.
    pub waits: bool,
}

/// What emptying did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Emptied {
    pub messages: i64,
    /// Those that no other message uses.
    pub attachments: i64,
}

/// The last run that came to its end, and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionRow {
    pub last_at: Option<i64>,
    pub last: Emptied,
    pub next_at: i64,
}

macro_rules! candidates {
    ($rest:literal) => {
        concat!(
            "SELECT m.pk, m.conversation, m.created_at, CASE WHEN m.content = '' THEN 1 ELSE 0 END, \
             (SELECT COUNT(*) FROM envelope e WHERE e.message = m.pk), \
             (SELECT COUNT(*) FROM envelope e WHERE e.message = m.pk AND e.status = 0) ",
            $rest
        )
    };
}

fn candidate(row: &Row<'_>) -> Result<RetentionCandidate> {
    Ok(RetentionCandidate {
        message: MessageKey(row.int(0)?),
        conversation: ConversationKey(row.int(1)?),
        created_at: row.int(2)?,
        is_stub: row.bool(3)?,
        envelopes: row.int(4)?,
        waits: row.int(5)? > 0,
    })
}

/// A statement about the messages in `$1`, for SQLite and for PostgreSQL.
macro_rules! about {
    ($before:literal, $after:literal) => {
        (concat!($before, " IN (SELECT value FROM json_each($1))", $after), concat!($before, " = ANY($1)", $after))
    };
}

/// Keys as each engine takes them.
struct Keys {
    list: String,
    keys: Vec<i64>,
}

impl Keys {
    fn of(messages: &[MessageKey]) -> Self {
        let keys: Vec<i64> = messages.iter().map(|message| message.0).collect();
        Self { list: format!("{keys:?}"), keys }
    }

    /// The statement of an engine, and its `$1`.
    fn on(&self, engine: Engine, about: (&'static str, &'static str)) -> (&'static str, Value<'_>) {
        match engine {
            Engine::Sqlite => (about.0, (&self.list).into()),
            Engine::Postgres => (about.1, Value::Ints(&self.keys)),
        }
    }
}

impl Tx<'_> {
    /// Takes the next run, if it is due and nobody has it; answers the message that was looked at last.
    pub async fn claim_retention(&mut self, node: &[u8; 16], now: i64, lease_ms: i64) -> Result<Option<MessageKey>> {
        let through = self
            .query_int(
                "INSERT INTO retention (one, next_at, claimed_by, claimed_until) VALUES (1, $1, $2, $3) \
                 ON CONFLICT (one) DO UPDATE SET claimed_by = $2, claimed_until = $3 \
                 WHERE retention.next_at <= $1 AND (retention.claimed_until <= $1 OR retention.claimed_by = $2) \
                 RETURNING through",
                &[now.into(), node.into(), (now + lease_ms).into()],
            )
            .await?;
        Ok(through.map(MessageKey))
    }

    /// Holds a claimed run for another `lease_ms`; false when another node has it by now.
    pub async fn renew_retention(&mut self, node: &[u8; 16], now: i64, lease_ms: i64) -> Result<bool> {
        let renewed = self
            .execute(
                "UPDATE retention SET claimed_until = $1 WHERE one = 1 AND claimed_by = $2",
                &[(now + lease_ms).into(), node.into()],
            )
            .await?;
        Ok(renewed > 0)
    }

    /// Ends a claimed run.
    pub async fn end_retention(&mut self, node: &[u8; 16], now: i64, next_at: i64) -> Result<()> {
        self.execute(
            "UPDATE retention SET last_at = $1, next_at = $2, last_messages = messages, \
             last_attachments = attachments, messages = 0, attachments = 0, claimed_until = 0 \
             WHERE one = 1 AND claimed_by = $3",
            &[now.into(), next_at.into(), node.into()],
        )
        .await?;
        Ok(())
    }

    /// Messages behind `after`, oldest first.
    pub async fn retention_candidates(&mut self, after: MessageKey, limit: i64) -> Result<Vec<RetentionCandidate>> {
        self.query_all(
            candidates!("FROM message m WHERE m.pk > $1 ORDER BY m.pk LIMIT $2"),
            &[after.into(), limit.into()],
            candidate,
        )
        .await
    }

    /// Messages behind `after` that waited for somebody when they were looked at.
    pub async fn retention_waiting(&mut self, after: MessageKey, limit: i64) -> Result<Vec<RetentionCandidate>> {
        self.query_all(
            candidates!(
                "FROM retention_later l JOIN message m ON m.pk = l.message WHERE l.message > $1 \
                 ORDER BY l.message LIMIT $2"
            ),
            &[after.into(), limit.into()],
            candidate,
        )
        .await
    }

    /// Everything up to `through` was looked at; those of `later` wait for somebody.
    pub async fn advance_retention(&mut self, through: MessageKey, later: &[MessageKey]) -> Result<()> {
        self.execute_later("UPDATE retention SET through = $1 WHERE one = 1 AND through < $1", &[through.into()])
            .await?;
        for message in later {
            self.execute_later(
                "INSERT INTO retention_later (message) VALUES ($1) ON CONFLICT (message) DO NOTHING",
                &[(*message).into()],
            )
            .await?;
        }
        Ok(())
    }

    /// Makes stubs of those of these messages, all of one conversation, that wait for nobody. Unread counts, envelopes,
    /// hides and attachments included.
    pub async fn empty_messages(
        &mut self,
        conversation: ConversationKey,
        messages: &[MessageKey],
        now: i64,
    ) -> Result<Emptied> {
        let asked = Keys::of(messages);
        // An attachment is used in one conversation alone, and a send that refers to it takes the same lock.
        self.lock("SELECT pk FROM conversation WHERE pk = $1 FOR NO KEY UPDATE", &[conversation.into()]);
        self.lock(
            "SELECT agent FROM inbox WHERE agent IN (SELECT e.recipient FROM envelope e WHERE e.message = ANY($1)) \
             ORDER BY agent FOR NO KEY UPDATE",
            &[Value::Ints(&asked.keys)],
        );
        let settled = self.settled_messages(&asked).await?;
        if settled.is_empty() {
            return Ok(Emptied::default());
        }
        let gone = Keys::of(&settled);
        self.uncount_unread(conversation, &gone).await?;
        let attachments = self.drop_attachments(&gone, now).await?;
        for about in [
            about!("DELETE FROM envelope WHERE message", ""),
            about!("DELETE FROM hidden WHERE message", ""),
            about!("UPDATE message SET content = '', metadata = NULL, mentions = NULL, trace = NULL WHERE pk", ""),
            about!("DELETE FROM retention_later WHERE message", ""),
        ] {
            let (sql, keys) = gone.on(self.engine(), about);
            self.execute_later(sql, &[keys]).await?;
        }
        let emptied = Emptied { messages: settled.len() as i64, attachments };
        self.execute_later(
            "UPDATE retention SET messages = messages + $1, attachments = attachments + $2, stubs = stubs + $1 \
             WHERE one = 1",
            &[emptied.messages.into(), emptied.attachments.into()],
        )
        .await?;
        Ok(emptied)
    }

    /// Those of these messages that are none yet and wait for nobody. That stays so: nothing goes back into a queue.
    async fn settled_messages(&mut self, messages: &Keys) -> Result<Vec<MessageKey>> {
        let about = about!(
            "SELECT m.pk FROM message m WHERE m.pk",
            " AND m.content <> '' AND NOT EXISTS (SELECT 1 FROM envelope e WHERE e.message = m.pk AND e.status = 0)"
        );
        let (sql, keys) = messages.on(self.engine(), about);
        self.query_all(sql, &[keys], |row| row.int(0).map(MessageKey)).await
    }

    /// What is gone is not unread any more: it counts with what was read, for those to whom it was.
    async fn uncount_unread(&mut self, conversation: ConversationKey, messages: &Keys) -> Result<()> {
        let about = about!(
            "SELECT e.recipient, COUNT(*) FROM envelope e JOIN message m ON m.pk = e.message \
             JOIN member b ON b.agent = e.recipient AND b.conversation = m.conversation \
             WHERE m.seq > b.read_seq AND m.seq > b.hidden_seq AND m.seq >= b.joined_seq \
             AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = e.recipient AND h.message = m.pk) AND e.message",
            " GROUP BY e.recipient"
        );
        let (sql, keys) = messages.on(self.engine(), about);
        let unread = self.query_all(sql, &[keys], |row| Ok((AgentKey(row.int(0)?), row.int(1)?))).await?;
        for (agent, count) in unread {
            self.execute_later(
                "UPDATE member SET received_base = received_base + $1 WHERE agent = $2 AND conversation = $3",
                &[count.into(), agent.into(), conversation.into()],
            )
            .await?;
        }
        Ok(())
    }

    /// Removes what these messages refer to and no other does; its bytes are deleted after the commit.
    async fn drop_attachments(&mut self, messages: &Keys, now: i64) -> Result<i64> {
        let about = about!("SELECT DISTINCT attachment FROM attachment_use WHERE message", "");
        let (sql, keys) = messages.on(self.engine(), about);
        let used = self.query_all(sql, &[keys], |row| row.int(0)).await?;
        if used.is_empty() {
            return Ok(0);
        }
        let (sql, keys) = messages.on(self.engine(), about!("DELETE FROM attachment_use WHERE message", ""));
        self.execute(sql, &[keys]).await?;
        let mut dropped = 0;
        for attachment in used {
            let unused = "DELETE FROM attachment WHERE pk = $1 \
                          AND NOT EXISTS (SELECT 1 FROM attachment_use u WHERE u.attachment = $1) RETURNING id";
            if let Some(id) = self.query_opt(unused, &[attachment.into()], |row| row.bytes::<16>(0)).await? {
                self.discard_object(&attachment_object(AttachmentId::from_bytes(id)), now).await?;
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// What was done last, and when the next run is due; none before the first.
    pub async fn retention(&mut self) -> Result<Option<RetentionRow>> {
        self.query_opt(
            "SELECT last_at, last_messages, last_attachments, next_at FROM retention WHERE one = 1",
            &[],
            |row| {
                Ok(RetentionRow {
                    last_at: row.opt_int(0)?,
                    last: Emptied { messages: row.int(1)?, attachments: row.int(2)? },
                    next_at: row.int(3)?,
                })
            },
        )
        .await
    }
}
