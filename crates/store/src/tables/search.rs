//! What the index of words is made from, and, with PostgreSQL, the index itself: `to_index` and `search_index`.

use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::search::{BATCH, Entry, Indexed, Lookup, entry_columns};
use crate::{Engine, Read, Result, StoreError, Tx, Write};

/// A group somebody is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchedGroup {
    pub key: ConversationKey,
    /// The first message that the agent may see.
    pub first: MessageKey,
}

/// A message that may be what was looked for.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub key: MessageKey,
    pub created_at: i64,
    pub content: String,
}

/// Everything an agent may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Messages, at the most.
    pub messages: i64,
    /// The newest of all there are, whoever may see it.
    pub newest: MessageKey,
}

impl Tx<'_> {
    /// The groups that `agent` is in and in which there is something it may see.
    pub async fn searched_groups(&mut self, agent: AgentKey) -> Result<Vec<SearchedGroup>> {
        self.query_all(
            "SELECT s.conversation, s.first FROM (SELECT b.conversation, (SELECT m.pk FROM message m \
             WHERE m.conversation = b.conversation AND m.seq >= b.joined_seq ORDER BY m.seq LIMIT 1) AS first \
             FROM member b JOIN conversation c ON c.pk = b.conversation WHERE b.agent = $1 AND b.joined_at > 0 \
             AND b.left_at IS NULL AND c.kind = 1 AND c.deleted_at IS NULL) s WHERE s.first IS NOT NULL",
            &[agent.into()],
            |row| Ok(SearchedGroup { key: ConversationKey(row.int(0)?), first: MessageKey(row.int(1)?) }),
        )
        .await
    }

    /// The first message of a conversation from this seq on.
    pub async fn first_message(&mut self, conversation: ConversationKey, seq: i64) -> Result<Option<MessageKey>> {
        let sql = "SELECT pk FROM message WHERE conversation = $1 AND seq >= $2 ORDER BY seq LIMIT 1";
        Ok(self.query_int(sql, &[conversation.into(), seq.into()]).await?.map(MessageKey))
    }

    /// How much there is that `agent` may see.
    pub async fn searched_extent(&mut self, agent: AgentKey) -> Result<Extent> {
        let messages = self
            .query_int(
                "SELECT CAST(SUM(c.last_seq - CASE WHEN b.joined_seq > 0 THEN b.joined_seq - 1 ELSE 0 END) AS BIGINT) \
                 FROM member b JOIN conversation c ON c.pk = b.conversation \
                 WHERE b.agent = $1 AND b.left_at IS NULL AND c.deleted_at IS NULL",
                &[agent.into()],
            )
            .await?;
        Ok(Extent { messages: messages.unwrap_or(0), newest: self.newest_message().await? })
    }

    /// The message with the highest key.
    pub async fn newest_message(&mut self) -> Result<MessageKey> {
        Ok(MessageKey(self.query_int("SELECT MAX(pk) FROM message", &[]).await?.unwrap_or(0)))
    }

    /// The first message from this key on, and when it was sent.
    pub async fn message_at_or_above(&mut self, key: MessageKey) -> Result<Option<(MessageKey, i64)>> {
        self.query_opt("SELECT pk, created_at FROM message WHERE pk >= $1 ORDER BY pk LIMIT 1", &[key.into()], |row| {
            Ok((MessageKey(row.int(0)?), row.int(1)?))
        })
        .await
    }

    /// Those of the messages that `agent` may see now, newest first. Hidden conversations count: they are only out of
    /// the list.
    pub async fn searchable(&mut self, agent: AgentKey, messages: &[MessageKey]) -> Result<Vec<Candidate>> {
        macro_rules! candidates {
            ($which:literal) => {
                concat!(
                    "SELECT m.pk, m.created_at, m.content FROM message m ",
                    "JOIN member b ON b.agent = $1 AND b.conversation = m.conversation ",
                    "JOIN conversation c ON c.pk = m.conversation ",
                    "WHERE ",
                    $which,
                    " AND b.left_at IS NULL AND c.deleted_at IS NULL AND m.seq >= b.joined_seq AND m.content <> '' ",
                    "AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = $1 AND h.message = m.pk) ",
                    "ORDER BY m.pk DESC"
                )
            };
        }
        let candidate = |row: &crate::row::Row<'_>| {
            Ok(Candidate { key: MessageKey(row.int(0)?), created_at: row.int(1)?, content: row.text(2)? })
        };
        match self.engine() {
            Engine::Postgres => {
                let keys: Vec<i64> = messages.iter().map(|message| message.0).collect();
                let keys = crate::row::Value::Ints(&keys);
                self.query_all(candidates!("m.pk = ANY($2)"), &[agent.into(), keys], candidate).await
            }
            Engine::Sqlite => {
                let mut found = Vec::new();
                for message in messages {
                    let params = [agent.into(), (*message).into()];
                    found.extend(self.query_opt(candidates!("m.pk = $2"), &params, candidate).await?);
                }
                found.sort_unstable_by_key(|candidate| std::cmp::Reverse(candidate.key));
                Ok(found)
            }
        }
    }
}

