//! The transaction an operation runs in.

use rusqlite::CachedStatement;

use crate::error::{Result, StoreError};
use crate::postgres::Transaction;
use crate::row::{Row, Value};

/// Which database is underneath. Operations do not ask; `tables/` does where an engine needs a word of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one: a folder of one process.
    Sqlite,
    /// The one that several nodes share.
    Postgres,
}

/// An open transaction. Its verbs are in [`crate::tables`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one an operation, and it stays where it is")]
pub enum Tx<'a> {
    Sqlite(&'a mut rusqlite::Connection),
    Postgres(Transaction),
}

impl Tx<'_> {
    /// The engine that runs this transaction.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement, answers how many rows it changed. Placeholders are `$1`, `$2`, … numbered in the order in
    /// which they first appear.
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        match self {
            Self::Sqlite(connection) => {
                still_open(connection)?;
                let mut statement = connection.prepare_cached(sql)?;
                bind(&mut statement, sql, params)?;
                Ok(statement.raw_execute()? as u64)
            }
            Self::Postgres(transaction) => transaction.execute(sql, params).await,
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn query_opt<T: Send>(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        match self {
            Self::Sqlite(connection) => {
                still_open(connection)?;
                let mut statement = connection.prepare_cached(sql)?;
                bind(&mut statement, sql, params)?;
                let mut rows = statement.raw_query();
                let answer = rows.next()?.map(|row| map(&Row::Sqlite(row))).transpose()?;
                // A RETURNING statement has done its work only once it was stepped to its end.
                while rows.next()?.is_some() {}
                Ok(answer)
            }
            Self::Postgres(transaction) => {
                let rows = transaction.rows(sql, params).await?;
                rows.first().map(|row| map(&Row::Postgres(row))).transpose()
            }
        }
    }

    /// All rows, in order.
    pub(crate) async fn query_all<T: Send>(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        match self {
            Self::Sqlite(connection) => {
                still_open(connection)?;
                let mut statement = connection.prepare_cached(sql)?;
                bind(&mut statement, sql, params)?;
                let mut rows = statement.raw_query();
                let mut answer = Vec::new();
                while let Some(row) = rows.next()? {
                    answer.push(map(&Row::Sqlite(row))?);
                }
                Ok(answer)
            }
            Self::Postgres(transaction) => {
                transaction.rows(sql, params).await?.iter().map(|row| map(&Row::Postgres(row))).collect()
            }
        }
    }

    /// As [`Tx::execute`] for what needs no answer. Several of them cost PostgreSQL one wait: they travel with the next
    /// statement that is waited for, before it, or with the commit.
    pub(crate) async fn execute_later(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.execute(sql, params).await.map(drop),
            Self::Postgres(transaction) => {
                transaction.defer(sql, params);
                Ok(())
            }
        }
    }

    /// As [`Tx::execute_later`], on PostgreSQL alone: SQLite has one writer and needs no locks.
    pub(crate) fn lock(&mut self, sql: &'static str, params: &[Value<'_>]) {
        if let Self::Postgres(transaction) = self {
            transaction.defer(sql, params);
        }
    }

    /// The single integer a statement answers (`COUNT(*)`, `RETURNING pk`).
    pub(crate) async fn query_int(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Option<i64>> {
        self.query_opt(sql, params, |row| row.opt_int(0)).await.map(Option::flatten)
    }
}

/// On some errors (full disk, I/O error) SQLite ends the transaction by itself. A statement after that would be a
/// transaction of its own, so there is none.
pub(crate) fn still_open(connection: &rusqlite::Connection) -> Result<()> {
    if connection.is_autocommit() {
        return Err(StoreError::Unavailable("the database gave the transaction up".into()));
    }
    Ok(())
}

fn bind(statement: &mut CachedStatement<'_>, sql: &str, params: &[Value<'_>]) -> Result<()> {
    debug_assert_eq!(statement.parameter_count(), params.len(), "parameters of {sql}");
    for (index, param) in params.iter().enumerate() {
        // SQLite numbers named parameters by first appearance; other engines by name. They must agree.
        debug_assert_eq!(
            statement.parameter_name(index + 1).map(str::to_owned),
            Some(format!("${}", index + 1)),
            "placeholders of {sql} must first appear in ascending order"
        );
        statement.raw_bind_parameter(index + 1, param)?;
    }
    Ok(())
}
