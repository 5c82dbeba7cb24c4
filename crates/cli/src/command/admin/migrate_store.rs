//! `agentchat admin migrate-store`: from one server's folder to the database that several share.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use agentchat_server::Secret;
use agentchat_server::transfer::{Moved, Progress, Step, Transfer, TransferError};
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::columns;

/// Between two lines about a large table.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Data folder of the stopped server; its rows stay as they are
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Empty database: postgres://user:password@host:port/database [env: AGENTCHAT_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    to: Option<Secret>,
}

/// Tables with their rows once everything was compared and committed.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let to = arguments.to.or(context.environment.database_url.clone().map(Secret::new)).ok_or_else(|| {
        Failure::usage("say where to: --to postgres://user:password@host:port/database, or AGENTCHAT_DATABASE_URL")
    })?;
    let transfer = Transfer::new(&arguments.from, to.expose()).map_err(failure)?;
    let mut last = Instant::now();
    let report = |progress: Progress| {
        if last.elapsed() >= PROGRESS_EVERY {
            last = Instant::now();
            context.printer.talk(line(&progress));
        }
    };
    let moved = transfer.run(report).await.map_err(failure)?;
    context.printer.data(table(&moved), &document(&moved))?;
    let (target, from) = (&moved.target, arguments.from.display());
    context.printer.talk(format!(
        "{} rows are in {target}, compared with the folder's.\n\
         Start every server with --database-url now. The file MIGRATED keeps servers off the old store in {from};\n\
         remove the folder once you need no way back.",
        moved.rows()
    ));
    Ok(())
}

fn line(progress: &Progress) -> String {
    let step = match progress.step {
        Step::Copy => "copied",
        Step::Compare => "compared",
    };
    format!("{}: {} of {} rows {step}", progress.table, progress.rows, progress.of)
}

fn table(moved: &Moved) -> String {
    let rows: Vec<Vec<String>> = moved.tables.iter().map(|(name, rows)| vec![name.clone(), rows.to_string()]).collect();
    columns(&rows)
}

fn document(moved: &Moved) -> serde_json::Value {
    let tables: Vec<_> = moved.tables.iter().map(|(name, rows)| json!({"name": name, "rows": rows})).collect();
    json!({"target": moved.target, "rows": moved.rows(), "tables": tables})
}

fn failure(error: TransferError) -> Failure {
    let hint = match &error {
        TransferError::Source(agentchat_server::transfer::OpenError::InUse(_)) => "stop the server first (SIGTERM)",
        TransferError::NoStore(_) => "--from is what the server had as --data-dir",
        TransferError::NotEmpty { .. } => "give a database of its own, in which no server was started yet",
        TransferError::Schema { .. } => "use the version of agentchat that made the database, or an empty one",
        TransferError::Database { .. } | TransferError::Differs { .. } => {
            "nothing was moved; the folder can be started as before"
        }
        _ => return Failure::failed(error.to_string()),
    };
    Failure::failed(error.to_string()).hint(hint)
}
