//! The folder: nobody else's while it is read, on threads that may wait for the disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::rows::Rows;
use super::schema::{SourceColumn, Table};
use super::{Content, TransferError};
use crate::StoreError;
use crate::sqlite::{has_store, take};

/// Bytes that travel at once.
const CHUNK: usize = 256 * 1024;
/// Chunks that wait for PostgreSQL.
const AHEAD: usize = 4;

const COLUMNS: &str = "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
                       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid";

/// An open folder.
#[derive(Clone)]
pub(super) struct Source {
    folder: PathBuf,
    open: Arc<Mutex<Open>>,
}

struct Open {
    connection: Connection,
    // Held open for the flock it carries.
    _lock: File,
}

/// A piece of a table.
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    /// Rows up to its end.
    pub(super) rows: u64,
}

impl Source {
    /// Takes the folder and brings its database to the newest schema.
    pub(super) async fn open(folder: &Path) -> Result<Self, TransferError> {
        if !has_store(folder) {
            return Err(TransferError::NoStore(folder.to_owned()));
        }
        let folder = folder.to_owned();
        blocking(move || {
            let (lock, connection) = take(&folder)?;
            Ok(Self { folder, open: Arc::new(Mutex::new(Open { connection, _lock: lock })) })
        })
        .await
    }

    /// Every column of every table.
    pub(super) async fn tables(&self) -> Result<Vec<SourceColumn>, TransferError> {
        self.look(|connection| {
            let mut statement = connection.prepare(COLUMNS)?;
            let columns = statement.query_map([], |row| {
                Ok(SourceColumn { table: row.get(0)?, name: row.get(1)?, kind: row.get(2)?, key: place(row.get(3)?) })
            });
            columns?.collect()
        })
        .await
    }

    /// Rows of a table, as the database counts them.
    pub(super) async fn count(&self, table: &Table) -> Result<u64, TransferError> {
        let sql = format!("SELECT COUNT(*) FROM {}", table.quoted());
        self.look(move |connection| connection.query_row(&sql, [], |row| row.get::<_, i64>(0).map(i64::unsigned_abs)))
            .await
    }

    /// Reads a table. The receiver gets its pieces; the task ends with its content, or when nobody receives any more.
    pub(super) fn read(
        &self,
        table: &Table,
    ) -> (mpsc::Receiver<Chunk>, impl Future<Output = Result<Content, TransferError>> + use<>) {
        let (chunks, receiver) = mpsc::channel(AHEAD);
        let (source, table) = (self.clone(), table.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let open = source.open.lock().unwrap_or_else(PoisonError::into_inner);
            source.read_all(&open.connection, &table, &chunks)
        });
        (receiver, async { reading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) })
    }

    fn read_all(
        &self,
        connection: &Connection,
        table: &Table,
        chunks: &mpsc::Sender<Chunk>,
    ) -> Result<Content, TransferError> {
        let failed = |error: rusqlite::Error| self.unreadable(error);
        let mut statement = connection.prepare(&table.select_from_source()).map_err(failed)?;
        let mut found = statement.query([]).map_err(failed)?;
        let mut out = Outgoing { rows: Rows::new(), count: 0, hash: Sha256::new(), chunks };
        while let Some(row) = found.next().map_err(failed)? {
            out.row(table, row)?;
        }
        Ok(out.end())
    }

    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, TransferError> {
        let source = self.clone();
        blocking(move || {
            let open = source.open.lock().unwrap_or_else(PoisonError::into_inner);
            work(&open.connection).map_err(|error| source.unreadable(error))
        })
        .await
    }

    fn unreadable(&self, error: rusqlite::Error) -> TransferError {
        TransferError::Folder { folder: self.folder.clone(), cause: StoreError::from(error) }
    }
}

struct Outgoing<'a> {
    rows: Rows,
    count: u64,
    hash: Sha256,
    chunks: &'a mpsc::Sender<Chunk>,
}

impl Outgoing<'_> {
    fn row(&mut self, table: &Table, row: &Row<'_>) -> Result<(), TransferError> {
        // PostgreSQL's tables have at most 1,600 columns.
        self.rows.begin(table.columns.len() as i16);
        for (place, column) in table.columns.iter().enumerate() {
            let value = row.get_ref(place).unwrap_or(ValueRef::Null);
            self.rows.field(value, column.kind).map_err(|problem| TransferError::Value {
                table: table.name.clone(),
                column: column.name.clone(),
                key: key(table, row),
                problem,
            })?;
        }
        self.count += 1;
        if self.rows.bytes() >= CHUNK {
            self.send();
        }
        Ok(())
    }

    fn end(mut self) -> Content {
        self.rows.end();
        self.send();
        Content { rows: self.count, hash: self.hash.finalize().into() }
    }

    fn send(&mut self) {
        let bytes = self.rows.take();
        self.hash.update(&bytes);
        // Nobody listens after PostgreSQL refused; its answer says more than ours.
        let _ = self.chunks.blocking_send(Chunk { bytes, rows: self.count });
    }
}

/// From 1; 0 for none.
fn place(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// A row's key, for people.
fn key(table: &Table, row: &Row<'_>) -> String {
    let part = |&place: &usize| match row.get_ref(place) {
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).escape_debug().to_string(),
        Ok(ValueRef::Blob(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => "–".to_owned(),
    };
    table.key.iter().map(part).collect::<Vec<_>>().join(", ")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TransferError> + Send + 'static,
) -> Result<T, TransferError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
