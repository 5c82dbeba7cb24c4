//! The written contract lies beside the tree, not in it. What is in the tree is a list of its rows in our own words
//! (`crates/server/tests/it/conformance/contract.toml`), each with the fingerprint of the row's text and the tests that
//! show it. A test of the server holds the list against the tests; this chore holds it against the documents: no row is
//! missing, none has changed since it was listed, none is listed that is gone.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::root;
use rows::Row;

const LIST: &str = "crates/server/tests/it/conformance/contract.toml";

/// Compares the list with the documents of a folder; prints nothing but what is wrong.
pub(crate) fn compare(folder: &str) -> Result<Vec<String>> {
    let rows = documents(Path::new(folder))?;
    let list = fs::read_to_string(root().join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let list: Table = list.parse().with_context(|| format!("cannot read {LIST}"))?;
    let complaints = complaints(&rows, &list);
    if complaints.is_empty() {
        return Ok(vec![format!("all {} rows are listed", rows.len())]);
    }
    bail!("{} complaints:\n{}", complaints.len(), complaints.join("\n"))
}

fn documents(folder: &Path) -> Result<Vec<Row>> {
    let read = |name: &str| {
        let path = folder.join(format!("{name}.md"));
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let codes = rows::codes(&read("errors")?);
    let mut all = rows::of_tables("wire", &read("wire")?, &codes);
    all.extend(rows::of_tables("errors", &read("errors")?, &BTreeSet::new()));
    all.extend(rows::of_sections("extensions", &read("extensions")?));
    Ok(all)
}

/// What is wrong between the documents and the list, a line each.
fn complaints(rows: &[Row], list: &Table) -> Vec<String> {
    let mut said = Vec::new();
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        let listed = list.get(&row.section).and_then(Value::as_table).into_iter().flatten();
        let found = listed.map(|(_, entry)| entry).find(|entry| text(entry) == Some(row.fingerprint.as_str()));
        let Some(entry) = found else {
            said.push(format!("not listed, or changed: [\"{}\"] {}", row.section, row.proposal()));
            continue;
        };
        seen.entry(&row.section).or_default().insert(&row.fingerprint);
        let errors = entry.get("errors").and_then(Value::as_str).unwrap_or_default();
        let missing = row.errors.iter().filter(|code| errors.split(' ').all(|listed| listed != code.as_str()));
        said.extend(missing.map(|code| format!("{}: {} may answer {code}, which is not listed", row.section, row.key)));
    }
    said.extend(stale(list, &seen));
    said
}

/// Entries that no row of the documents is behind.
fn stale<'a>(list: &'a Table, seen: &'a BTreeMap<&str, BTreeSet<&str>>) -> impl Iterator<Item = String> + 'a {
    let entries = list.iter().flat_map(|(section, entries)| {
        entries.as_table().into_iter().flatten().map(move |(key, entry)| (section, key, entry))
    });
    let is_stale = |section: &str, entry: &Value| {
        let known = |text| seen.get(section).is_some_and(|seen| seen.contains(text));
        text(entry).is_some_and(|text| !known(text))
    };
    entries
        .filter(move |(section, _, entry)| is_stale(section, entry))
        .map(|(section, key, _)| format!("listed, but not there: [\"{section}\"] {key}"))
}

/// The fingerprint an entry was written for; what is beside the documents' tables has none.
fn text(entry: &Value) -> Option<&str> {
    entry.get("text").and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