/// Asks a folder's database for what comes after a message, which must have this id.
pub(crate) struct Follow {
    pub(crate) after: MessageKey,
    pub(crate) id: [u8; 16],
}

impl Read for Follow {
    /// None: there is no such message.
    type Out = Option<Vec<Entry>>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Vec<Entry>>> {
        let own = "SELECT 1 FROM message WHERE pk = $1 AND id = $2";
        if self.after.0 != 0 && tx.query_int(own, &[self.after.into(), (&self.id).into()]).await?.is_none() {
            return Ok(None);
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM message m JOIN conversation c ON c.pk = m.conversation WHERE m.pk > $1 ORDER BY m.pk LIMIT $2"
        );
        Ok(Some(tx.query_all(sql, &[self.after.into(), (BATCH as i64).into()], Entry::of).await?))
    }
}

/// The message with the highest key.
pub(crate) struct NewestMessage;

impl Read for NewestMessage {
    type Out = MessageKey;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<MessageKey> {
        tx.newest_message().await
    }
}

/// PostgreSQL: how many messages wait.
pub(crate) struct CountToIndex;

impl Read for CountToIndex {
    type Out = u64;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64> {
        Ok(tx.query_int("SELECT COUNT(*) FROM to_index", &[]).await?.unwrap_or(0).unsigned_abs())
    }
}

/// PostgreSQL: whether a message waits.
pub(crate) struct AnyToIndex;

impl Read for AnyToIndex {
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        Ok(tx.query_int("SELECT message FROM to_index ORDER BY message LIMIT 1", &[]).await?.is_some())
    }
}

/// PostgreSQL: takes in what no other node is taking in.
pub(crate) struct IndexSome;

impl Write for IndexSome {
    type Out = Indexed;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Indexed> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM to_index t JOIN message m ON m.pk = t.message JOIN conversation c ON c.pk = m.conversation \
             ORDER BY t.message LIMIT $1 FOR UPDATE OF t SKIP LOCKED"
        );
        let entries = tx.query_all(sql, &[(BATCH as i64).into()], Entry::of).await?;
        if entries.is_empty() {
            return Ok(Indexed::default());
        }
        let (mut lines, mut words) = (String::new(), String::new());
        for entry in &entries {
            entry.words(&mut words);
            lines.push_str(&words);
            lines.push('\n');
        }
        // Without the last line break there are as many lines as keys.
        lines.pop();
        let keys: Vec<i64> = entries.iter().map(|entry| entry.message.0).collect();
        let keys = crate::row::Value::Ints(&keys);
        tx.execute_later(
            "INSERT INTO search_index (message, words) \
             SELECT e.message, array_to_tsvector(string_to_array(e.words, ' ')) \
             FROM unnest(CAST($1 AS bigint[]), string_to_array(CAST($2 AS text), chr(10))) AS e (message, words) \
             WHERE e.words <> '' ON CONFLICT (message) DO NOTHING",
            &[keys, (&lines).into()],
        )
        .await?;
        tx.execute_later("DELETE FROM to_index WHERE message = ANY($1)", &[keys]).await?;
        Ok(Indexed { messages: entries.len(), more: entries.len() == BATCH })
    }
}

/// PostgreSQL: forgets the words of messages.
pub(crate) struct Unindex(pub(crate) Vec<MessageKey>);

impl Write for Unindex {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let keys: Vec<i64> = self.0.iter().map(|message| message.0).collect();
        let keys = crate::row::Value::Ints(&keys);
        // Waits for a node that is taking one of them in; afterwards its words are there to be removed.
        tx.execute_later("DELETE FROM to_index WHERE message = ANY($1)", &[keys]).await?;
        tx.execute_later("DELETE FROM search_index WHERE message = ANY($1)", &[keys]).await
    }
}

/// PostgreSQL: asks the index.
pub(crate) struct LookUp(pub(crate) Lookup);

impl Read for LookUp {
    type Out = Vec<MessageKey>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<MessageKey>> {
        let Lookup { above, below, limit, .. } = self.0;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Whether to go through the words or down the keys depends on how common the words are.
        tx.lock("SET LOCAL plan_cache_mode = force_custom_plan", &[]);
        tx.query_all(
            "SELECT message FROM search_index WHERE words @@ CAST(CAST($1 AS text) AS tsquery) \
             AND message > $2 AND message < $3 ORDER BY message DESC LIMIT $4",
            &[(&self.0.tsquery()).into(), above.into(), below.into(), limit.into()],
            |row| row.int(0).map(MessageKey),
        )
        .await
    }
}
