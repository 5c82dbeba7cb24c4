//! The database: one transaction, in which nobody else sees or writes anything.

use std::pin::pin;

use bytes::Bytes;
use deadpool_postgres::Transaction;
use futures_util::{SinkExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio_postgres::Error;

use super::schema::{MIGRATIONS, SourceColumn, Table, TargetColumn, compare, quoted};
use super::source::Source;
use super::{Content, TransferError, refused};

const MANNER: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
                      SET LOCAL lock_timeout = '10s'; SET LOCAL synchronous_commit = on";

const COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text, c.udt_name::text, c.is_identity = 'YES' \
                       FROM information_schema.columns AS c JOIN information_schema.tables AS t \
                       ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
                       WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' \
                       AND c.is_generated = 'NEVER' ORDER BY c.table_name, c.ordinal_position";

/// PostgreSQL sends a message for each row.
const REPORT_EVERY: u64 = 1000;

pub(super) struct Target<'a> {
    transaction: Transaction<'a>,
    /// `host:port/database`.
    pub(super) name: String,
}

impl<'a> Target<'a> {
    pub(super) fn new(transaction: Transaction<'a>, name: String) -> Self {
        Self { transaction, name }
    }

    /// Keeps everybody else out, and answers the tables to move. There must not be a row in any table yet.
    pub(super) async fn take(&self, ours: Vec<SourceColumn>) -> Result<Vec<Table>, TransferError> {
        self.run(MANNER).await?;
        let theirs = self.columns().await?;
        let mut names: Vec<String> = theirs.iter().map(|column| column.table.clone()).collect();
        names.dedup();
        names.retain(|name| name != MIGRATIONS);
        let list = names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        self.run(&format!("LOCK TABLE {list} IN ACCESS EXCLUSIVE MODE")).await?;
        self.refuse_rows(&names).await?;
        compare(ours, theirs).map_err(|difference| TransferError::Schema { target: self.name.clone(), difference })
    }

    async fn columns(&self) -> Result<Vec<TargetColumn>, TransferError> {
        let rows = self.transaction.query(COLUMNS, &[]).await.map_err(|error| self.refused(&error))?;
        let column = |row: &tokio_postgres::Row| TargetColumn {
            table: row.get(0),
            name: row.get(1),
            kind: row.get(2),
            identity: row.get(3),
        };
        Ok(rows.iter().map(column).collect())
    }

    async fn refuse_rows(&self, names: &[String]) -> Result<(), TransferError> {
        let mut filled = Vec::new();
        for name in names {
            let rows =
                self.number(&format!("SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS one", quoted(name))).await?;
            if rows > 0 {
                filled.push(name.as_str());
            }
        }
        if filled.is_empty() {
            return Ok(());
        }
        Err(TransferError::NotEmpty { target: self.name.clone(), tables: filled.join(", ") })
    }

    /// Writes a table and lets new rows be numbered behind the highest; answers what was sent.
    pub(super) async fn copy(
        &self,
        table: &Table,
        source: &Source,
        mut progress: impl FnMut(u64),
    ) -> Result<Content, TransferError> {
        let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.quoted(), table.column_list());
        let sink = self.transaction.copy_in::<_, Bytes>(&sql).await.map_err(|error| self.refused(&error))?;
        let mut sink = pin!(sink);
        let (mut chunks, reading) = source.read(table);
        while let Some(chunk) = chunks.recv().await {
            if sink.send(chunk.bytes).await.is_err() {
                break;
            }
            progress(chunk.rows);
        }
        drop(chunks);
        let sent = reading.await?;
        sink.finish().await.map_err(|error| self.refused(&error))?;
        self.number_on(table).await?;
        self.run(&format!("ANALYZE {}", table.quoted())).await?;
        Ok(sent)
    }

    async fn number_on(&self, table: &Table) -> Result<(), TransferError> {
        for column in table.columns.iter().filter(|column| column.identity) {
            let (table, column) = (table.quoted(), quoted(&column.name));
            let next = self.number(&format!("SELECT COALESCE(MAX({column}), 0) + 1 FROM {table}")).await?;
            self.run(&format!("ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {next}")).await?;
        }
        Ok(())
    }

    /// A table as it would be found after the commit.
    pub(super) async fn read_back(
        &self,
        table: &Table,
        mut progress: impl FnMut(u64),
    ) -> Result<Content, TransferError> {
        let sql = format!("COPY ({}) TO STDOUT (FORMAT binary)", table.select_from_target());
        let stream = self.transaction.copy_out(&sql).await.map_err(|error| self.refused(&error))?;
        let mut stream = pin!(stream);
        let (mut hash, mut messages) = (Sha256::new(), 0);
        while let Some(bytes) = stream.try_next().await.map_err(|error| self.refused(&error))? {
            hash.update(&bytes);
            messages += 1;
            if messages % REPORT_EVERY == 0 {
                progress(messages);
            }
        }
        let rows = self.number(&format!("SELECT COUNT(*) FROM {}", table.quoted())).await?;
        Ok(Content { rows: rows.unsigned_abs(), hash: hash.finalize().into() })
    }

    /// The words of messages are not moved; they are read again over there.
    pub(super) async fn queue_for_index(&self) -> Result<(), TransferError> {
        self.run("INSERT INTO to_index (message) SELECT pk FROM message WHERE content <> ''").await
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await
    }

    /// Ends the transaction; a connection that is lost ends it by itself.
    pub(super) async fn rollback(self) {
        if let Err(error) = self.transaction.rollback().await {
            tracing::debug!(%error, "the transaction was not rolled back in order");
        }
    }

    async fn run(&self, sql: &str) -> Result<(), TransferError> {
        self.transaction.batch_execute(sql).await.map_err(|error| self.refused(&error))
    }

    async fn number(&self, sql: &str) -> Result<i64, TransferError> {
        let row = self.transaction.query_one(sql, &[]).await.map_err(|error| self.refused(&error))?;
        row.try_get(0).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &Error) -> TransferError {
        refused(&self.name, error)
    }
}
