//! A folder's store, moved to PostgreSQL: everything arrives as it was, or nothing does.

use std::path::Path;

use agentchat_launch::{Postgres, PostgresSettings, TestDatabase};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::transfer::{Moved, Step, Transfer, TransferError};
use agentchat_store::{OpenError, PostgresOptions, Store, StoreError, StoreOptions, Tx, Write};
use rusqlite::Connection;

use crate::talk::{Meet, Mood, Say, meet};

fn open(folder: &Path) -> Result<Store, OpenError> {
    Store::open(StoreOptions::new(folder))
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("agentchat.db")).expect("the folder's database")
}

/// A folder in which four pairs have said three things each.
async fn folder_with_talk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).expect("a store");
    for (number, pair) in meet(&store).await.into_iter().enumerate() {
        for turn in 0..3 {
            let number = 10 * number as u64 + turn;
            store.write(Say { pair, number, mood: Mood::Sober }).await.expect("a message");
        }
    }
    store.close().await;
    folder
}

async fn transfer(folder: &Path, target: &str) -> Result<Moved, TransferError> {
    Transfer::new(folder, target)?.run(|_| ()).await
}

fn name(target: &str) -> &str {
    target.rsplit('/').next().and_then(|end| end.split('?').next()).expect("a database's name")
}

fn psql(target: &str, sql: &str) -> String {
    Postgres::shared().psql(name(target), sql)
}

/// A table's name, its columns with their types, and its key, as SQLite tells them.
struct Described {
    name: String,
    columns: Vec<(String, String)>,
    key: String,
}

fn described(database: &Connection) -> Vec<Described> {
    let strings = |sql: &str| -> Vec<Vec<String>> {
        let mut statement = database.prepare(sql).unwrap();
        let width = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..width).map(|column| row.get(column)).collect();
        statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let tables = strings("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let describe = |name: &String| {
        let columns = strings(&format!("SELECT name, type FROM pragma_table_info('{name}') ORDER BY cid"));
        let key = strings(&format!("SELECT name FROM pragma_table_info('{name}') WHERE pk > 0 ORDER BY pk"));
        Described {
            name: name.clone(),
            columns: columns.into_iter().map(|mut pair| (pair.remove(0), pair.remove(0))).collect(),
            key: key.into_iter().map(|mut one| one.remove(0)).collect::<Vec<_>>().join(", "),
        }
    };
    tables.iter().map(|row| describe(&row[0])).collect()
}

/// Three rows for each table of the schema, whatever it is by then. The third has null wherever it may.
fn fill_every_table(database: &Connection) {
    for table in described(database) {
        for number in 1..=3_i64 {
            let values: Vec<String> = table.columns.iter().map(|(_, kind)| value(kind, number)).collect();
            let sql = format!("INSERT INTO {} VALUES ({})", table.name, values.join(", "));
            database.execute(&sql, []).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        let nullable =
            "SELECT group_concat(name || ' = NULL') FROM pragma_table_info($1) WHERE NOT \"notnull\" AND pk = 0";
        let set: Option<String> = database.query_row(nullable, [&table.name], |row| row.get(0)).unwrap();
        if let Some(set) = set {
            let (first_key, _) = &table.columns[0];
            let sql = format!("UPDATE {} SET {set} WHERE {first_key} = {}", table.name, value(&table.columns[0].1, 3));
            assert_eq!(database.execute(&sql, []).unwrap_or_else(|error| panic!("{sql}: {error}")), 1);
        }
    }
}

fn value(kind: &str, number: i64) -> String {
    match kind {
        "INTEGER" => (number * 100).to_string(),
        "TEXT" => format!("'{number} é — \\N | 𝄞'"),
        "BLOB" => format!("x'{number:02x}00ff5c0a'"),
        other => panic!("a column of the type {other}"),
    }
}

/// All rows of a table in the order of its key, as psql would print them.
fn rows_in_folder(database: &Connection, table: &Described) -> String {
    let cell = |(name, kind): &(String, String)| match (table.name.as_str(), name.as_str(), kind.as_str()) {
        ("job" | "retention", "claimed_by", _) => "''".to_owned(),
        ("job" | "retention", "claimed_until", _) => "'0'".to_owned(),
        (_, _, "BLOB") => format!("iif({name} IS NULL, '', '\\x' || lower(hex({name})))"),
        _ => format!("coalesce({name}, '')"),
    };
    let cells: Vec<String> = table.columns.iter().map(cell).collect();
    let sql = format!("SELECT '' || {} FROM {} ORDER BY {}", cells.join(" || '|' || "), table.name, table.key);
    let mut statement = database.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|row| row.unwrap() + "\n").collect()
}

fn rows_in_database(target: &str, table: &Described) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    psql(target, &format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), table.name, table.key))
}

