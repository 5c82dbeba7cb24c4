//! One transaction on one connection, with as few waits as its statements allow.
//!
//! `BEGIN` travels with the first statement, and so does everything that was [deferred](Transaction::defer): the
//! server works through them in order while we wait once. What only looks never waits for its end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use deadpool_postgres::Object;
use futures_util::TryStreamExt;
use futures_util::future::{join_all, join3};
use tokio_postgres::{Error, Row, Statement};

use super::failure::{Remedy, remedy};
use super::value::{OwnedValue, declared};
use crate::row::Value;
use crate::{Result, StoreError};

/// How transactions of one kind are run.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    /// `BEGIN …`, and what has to be said in every transaction.
    pub(super) begin: String,
    /// Statements are prepared once a connection. Not behind a pooler that gives every transaction another one.
    pub(super) named: bool,
}

/// An open transaction. Dropped before it was committed it is rolled back.
pub struct Transaction {
    client: Option<Object>,
    manner: Arc<Manner>,
    begun: bool,
    deferred: Vec<Deferred>,
    failure: Option<Failure>,
}

/// The first error of a transaction. Nothing can be committed after one.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) remedy: Remedy,
    pub(super) error: StoreError,
}

impl Failure {
    /// Nothing was committed, and running it otherwise may help.
    pub(super) fn undone(error: StoreError) -> Self {
        Self { remedy: Remedy::Again, error }
    }

    /// At a commit: it is known that nothing was committed.
    pub(super) fn is_undone(&self) -> bool {
        matches!(self.remedy, Remedy::Again | Remedy::LookAgain)
    }
}

#[derive(Debug)]
struct Deferred {
    sql: &'static str,
    params: Vec<OwnedValue>,
}

/// Rows a statement answered, and how many it changed.
type Answer = (Vec<Row>, u64);

enum Prepared {
    Named(Statement),
    Unnamed(&'static str),
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("begun", &self.begun)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl Transaction {
    pub(super) fn new(client: Object, manner: Arc<Manner>) -> Self {
        Self { client: Some(client), manner, begun: false, deferred: Vec::new(), failure: None }
    }

    /// Runs a statement that needs no answer together with the next one, before it; or with the commit.
    pub(crate) fn defer(&mut self, sql: &'static str, params: &[Value<'_>]) {
        self.deferred.push(Deferred { sql, params: params.iter().map(OwnedValue::from).collect() });
    }

    /// The rows a statement answers.
    pub(crate) async fn rows(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        Ok(self.answer(sql, params).await?.0)
    }

    /// How many rows a statement changes.
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        Ok(self.answer(sql, params).await?.1)
    }

    async fn answer(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Answer> {
        if let Some(failure) = &self.failure {
            return Err(failure.error.clone());
        }
        let Some(client) = &self.client else { return Err(gone()) };
        let deferred = std::mem::take(&mut self.deferred);
        let answer = send(client, &self.manner, &mut self.begun, &deferred, (sql, params)).await;
        answer.map_err(|error| self.note(error))
    }

    fn note(&mut self, error: Error) -> StoreError {
        let remedy = remedy(&error);
        let error = StoreError::from(error);
        if remedy == Remedy::Reconnect {
            self.detach();
        }
        self.failure = Some(Failure { remedy, error: error.clone() });
        error
    }

    /// Gives the connection up instead of giving it back.
    fn detach(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }

    /// What went wrong so far, if something did.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Makes everything durable. An error of the remedy [`Remedy::Reconnect`] leaves it open whether it is.
    pub(super) async fn commit(mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let (Some(client), true) = (&self.client, self.begun || !self.deferred.is_empty()) else { return Ok(()) };
        let deferred = std::mem::take(&mut self.deferred);
        let committed = send_commit(client, &self.manner, &mut self.begun, &deferred).await;
        committed.map_err(|error| {
            let remedy = remedy(&error);
            Failure { remedy, error: self.note(error) }
        })
    }

    /// Gives up a transaction whose server does not answer, and the connection with it.
    pub(super) fn abandon(mut self) {
        self.detach();
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the connection to PostgreSQL was lost".into())
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let (Some(client), true) = (&self.client, self.begun) {
            // Sent by the first poll; whoever uses the connection next is served behind it.
            let _sent = pin!(client.batch_execute("ROLLBACK")).poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl Prepared {
    async fn of(client: &Object, named: bool, sql: &'static str) -> Result<Self, Error> {
        Ok(if named { Self::Named(client.prepare_cached(sql).await?) } else { Self::Unnamed(sql) })
    }
}

async fn send(
    client: &Object,
    manner: &Manner,
    begun: &mut bool,
    deferred: &[Deferred],
    (sql, params): (&'static str, &[Value<'_>]),
) -> Result<Answer, Error> {
    // Everything is prepared before anything is sent, so that nothing is overtaken.
    let before = prepare_all(client, manner.named, deferred).await?;
    let statement = Prepared::of(client, manner.named, sql).await?;
    let begin = begin(client, manner, std::mem::replace(begun, true));
    let (begun, before, answer) =
        join3(begin, run_all(client, &before, deferred), run(client, &statement, params)).await;
    begun.and(before).and(answer)
}

async fn send_commit(client: &Object, manner: &Manner, begun: &mut bool, deferred: &[Deferred]) -> Result<(), Error> {
    let before = prepare_all(client, manner.named, deferred).await?;
    let begin = begin(client, manner, std::mem::replace(begun, true));
    let (started, before, committed) =
        join3(begin, run_all(client, &before, deferred), client.batch_execute("COMMIT")).await;
    *begun = false;
    // A COMMIT after a failed statement is a ROLLBACK that succeeds, so what was before it counts first.
    started.and(before).and(committed)
}

async fn prepare_all(client: &Object, named: bool, deferred: &[Deferred]) -> Result<Vec<Prepared>, Error> {
    let mut prepared = Vec::with_capacity(deferred.len());
    for one in deferred {
        prepared.push(Prepared::of(client, named, one.sql).await?);
    }
    Ok(prepared)
}

async fn begin(client: &Object, manner: &Manner, begun: bool) -> Result<(), Error> {
    if begun { Ok(()) } else { client.batch_execute(&manner.begin).await }
}

async fn run_all(client: &Object, prepared: &[Prepared], deferred: &[Deferred]) -> Result<(), Error> {
    let params: Vec<Vec<Value<'_>>> =
        deferred.iter().map(|one| one.params.iter().map(OwnedValue::borrow).collect()).collect();
    let running = prepared.iter().zip(&params).map(|(statement, params)| run(client, statement, params));
    join_all(running).await.into_iter().try_for_each(|answer| answer.map(drop))
}

async fn run(client: &Object, statement: &Prepared, params: &[Value<'_>]) -> Result<Answer, Error> {
    let stream = match statement {
        Prepared::Named(statement) => client.query_raw(statement, params.iter().copied()).await?,
        Prepared::Unnamed(sql) => {
            client.query_typed_raw(sql, params.iter().map(|value| (*value, declared(value)))).await?
        }
    };
    let mut stream = pin!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    Ok((rows, stream.rows_affected().unwrap_or(0)))
}
