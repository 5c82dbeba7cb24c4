//! Counts over whole tables, for the operator.

use crate::{Engine, Result, StoreError, Tx};

/// Accounts by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentCounts {
    pub active: i64,
    pub restricted: i64,
    pub suspended: i64,
    pub deleted: i64,
}

/// Messages and what waits for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCounts {
    pub conversations: i64,
    pub messages: i64,
    /// Envelopes in `stored` of accounts that are not deleted.
    pub stored_envelopes: i64,
}

impl Tx<'_> {
    /// Accounts by status.
    pub async fn count_agents_by_status(&mut self) -> Result<AgentCounts> {
        let counts = self
            .query_opt(
                "SELECT COALESCE(SUM(CASE status WHEN 0 THEN 1 ELSE 0 END), 0),
                        COALESCE(SUM(CASE status WHEN 1 THEN 1 ELSE 0 END), 0),
                        COALESCE(SUM(CASE status WHEN 2 THEN 1 ELSE 0 END), 0),
                        COALESCE(SUM(CASE status WHEN 3 THEN 1 ELSE 0 END), 0)
                 FROM agent",
                &[],
                |row| {
                    Ok(AgentCounts {
                        active: row.int(0)?,
                        restricted: row.int(1)?,
                        suspended: row.int(2)?,
                        deleted: row.int(3)?,
                    })
                },
            )
            .await?;
        counts.ok_or_else(missing)
    }

    /// Messages are numbered without holes and never removed, so their conversations' last numbers count them without
    /// walking the largest table; those that were emptied are counted as it happens; envelopes are counted by the inboxes.
    pub async fn count_messages(&mut self) -> Result<MessageCounts> {
        let counts = self
            .query_opt(
                "SELECT (SELECT COUNT(*) FROM conversation),
                        CAST((SELECT COALESCE(SUM(last_seq), 0) FROM conversation) AS BIGINT)
                        - COALESCE((SELECT stubs FROM retention), 0),
                        CAST((SELECT COALESCE(SUM(undelivered), 0) FROM inbox JOIN agent ON agent.pk = inbox.agent
                              WHERE agent.status <> 3) AS BIGINT)",
                &[],
                |row| {
                    Ok(MessageCounts {
                        conversations: row.int(0)?,
                        messages: row.int(1)?,
                        stored_envelopes: row.int(2)?,
                    })
                },
            )
            .await?;
        counts.ok_or_else(missing)
    }

    /// Bytes of the tables and their indexes.
    pub async fn store_bytes(&mut self) -> Result<i64> {
        let sql = match self.engine() {
            Engine::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            Engine::Postgres => "SELECT pg_database_size(current_database())",
        };
        self.query_int(sql, &[]).await?.ok_or_else(missing)
    }
}

fn missing() -> StoreError {
    StoreError::Internal("a count answered no row".into())
}
