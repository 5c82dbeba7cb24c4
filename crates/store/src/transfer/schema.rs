//! The tables of both databases, and where they may differ.

use std::collections::BTreeMap;

use super::rows::Kind;

/// Tables that PostgreSQL alone has, and that begin empty: rows that are only locked, and its list of migrations.
pub(super) const TARGET_ONLY: &[&str] = &["cold", "mailbox", "to_index", "search_index", MIGRATIONS];
/// The one of them that is never empty.
pub(super) const MIGRATIONS: &str = "migration";

/// Columns that are not moved as they are: `(table, column, what is read instead)`. Nobody works on a job any more.
const READ_AS: &[(&str, &str, &str)] = &[
    ("job", "claimed_by", "NULL"),
    ("job", "claimed_until", "0"),
    ("retention", "claimed_by", "NULL"),
    ("retention", "claimed_until", "0"),
];

/// A table to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns of the primary key, as places in `columns`.
    pub(super) key: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// PostgreSQL numbers new rows by it.
    pub(super) identity: bool,
}

/// A column as SQLite describes it.
#[derive(Debug, Clone)]
pub(super) struct SourceColumn {
    pub(super) table: String,
    pub(super) name: String,
    /// `INTEGER`, `TEXT` or `BLOB`.
    pub(super) kind: String,
    /// Its place in the primary key, from 1; 0 when it is not part of it.
    pub(super) key: usize,
}

/// A column as PostgreSQL describes it.
#[derive(Debug, Clone)]
pub(super) struct TargetColumn {
    pub(super) table: String,
    pub(super) name: String,
    /// `int8`, `int2`, `text` or `bytea`.
    pub(super) kind: String,
    pub(super) identity: bool,
}

/// The tables that are in both; otherwise what differs.
pub(super) fn compare(ours: Vec<SourceColumn>, theirs: Vec<TargetColumn>) -> Result<Vec<Table>, String> {
    let mut targets: BTreeMap<(String, String), TargetColumn> = BTreeMap::new();
    for column in theirs.into_iter().filter(|column| !TARGET_ONLY.contains(&column.table.as_str())) {
        targets.insert((column.table.clone(), column.name.clone()), column);
    }
    let mut tables: BTreeMap<String, Vec<(usize, Column)>> = BTreeMap::new();
    for column in ours {
        let target = targets.remove(&(column.table.clone(), column.name.clone()));
        let target = target.ok_or_else(|| format!("{}.{} is not in the database", column.table, column.name))?;
        let kind = kind(&column, &target)?;
        let matched = Column { name: column.name, kind, identity: target.identity };
        tables.entry(column.table).or_default().push((column.key, matched));
    }
    if let Some((table, column)) = targets.keys().next() {
        return Err(format!("{table}.{column} is in the database alone"));
    }
    tables.into_iter().map(|(name, columns)| Table::new(name, columns)).collect()
}

fn kind(ours: &SourceColumn, theirs: &TargetColumn) -> Result<Kind, String> {
    match (ours.kind.as_str(), theirs.kind.as_str()) {
        ("INTEGER", "int8") => Ok(Kind::Int8),
        ("INTEGER", "int2") => Ok(Kind::Int2),
        ("TEXT", "text") => Ok(Kind::Text),
        ("BLOB", "bytea") => Ok(Kind::Bytes),
        (ours_kind, theirs_kind) => {
            Err(format!("{}.{} is {ours_kind} here, {theirs_kind} there", ours.table, ours.name))
        }
    }
}

impl Table {
    fn new(name: String, columns: Vec<(usize, Column)>) -> Result<Self, String> {
        let mut key: Vec<usize> = (0..columns.len()).filter(|&place| columns[place].0 > 0).collect();
        key.sort_by_key(|&place| columns[place].0);
        if key.is_empty() {
            return Err(format!("{name} has no primary key"));
        }
        Ok(Self { name, columns: columns.into_iter().map(|(_, column)| column).collect(), key })
    }

