//! Forward-only migrations: numbered SQL files, applied in one transaction by whichever node comes first.

use deadpool_postgres::Object;

use super::failure::spelled;
use crate::OpenError;

/// A step of the schema.
struct Migration {
    number: i64,
    /// The oldest step whose programs still work with this one: a rolling upgrade goes through versions that differ
    /// by additions alone, and what a new version stopped using is removed one version later.
    works_since: i64,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, works_since: 1, sql: include_str!("../../migrations/0001_messaging.postgres.sql") },
    Migration { number: 2, works_since: 1, sql: include_str!("../../migrations/0002_nodes.postgres.sql") },
    // Programs before it take a group for a direct conversation.
    Migration { number: 3, works_since: 3, sql: include_str!("../../migrations/0003_groups.postgres.sql") },
    Migration { number: 4, works_since: 3, sql: include_str!("../../migrations/0004_people.postgres.sql") },
    Migration { number: 5, works_since: 3, sql: include_str!("../../migrations/0005_presence.postgres.sql") },
    Migration { number: 6, works_since: 3, sql: include_str!("../../migrations/0006_coordination.postgres.sql") },
    Migration { number: 7, works_since: 3, sql: include_str!("../../migrations/0007_webhooks.postgres.sql") },
    Migration { number: 8, works_since: 3, sql: include_str!("../../migrations/0008_files.postgres.sql") },
    Migration { number: 9, works_since: 3, sql: include_str!("../../migrations/0009_search.postgres.sql") },
    Migration { number: 10, works_since: 3, sql: include_str!("../../migrations/0010_retention.postgres.sql") },
];

/// One number for all installations of a server: they seldom migrate at the same time, and do it quickly.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4711904631)";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    number      BIGINT PRIMARY KEY,
    works_since BIGINT NOT NULL,
    applied_at  TIMESTAMPTZ NOT NULL DEFAULT now()
)";

/// Brings the database to the newest schema this program knows.
pub(super) async fn run(mut client: Object, target: &str) -> Result<(), OpenError> {
    let failed =
        |error: tokio_postgres::Error| OpenError::Migration { target: target.to_owned(), cause: spelled(&error) };
    let transaction = client.transaction().await.map_err(failed)?;
    transaction
        .batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning")
        .await
        .map_err(failed)?;
    transaction.batch_execute(LOCK).await.map_err(failed)?;
    transaction.batch_execute(TABLE).await.map_err(failed)?;
    let newest = "SELECT COALESCE(MAX(number), 0), COALESCE(MAX(works_since), 0) FROM migration";
    let row = transaction.query_one(newest, &[]).await.map_err(failed)?;
    let (found, works_since): (i64, i64) = (row.get(0), row.get(1));
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    if works_since > known {
        return Err(OpenError::TooNew { found, known });
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > found) {
        transaction.batch_execute(migration.sql).await.map_err(failed)?;
        let note = "INSERT INTO migration (number, works_since) VALUES ($1, $2)";
        transaction.execute(note, &[&migration.number, &migration.works_since]).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}
