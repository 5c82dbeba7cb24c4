//! What callers were told, and whether a database keeps to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;

/// What callers were told so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Books {
    /// Number → seq and position.
    pub(crate) acked: BTreeMap<u64, (i64, i64)>,
    pub(crate) refused: BTreeSet<u64>,
}

impl Books {
    /// Compares with the database of a folder (which is opened for writing, as a start would).
    pub(crate) fn audit(&self, folder: &Path, when: &str) {
        for number in self.audit_in_doubt(folder, when).keys() {
            assert!(!self.refused.contains(number), "{when}: message {number} was refused and is there");
        }
    }

    /// As [`Books::audit`], but what was refused may be there all the same; answers what is.
    pub(crate) fn audit_in_doubt(&self, folder: &Path, when: &str) -> BTreeMap<u64, (i64, i64)> {
        let database = Connection::open(folder.join("agentchat.db")).expect("opening the database");
        check_sound(&database, when);
        let kept = messages(&database);
        for (number, place) in &self.acked {
            assert_eq!(kept.get(number), Some(place), "{when}: message {number} was acknowledged");
        }
        kept
    }

    /// As [`Books::audit`]; what nobody was told about, but is there all the same, is entered.
    pub(crate) fn settle(&mut self, folder: &Path, when: &str) {
        self.audit(folder, when);
        self.acked = self.audit_in_doubt(folder, when);
    }
}

fn messages(database: &Connection) -> BTreeMap<u64, (i64, i64)> {
    let mut statement = database
        .prepare("SELECT CAST(m.client_msg_id AS INTEGER), m.seq, e.position FROM message m JOIN envelope e ON e.message = m.pk")
        .expect("the messages");
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), (row.get(1)?, row.get(2)?))));
    rows.expect("the messages").collect::<rusqlite::Result<_>>().expect("the messages")
}

/// Each finds what must not be: pages that do not fit, holes, halves of an operation.
const FAULTS: &[(&str, &str)] = &[
    ("a damaged page", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
    (
        "a hole in a conversation",
        "SELECT c.pk FROM conversation c LEFT JOIN message m ON m.conversation = c.pk GROUP BY c.pk
         HAVING COUNT(m.pk) <> c.last_seq OR COALESCE(MAX(m.seq), 0) <> c.last_seq
             OR c.sent_low + c.sent_high <> c.last_seq",
    ),
    (
        "a hole in an inbox",
        "SELECT i.agent FROM inbox i LEFT JOIN envelope e ON e.recipient = i.agent GROUP BY i.agent
         HAVING COUNT(e.message) <> i.last_position OR COALESCE(MAX(e.position), 0) <> i.last_position
             OR i.undelivered <> i.last_position",
    ),
    ("a message without an envelope", "SELECT pk FROM message WHERE pk NOT IN (SELECT message FROM envelope)"),
    ("a message that was never sent", "SELECT pk FROM message WHERE pk NOT IN (SELECT message FROM sent)"),
    ("an envelope without a message", "SELECT message FROM envelope WHERE message NOT IN (SELECT pk FROM message)"),
    ("a sent row without a message", "SELECT message FROM sent WHERE message NOT IN (SELECT pk FROM message)"),
];

pub(crate) fn check_sound(database: &Connection, when: &str) {
    for (fault, sql) in FAULTS {
        let found: rusqlite::Result<rusqlite::types::Value> = database.query_row(sql, [], |row| row.get(0));
        assert!(matches!(found, Err(rusqlite::Error::QueryReturnedNoRows)), "{when}: {fault}: {found:?}");
    }
}
