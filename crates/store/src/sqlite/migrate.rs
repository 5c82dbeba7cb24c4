//! Forward-only migrations: numbered SQL files, each applied once in a transaction of its own.

use rusqlite::Connection;

use crate::error::{OpenError, StoreError};
use std::path::Path;

const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_messaging.sqlite.sql")),
    (2, include_str!("../../migrations/0002_nodes.sqlite.sql")),
    (3, include_str!("../../migrations/0003_groups.sqlite.sql")),
    (4, include_str!("../../migrations/0004_people.sqlite.sql")),
    (5, include_str!("../../migrations/0005_presence.sqlite.sql")),
    (6, include_str!("../../migrations/0006_coordination.sqlite.sql")),
    (7, include_str!("../../migrations/0007_webhooks.sqlite.sql")),
    (8, include_str!("../../migrations/0008_files.sqlite.sql")),
    (9, include_str!("../../migrations/0009_search.sqlite.sql")),
    (10, include_str!("../../migrations/0010_retention.sqlite.sql")),
];

/// The newest schema.
pub(crate) const SCHEMA: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Brings a SQLite database to the newest schema.
pub(super) fn run(connection: &mut Connection, folder: &Path) -> Result<(), OpenError> {
    let known = SCHEMA;
    let failed =
        |error: rusqlite::Error| OpenError::Database { folder: folder.to_owned(), source: StoreError::from(error) };
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if found > known {
        return Err(OpenError::TooNew { found, known });
    }
    for (number, sql) in MIGRATIONS.iter().filter(|(number, _)| *number > found) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(sql).map_err(failed)?;
        transaction.pragma_update(None, "user_version", number).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}