#[tokio::test]
async fn every_row_of_every_table_arrives() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().await;
    fill_every_table(&database(folder.path()));
    let to = TestDatabase::new().await;
    let moved = transfer(folder.path(), &to.url()).await.unwrap();
    let database = database(folder.path());
    let tables = described(&database);
    let expected: Vec<(String, u64)> = tables.iter().map(|table| (table.name.clone(), 3)).collect();
    assert_eq!(moved.tables, expected);
    assert_eq!(moved.rows(), 3 * tables.len() as u64);
    for table in &tables {
        assert_eq!(rows_in_database(&to.url(), table), rows_in_folder(&database, table), "{}", table.name);
    }
    assert_eq!(psql(&to.url(), "SELECT DISTINCT claimed_by IS NULL, claimed_until FROM job"), "t|0\n");
}

#[tokio::test]
async fn work_goes_on_where_it_stopped() {
    let folder = folder_with_talk().await;
    Postgres::shared().create("moved_to");
    let target = Postgres::shared().url("moved_to");
    transfer(folder.path(), &target).await.unwrap();
    let store = Store::connect(PostgresOptions::parse(&target).unwrap()).await.unwrap();
    let pairs = meet(&store).await;
    let said = store.write(Say { pair: pairs[1], number: 99, mood: Mood::Sober }).await.unwrap();
    assert_eq!((said.seq, said.position), (4, 4));
    let new = store.write(Meet { pair: 4 }).await.unwrap();
    assert_eq!((new.sender.0, new.recipient.0, new.conversation.0), (9, 10, 5), "keys go on behind the highest");
    store.close().await;
    Postgres::shared().remove("moved_to");
}

#[tokio::test]
async fn large_tables_travel_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().await;
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                INSERT INTO message (id, conversation, seq, sender, kind, created_at, client_msg_id, content)
                SELECT randomblob(16), i % 7, i, 1, 0, i, 'c-' || i, hex(randomblob(100)) FROM n";
    database(folder.path()).execute(fill, []).unwrap();
    let to = TestDatabase::new().await;
    let mut seen = Vec::new();
    let transfer = Transfer::new(folder.path(), &to.url()).unwrap();
    transfer.run(|progress| seen.push(progress)).await.unwrap();
    for step in [Step::Copy, Step::Compare] {
        let rows: Vec<u64> = seen
            .iter()
            .filter(|progress| progress.step == step && progress.table == "message")
            .map(|progress| progress.rows)
            .collect();
        assert!(rows.len() > 10 && rows.is_sorted(), "{step:?}: {rows:?}");
        assert!(rows.iter().all(|&rows| rows <= 20_000), "{step:?}: {rows:?}");
    }
    assert_eq!(psql(&to.url(), "SELECT count(*), max(pk) FROM message"), "20000|20000\n");
}

#[tokio::test]
async fn a_folder_that_was_moved_is_not_opened_again() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    let moved = transfer(folder.path(), &to.url()).await.unwrap();
    let error = open(folder.path()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(&error, OpenError::Moved { target, .. } if *target == moved.target), "{text}");
    assert!(text.contains(&moved.target) && text.contains("MIGRATED"), "{text}");
    let again = TestDatabase::new().await;
    let error = transfer(folder.path(), &again.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Source(OpenError::Moved { .. })), "{error}");
    // As the file itself says.
    std::fs::remove_file(folder.path().join("MIGRATED")).unwrap();
    let store = open(folder.path()).unwrap();
    let pairs = meet(&store).await;
    let said = store.write(Say { pair: pairs[0], number: 99, mood: Mood::Sober }).await.unwrap();
    assert_eq!(said.seq, 4);
}

/// The folder opens as before, and the database holds nothing.
async fn nothing_happened(folder: &Path, target: &str) {
    assert!(!folder.join("MIGRATED").exists());
    let store = open(folder).unwrap();
    assert_eq!(meet(&store).await.len(), 4);
    store.close().await;
    let tables = described(&database(folder));
    let counts: Vec<String> = tables.iter().map(|table| format!("(SELECT count(*) FROM {})", table.name)).collect();
    assert_eq!(psql(target, &format!("SELECT {}", counts.join(" + "))), "0\n");
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    let store = open(folder.path()).unwrap();
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Source(OpenError::InUse(_))), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    store.close().await;
    nothing_happened(folder.path(), &to.url()).await;
}

