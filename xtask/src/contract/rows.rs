//! Rows of Markdown tables, as the contract's documents write them.

use std::collections::BTreeSet;

/// One row: of a table, or a whole table when that describes one endpoint line by line.
#[derive(Debug)]
pub(super) struct Row {
    /// `wire 9.2`.
    pub(super) section: String,
    /// The row's first cell.
    pub(super) key: String,
    /// Of the whole text, white space aside.
    pub(super) fingerprint: String,
    /// Error codes that it names, in the order of the alphabet.
    pub(super) errors: BTreeSet<String>,
}

impl Row {
    fn of(section: &str, key: &str, text: &str, errors: BTreeSet<String>) -> Self {
        let key = key.replace(['`', '*'], "").trim().to_owned();
        Self { section: section.to_owned(), key, fingerprint: fingerprint(text), errors }
    }

    /// A line for the list.
    pub(super) fn proposal(&self) -> String {
        let errors: Vec<&str> = self.errors.iter().map(String::as_str).collect();
        let (key, text) = (self.key.replace('"', "'"), &self.fingerprint);
        match errors.is_empty() {
            true => format!("\"{key}\" = {{ text = \"{text}\" }}"),
            false => format!("\"{key}\" = {{ text = \"{text}\", errors = \"{}\" }}", errors.join(" ")),
        }
    }
}

/// The codes that the first column of the table of errors names.
pub(super) fn codes(errors: &str) -> BTreeSet<String> {
    let lines = errors.lines().filter_map(|line| line.strip_prefix("| `"));
    lines.filter_map(|rest| rest.split('`').next()).map(str::to_owned).collect()
}

/// Every row of every table.
pub(super) fn of_tables(document: &str, text: &str, codes: &BTreeSet<String>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut section = document.to_owned();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(number) = numbered(line) {
            section = format!("{document} {number}");
        }
        if !line.starts_with('|') {
            continue;
        }
        let mut table = vec![line];
        while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
            table.push(line);
        }
        rows.extend(of_table(&section, &table, codes));
    }
    rows
}

/// Every section of the second level, whole.
pub(super) fn of_sections(document: &str, text: &str) -> Vec<Row> {
    let sections = text.split("\n## ").skip(1);
    let row =
        |section: &str| Row::of(document, section.split(' ').next().unwrap_or_default(), section, BTreeSet::new());
    sections.map(row).collect()
}

fn of_table(section: &str, table: &[&str], codes: &BTreeSet<String>) -> Vec<Row> {
    let head = cells(table[0]);
    let describes_one_endpoint = head.len() == 2 && head[0].starts_with('`') && head[1].starts_with("auth");
    if describes_one_endpoint {
        let text = table.join("\n");
        return vec![Row::of(section, &head[0], &text, named(&text, codes))];
    }
    let rows = table.iter().skip(1).filter(|line| line.contains(|c: char| c.is_alphanumeric()));
    rows.map(|line| Row::of(section, &cells(line)[0], line, named(line, codes))).collect()
}

/// Cells of a line; a bar behind a backslash is text.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_matches('|').replace("\\|", "\0");
    line.split('|').map(|cell| cell.replace('\0', "|").trim().to_owned()).collect()
}

/// `3.2` of `## 3.2 Endpoints`, `15` of `# 15. Attachments`.
fn numbered(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let number = heading.split(' ').next()?.trim_end_matches('.');
    number.starts_with(|c: char| c.is_ascii_digit()).then(|| number.to_owned())
}

/// Codes in backticks, and the contract's short forms of them.
fn named(text: &str, codes: &BTreeSet<String>) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let mut named: BTreeSet<String> = quoted.filter(|word| codes.contains(*word)).map(str::to_owned).collect();
    let is_word = |wanted: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == wanted);
    for (short, meant) in [
        ("V", &["VALIDATION_ERROR"] as &[_]),
        ("G", &["GROUP_DELETED", "GROUP_NOT_FOUND"]),
        ("GA", &["GROUP_DELETED", "GROUP_NOT_FOUND", "FORBIDDEN"]),
    ] {
        if is_word(short) {
            named.extend(meant.iter().map(|code| (*code).to_owned()));
        }
    }
    named
}

/// 64-bit FNV-1a of the words: stable everywhere, and a changed row is what it has to tell apart.
fn fingerprint(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", words.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
