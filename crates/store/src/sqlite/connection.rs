//! How connections are opened.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Name of the database inside the data folder; `-wal` and `-shm` stand beside it.
pub(crate) const DATABASE_FILE: &str = "agentchat.db";

/// More than all statements of the program: the default of 16 costs more than half the throughput.
const STATEMENTS: usize = 512;

/// The one connection that writes. WAL, every commit synced, no checkpoint inside a commit.
pub(crate) fn writer(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "page_size", 4096)?;
    connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.query_row("PRAGMA wal_autocheckpoint=0", [], |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -64 * 1024)?;
    shared(&connection)?;
    Ok(connection)
}

/// A connection that only looks.
pub(crate) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -8 * 1024)?;
    shared(&connection)?;
    Ok(connection)
}

fn shared(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Plans do not depend on what is bound. Without this SQLite parses a statement anew at every run if some comparison
    // of it could, for another value, use a partial index: half of the writer's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}