#[tokio::test]
async fn a_folder_without_a_store_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let to = TestDatabase::new().await;
    for path in [folder.path().to_owned(), folder.path().join("typo")] {
        let error = transfer(&path, &to.url()).await.unwrap_err();
        assert!(matches!(error, TransferError::NoStore(_)), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

/// What a server writes at its first start.
struct Secret;

impl Write for Secret {
    type Out = [u8; 32];
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<[u8; 32], StoreError> {
        tx.installation_secret("delivery_ids", &[7; 32]).await
    }
}

#[tokio::test]
async fn a_database_that_is_not_empty_is_refused() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    let store = Store::connect(PostgresOptions::parse(&to.url()).unwrap()).await.unwrap();
    store.write(Secret).await.unwrap();
    store.close().await;
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(&error, TransferError::NotEmpty { tables, .. } if tables == "meta"), "{error}");
    let text = error.to_string();
    assert!(text.contains(name(&to.url())) && text.contains("not empty"), "{text}");
    psql(&to.url(), "DELETE FROM meta; INSERT INTO mailbox (email) VALUES ('a@example.com')");
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(&error, TransferError::NotEmpty { tables, .. } if tables == "mailbox"), "{error}");
    psql(&to.url(), "DELETE FROM mailbox");
    nothing_happened(folder.path(), &to.url()).await;
    transfer(folder.path(), &to.url()).await.unwrap();
}

#[tokio::test]
async fn a_database_out_of_reach_is_named_without_its_password() {
    let folder = folder_with_talk().await;
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nowhere.local_addr().unwrap().port();
    drop(nowhere);
    let missing = format!("postgres://postgres:secret-word@127.0.0.1:{}/no_such_database", Postgres::shared().port());
    let wrong = "postgres://postgres:secret-word@127.0.0.1:x/chat".to_owned();
    for target in [format!("postgres://user:secret-word@127.0.0.1:{port}/chat"), missing, wrong] {
        let error = transfer(folder.path(), &target).await.unwrap_err();
        assert!(matches!(error, TransferError::Target(_)), "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("secret-word"), "{text}");
    }
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    psql(&to.url(), "INSERT INTO migration (number, works_since) VALUES (998, 1)");
    psql(&to.url(), "ALTER TABLE agent ADD COLUMN colour TEXT");
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Schema { .. }), "{error}");
    assert!(error.to_string().contains("agent.colour"), "{error}");
    psql(&to.url(), "INSERT INTO migration (number, works_since) VALUES (999, 999)");
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Target(OpenError::TooNew { found: 999, .. })), "{error}");
    nothing_happened(folder.path(), &to.url()).await;
}

#[tokio::test]
async fn a_value_that_cannot_be_moved_leaves_everything_as_it_was() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    let at = Timestamp::from_millis(1).as_millis();
    let spoil = "INSERT INTO otp_sent (email, at, id) VALUES ('a' || char(0) || 'b', $1, x'01')";
    database(folder.path()).execute(spoil, [at]).unwrap();
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    let TransferError::Value { table, column, key, .. } = &error else { panic!("{error}") };
    assert_eq!((table.as_str(), column.as_str(), key.as_str()), ("otp_sent", "email", "a\\0b, 1, 01"));
    nothing_happened(folder.path(), &to.url()).await;
    database(folder.path()).execute("DELETE FROM otp_sent", []).unwrap();
    transfer(folder.path(), &to.url()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_in_the_middle_leaves_everything_as_it_was() {
    let folder = folder_with_talk().await;
    let postgres = Postgres::start(PostgresSettings::default());
    postgres.create("chat");
    let mut killed = false;
    let transfer = Transfer::new(folder.path(), &postgres.url("chat")).unwrap();
    let error = transfer.run(|progress| {
        if progress.table == "message" && !std::mem::replace(&mut killed, true) {
            postgres.kill();
        }
    });
    let error = error.await.unwrap_err();
    assert!(matches!(error, TransferError::Database { .. }), "{error}");
    assert!(killed && !folder.path().join("MIGRATED").exists());
    postgres.start_again();
    Transfer::new(folder.path(), &postgres.url("chat")).unwrap().run(|_| ()).await.unwrap();
}

/// Makes the commit of a database's first inbox do this.
fn at_commit(target: &str, body: &str) {
    psql(target, &format!("CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"));
    let when = "AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()";
    psql(target, &format!("CREATE CONSTRAINT TRIGGER at_commit {when}"));
}

#[tokio::test]
async fn a_commit_that_is_refused_takes_the_mark_away() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    at_commit(&to.url(), "RAISE EXCEPTION 'not today';");
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Database { .. }), "{error}");
    assert!(error.to_string().contains("not today"), "{error}");
    nothing_happened(folder.path(), &to.url()).await;
}

#[tokio::test]
async fn a_connection_lost_in_the_commit_leaves_the_mark_and_says_so() {
    let folder = folder_with_talk().await;
    let to = TestDatabase::new().await;
    at_commit(&to.url(), "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL;");
    let error = transfer(folder.path(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::InDoubt { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("MIGRATED") && text.contains(name(&to.url())), "{text}");
    assert!(matches!(open(folder.path()), Err(OpenError::Moved { .. })));
    // As the text says.
    assert_eq!(psql(&to.url(), "SELECT count(*) FROM agent"), "0\n");
    std::fs::remove_file(folder.path().join("MIGRATED")).unwrap();
    psql(&to.url(), "DROP TRIGGER at_commit ON inbox");
    transfer(folder.path(), &to.url()).await.unwrap();
}
