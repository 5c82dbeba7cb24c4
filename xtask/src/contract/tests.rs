//! A small document, what the list must say of it, and what is complained of otherwise.

use super::complaints;
use super::rows::{Row, codes, of_sections, of_tables};

const ERRORS: &str = "| code | HTTP |\n|---|---|\n| `NOT_FOUND` | 404 |\n| `VALIDATION_ERROR` | 400 |\n";
const WIRE: &str = "# 1. Things

| `GET /v1/things` | auth agent |
|---|---|
| Query | `kind?` this\\|that |
| Errors | V → `NOT_FOUND` 404 |

## 1.2 More

| endpoint | errors |
|---|---|
| `DELETE /v1/things/{id}` | `NOT_FOUND` |
| `POST /v1/things` | `SOMETHING` |
";

fn rows() -> Vec<Row> {
    of_tables("wire", WIRE, &codes(ERRORS))
}

fn listed(change: impl Fn(String) -> String) -> toml::Table {
    let entries = rows().into_iter().map(|row| format!("[\"{}\"]\n{}\n", row.section, row.proposal()));
    let mut text: Vec<String> = entries.collect();
    // Both rows of one section stand under one head.
    text[2] = text[2].replace("[\"wire 1.2\"]\n", "");
    change(text.concat()).parse().unwrap()
}

#[test]
fn tables_are_read_row_by_row_but_for_those_of_one_endpoint() {
    let told: Vec<String> = rows().iter().map(|row| format!("{}: {} {:?}", row.section, row.key, row.errors)).collect();
    assert_eq!(
        told,
        [
            r#"wire 1: GET /v1/things {"NOT_FOUND", "VALIDATION_ERROR"}"#,
            r#"wire 1.2: DELETE /v1/things/{id} {"NOT_FOUND"}"#,
            "wire 1.2: POST /v1/things {}",
        ]
    );
}

#[test]
fn sections_count_whole() {
    let told = of_sections("extensions", "# Title\n\n## X1 Search\ntext\n\n## X2 Loop\nmore\n");
    assert_eq!(told.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["X1", "X2"]);
}

#[test]
fn a_complete_list_leaves_nothing_to_say() {
    assert_eq!(complaints(&rows(), &listed(|text| text)), Vec::<String>::new());
}

#[test]
fn a_row_that_is_missing_or_changed_or_gone_is_named() {
    let changed = WIRE.replace("`SOMETHING`", "`SOMETHING` else");
    let said = complaints(&of_tables("wire", &changed, &codes(ERRORS)), &listed(|text| text));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("not listed, or changed: [\"wire 1.2\"] \"POST /v1/things\" = "), "{said:?}");
    assert_eq!(said[1], "listed, but not there: [\"wire 1.2\"] POST /v1/things");
}

#[test]
fn an_error_that_is_not_listed_is_named() {
    let said = complaints(&rows(), &listed(|text| text.replace("NOT_FOUND VALIDATION_ERROR", "NOT_FOUND")));
    assert_eq!(said, ["wire 1: GET /v1/things may answer VALIDATION_ERROR, which is not listed"]);
}
