//! Data to standard output, talk to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use crate::arguments::Globals;
use crate::context::Environment;
use crate::failure::Failure;

/// How and where a command speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
    verbose: bool,
    colour: bool,
}

/// What a text means; decides its colour on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
    Dim,
    /// One of a few colours that tell speakers apart.
    Speaker(usize),
}

impl Printer {
    pub(crate) fn new(globals: &Globals, environment: &Environment) -> Self {
        Self {
            json: globals.json,
            quiet: globals.quiet,
            verbose: globals.verbose,
            colour: !environment.no_colour && !globals.json && io::stdout().is_terminal(),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The result of a command: `text` for people, `value` as one line of JSON for programs.
    pub(crate) fn data(&self, text: impl Display, value: &impl Serialize) -> Result<(), Failure> {
        if self.json {
            return self.document(value);
        }
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// JSON on a line of its own, written at once.
    pub(crate) fn document(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        Ok(out.flush()?)
    }

    /// Raw bytes of data, the same in both forms.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(io::stdout().lock().write_all(bytes)?)
    }

    /// A remark for people; nobody must depend on it.
    pub(crate) fn talk(&self, text: impl Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// A remark for people who asked for more.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.verbose {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// What went wrong: code first, hint after it.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let mut out = io::stderr().lock();
        if self.json {
            let Failure { code, message, hint, details, .. } = failure;
            let value = json!({"error": {"code": code, "message": message, "hint": hint, "details": details}});
            let _ = writeln!(out, "{value}");
            return;
        }
        let _ = writeln!(out, "error: {failure}");
        if let Some(hint) = &failure.hint {
            let _ = writeln!(out, "hint: {hint}");
        }
    }

    /// `text` in the colour of `tone`, when the output is a terminal.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        const SPEAKERS: [&str; 6] = ["36", "35", "33", "34", "32", "31"];
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Speaker(index) => SPEAKERS[index % SPEAKERS.len()],
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// A text of somebody else, safe for a terminal: one line, no control characters, so that nobody
/// can move the cursor or forge a line by a message.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|character| if is_unsafe(character) { ' ' } else { character }).collect()
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Columns of text, each as wide as its widest cell; trailing blanks are left out.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_move_the_cursor() {
        assert_eq!(one_line("a\x1b[2Jb\nc\u{202E}d"), "a [2Jb c d");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "b".into()], vec!["long".into(), "c".into()]];
        assert_eq!(columns(&rows), "a     b\nlong  c");
    }
}
