//! `agentchat export`: everything the account may see, a JSON object a line.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agentchat::Pieces;
use clap::Args;
use serde_json::Value;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::session::Session;

/// Between two looks at how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Write to this file, which must not exist; else to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Lines as they come. A file has its name once it is complete.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    write(context, session.client.export(), arguments.output.as_deref()).await
}

/// Writes an export to a file or to standard output.
pub(super) async fn write(context: &Context, pieces: Pieces<'_>, output: Option<&Path>) -> Result<(), Failure> {
    let printer = &context.printer;
    let Some(path) = output else {
        let lines = copy(printer, pieces, &mut std::io::stdout().lock()).await?;
        printer.talk(format!("{lines} lines"));
        return Ok(());
    };
    if path.exists() {
        return Err(Failure::usage(format!("{} exists already", path.display())));
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = std::fs::File::create(&partial)?;
    let copied = copy(printer, pieces, &mut file).await;
    let placed = copied.and_then(|lines| {
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        Ok(lines)
    });
    if placed.is_err() {
        let _gone = std::fs::remove_file(&partial);
    }
    printer.talk(format!("{} lines in {}", placed?, path.display()));
    Ok(())
}

/// Copies lines until the one that says it is the last; answers how many there were.
async fn copy(printer: &Printer, mut pieces: Pieces<'_>, out: &mut impl Write) -> Result<u64, Failure> {
    let (mut lines, mut last) = (0, Vec::new());
    let mut told = Instant::now();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        out.write_all(&piece)?;
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if last.ends_with(b"\n") {
                last.clear();
            }
            last.extend_from_slice(part);
            lines += u64::from(part.ends_with(b"\n"));
        }
        if told.elapsed() >= PROGRESS_EVERY && std::io::stderr().is_terminal() {
            told = Instant::now();
            printer.talk(format!("{lines} lines …"));
        }
    }
    out.flush()?;
    let end = serde_json::from_slice::<Value>(&last).unwrap_or_default();
    if end["kind"] != "end" {
        return Err(Failure::failed("the export broke off").hint("try again; nothing of it is to be trusted"));
    }
    Ok(lines)
}