    /// The table's name in SQL.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// All columns' names in SQL.
    pub(super) fn column_list(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// What SQLite is asked for: all rows in the order of the key.
    pub(super) fn select_from_source(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| self.read_as(column)).collect();
        let key: Vec<String> = self.key_columns().map(|column| quoted(&column.name)).collect();
        format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), self.quoted(), key.join(", "))
    }

    /// What PostgreSQL is asked for: the same rows in the same order, whatever the order of texts is there.
    pub(super) fn select_from_target(&self) -> String {
        let key: Vec<String> = self.key_columns().map(ordered).collect();
        format!("SELECT {} FROM {} ORDER BY {}", self.column_list(), self.quoted(), key.join(", "))
    }

    fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().map(|&place| &self.columns[place])
    }

    fn read_as(&self, column: &Column) -> String {
        let instead = READ_AS.iter().find(|(table, name, _)| (*table, *name) == (&*self.name, &*column.name));
        instead.map_or_else(|| quoted(&column.name), |(_, _, value)| (*value).to_owned())
    }
}

fn ordered(column: &Column) -> String {
    let name = quoted(&column.name);
    if column.kind == Kind::Text { format!("{name} COLLATE \"C\"") } else { name }
}

/// A name in SQL; `key` and `at` are words of their own.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(table: &str, name: &str, kind: &str, key: usize) -> SourceColumn {
        SourceColumn { table: table.into(), name: name.into(), kind: kind.into(), key }
    }

    fn theirs(table: &str, name: &str, kind: &str) -> TargetColumn {
        TargetColumn { table: table.into(), name: name.into(), kind: kind.into(), identity: name == "pk" }
    }

    fn sent() -> (Vec<SourceColumn>, Vec<TargetColumn>) {
        let ours = vec![
            ours("sent", "message", "INTEGER", 0),
            ours("sent", "key", "TEXT", 2),
            ours("sent", "pk", "INTEGER", 1),
        ];
        let theirs = vec![
            theirs("sent", "pk", "int8"),
            theirs("sent", "key", "text"),
            theirs("sent", "message", "int2"),
            theirs("cold", "agent", "int8"),
        ];
        (ours, theirs)
    }

    #[test]
    fn rows_are_asked_for_in_the_order_of_the_key() {
        let (ours, theirs) = sent();
        let tables = compare(ours, theirs).unwrap();
        let [table] = &tables[..] else { panic!("{tables:?}") };
        assert_eq!(table.select_from_source(), r#"SELECT "message", "key", "pk" FROM "sent" ORDER BY "pk", "key""#);
        let sql = r#"SELECT "message", "key", "pk" FROM "sent" ORDER BY "pk", "key" COLLATE "C""#;
        assert_eq!(table.select_from_target(), sql);
        let identities: Vec<bool> = table.columns.iter().map(|column| column.identity).collect();
        assert_eq!(identities, [false, false, true]);
    }

    #[test]
    fn a_difference_is_named() {
        type Change = fn(&mut Vec<SourceColumn>, &mut Vec<TargetColumn>);
        let cases: [(Change, &str); 5] = [
            (|ours, _| ours.push(self::ours("group", "pk", "INTEGER", 1)), "group.pk is not in the database"),
            (|_, theirs| theirs.push(self::theirs("group", "pk", "int8")), "group.pk is in the database alone"),
            (|ours, _| ours.push(self::ours("sent", "at", "INTEGER", 0)), "sent.at is not in the database"),
            (|_, theirs| theirs[2].kind = "text".into(), "sent.message is INTEGER here, text there"),
            (|ours, _| ours.iter_mut().for_each(|column| column.key = 0), "sent has no primary key"),
        ];
        for (change, difference) in cases {
            let (mut ours, mut theirs) = sent();
            change(&mut ours, &mut theirs);
            assert_eq!(compare(ours, theirs).unwrap_err(), difference);
        }
    }

    #[test]
    fn nobody_works_on_a_job_that_was_moved() {
        let ours = vec![ours("job", "pk", "INTEGER", 1), ours("job", "claimed_until", "INTEGER", 0)];
        let theirs = vec![theirs("job", "pk", "int8"), theirs("job", "claimed_until", "int8")];
        let tables = compare(ours, theirs).unwrap();
        assert_eq!(tables[0].select_from_source(), r#"SELECT "pk", 0 FROM "job" ORDER BY "pk""#);
    }
}
