//! The list of the contract's rows, `contract.toml`, and the tests there are. The list says who shows a row; here it is
//! found out whether they exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use agentchat_protocol::error::ErrorCode;
use serde::Deserialize;

/// A row of the contract.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The fingerprint of the row in the document: `cargo xtask contract` looks at it.
    pub(super) text: String,
    /// Codes that a request may be refused with.
    #[serde(default)]
    errors: String,
    /// A code's HTTP status.
    #[serde(default)]
    pub(super) status: Vec<u16>,
    /// Default rates of the policies that the row is named by, in their order.
    #[serde(default)]
    rates: String,
    #[serde(default)]
    pub(super) tests: Vec<String>,
    /// Codes that no rung can provoke, and the test that does.
    #[serde(default)]
    pub(super) elsewhere: BTreeMap<String, String>,
    /// Why nobody shows it yet.
    pub(super) unbuilt: Option<String>,
}

impl Entry {
    pub(super) fn errors(&self) -> impl Iterator<Item = ErrorCode> {
        let codes = self.errors.split_whitespace();
        codes.map(|code| ErrorCode::from_str(code).unwrap_or_else(|| panic!("{code} is no code")))
    }

    pub(super) fn rates(&self) -> impl Iterator<Item = &str> {
        self.rates.split_whitespace()
    }
}

/// One row and where it stands.
pub(super) struct Listed {
    /// `wire 9.2`.
    pub(super) section: String,
    pub(super) name: String,
    pub(super) entry: Entry,
}

impl Listed {
    /// `GET /v1/mutes` of a row that is named by routes.
    pub(super) fn routes(&self) -> impl Iterator<Item = &str> {
        let names = self.name.split(", ");
        names.filter(|name| {
            name.split_once(" /").is_some_and(|(method, _)| method.bytes().all(|b| b.is_ascii_uppercase()))
        })
    }
}

/// Every row.
pub(super) fn rows() -> Vec<Listed> {
    let list: BTreeMap<String, BTreeMap<String, Entry>> = toml::from_str(include_str!("contract.toml")).unwrap();
    let rows = list.into_iter().flat_map(|(section, entries)| {
        entries.into_iter().map(move |(name, entry)| Listed { section: section.clone(), name, entry })
    });
    rows.collect()
}

/// Whether there is a test of this name, as the list spells it: `server/groups/events::NAME` in
/// `crates/server/tests/it`, `server/src/limits/limiter/tests::NAME` in `crates/server/src`, `official/python/test_people::NAME`.
pub(super) fn is_a_test(name: &str) -> bool {
    let Some((file, test)) = name.split_once("::") else { return false };
    let text = candidates(file).into_iter().find_map(|path| fs::read_to_string(path).ok());
    text.is_some_and(|text| tests_in(&text).contains(test))
}

/// Where a file of that name may lie.
fn candidates(file: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if file.starts_with("official/") {
        return vec![
            root.join("tests").join(format!("{file}.py")),
            root.join("tests").join(format!("{file}.test.mjs")),
        ];
    }
    let (package, rest) = file.split_once('/').unwrap_or((file, ""));
    let crates = root.join("crates").join(package);
    let place = if rest.starts_with("src/") { crates } else { crates.join("tests/it") };
    vec![place.join(format!("{rest}.rs")), place.join(rest).join("mod.rs")]
}

/// The names of the tests in a source: functions that follow a test's attribute, rows of `ladders!`, tests of the official
/// SDKs.
fn tests_in(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let (mut is_marked, mut is_among_ladders) = (false, false);
    for line in text.lines() {
        is_among_ladders |= line == "ladders! {";
        let line_of_code = line.trim_start();
        is_marked |= line_of_code.starts_with("#[") && line_of_code.contains("test");
        if let Some(name) = function(line_of_code) {
            names.extend((is_marked || name.starts_with("test_")).then_some(name));
            is_marked = false;
        }
        let row = line.strip_prefix("    ").and_then(|line| line.split_once(" = ")).map(|(name, _)| name);
        let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        names.extend(row.filter(is_name).filter(|_| is_among_ladders));
        names.extend(line_of_code.strip_prefix("test('").and_then(|rest| rest.split('\'').next()));
    }
    names
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let modifiers = ["pub ", "async ", "fn ", "def "];
    let rest = modifiers.iter().fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
    let is_function = rest.len() < line.len() && (line.contains("fn ") || line.contains("def "));
    is_function.then(|| rest.split(['(', '<']).next()).flatten()
}

#[test]
fn tests_are_found_where_they_are_and_nowhere_else() {
    for there in [
        "server/conformance/contract::tests_are_found_where_they_are_and_nowhere_else",
        "server/conformance/masking::what_may_not_differ_does_not",
        "server/conformance/groups::create_with_everybody",
        "server/src/limits/limiter/tests::it_grants_what_a_token_bucket_grants",
        "official/python/test_people::test_contacts",
    ] {
        assert!(is_a_test(there), "{there}");
    }
    for elsewhere in [
        "server/conformance/contract::function",
        "server/conformance/groups::gated",
        "server/conformance/nothing::at_all",
        "server/conformance/masking",
    ] {
        assert!(!is_a_test(elsewhere), "{elsewhere}");
    }
}
