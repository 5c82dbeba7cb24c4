//! PostgreSQL's own load generator (`pgbench`) running the statements of a direct send, and the bare store on the same
//! server: how much of what the database can do is left once operations are decided by a program that speaks to it.
//!
//! Both run with as many senders as there are pairs, each with one send outstanding; the store settles acks besides.

use std::path::PathBuf;
use std::process::Command;

use agentchat_launch::{Postgres, PostgresSettings};
use agentchat_store::tables::DIRECT_SEND_STATEMENTS;
use agentchat_store::{PostgresOptions, Store};
use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use crate::direct::runtime;
use crate::process::Machine;
use crate::report::{self, Report, table};
use crate::store;

/// Arguments of `pgbench`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Numbers of senders, one run for each
    #[arg(long, value_delimiter = ',', default_value = "1,64,128")]
    senders: Vec<usize>,
    /// Seconds of a measurement
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// Connections of the bare store
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Folder on the disk to be measured
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    output: report::Output,
}

/// The figures of one number of senders.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Clients of `pgbench`, and tasks on the store.
    pub senders: usize,
    /// Sends a second by `pgbench`.
    pub pgbench_per_second: f64,
    /// Sends a second on the bare store.
    pub store_per_second: f64,
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let parent = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let settings = PostgresSettings { folder: arguments.folder.clone(), durable: true, ..Default::default() };
    let postgres = Postgres::start(settings);
    let mut outcomes = Vec::new();
    for &senders in &arguments.senders {
        let outcome = runtime(2)?.block_on(measure(arguments, &postgres, senders))?;
        report::talk(&format!(
            "{senders}: pgbench {:.0}/s, bare store {:.0}/s",
            outcome.pgbench_per_second, outcome.store_per_second
        ));
        outcomes.push(outcome);
    }
    let report = Report::new("pgbench", Machine::inspect(&parent), &outcomes);
    arguments.output.write(&report, &rows(&outcomes), String::new)
}

async fn measure(arguments: &Arguments, postgres: &Postgres, senders: usize) -> anyhow::Result<Outcome> {
    let url = |name: &str| format!("{}?connections={}", postgres.url(name), arguments.connections);
    let (ours, theirs) = (format!("store_{senders}"), format!("pgbench_{senders}"));
    for database in [&ours, &theirs] {
        postgres.create(database);
    }
    let prepared = Store::connect(PostgresOptions::parse(&url(&theirs))?).await?;
    store::acquaint(&prepared, senders).await?;
    prepared.close().await;
    let pgbench_per_second = pgbench(arguments, postgres, &theirs, senders)?;
    let store_per_second = store::on_postgres(&url(&ours), senders, arguments.seconds.into()).await?;
    Ok(Outcome { senders, pgbench_per_second, store_per_second })
}

/// Transactions a second, as `pgbench` prints them.
fn pgbench(arguments: &Arguments, postgres: &Postgres, database: &str, senders: usize) -> anyhow::Result<f64> {
    let mut script = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut script, self::script().as_bytes())?;
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--define=k=0"])
        .args([format!("--client={senders}"), format!("--time={}", arguments.seconds)])
        .arg(format!("--file={}", script.path().display()))
        .args(["--host=127.0.0.1", "--username=postgres", &format!("--port={}", postgres.port()), database])
        .output()
        .context("pgbench does not run: it is in Debian's package postgresql")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    match rate {
        Some(rate) if output.status.success() => Ok(rate),
        _ => bail!("pgbench failed: {said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// One send of client c: agents, handles and conversations are numbered in the order in which they were made, and ids
/// ascend as ours do.
fn script() -> String {
    let id = "decode(lpad(to_hex((:number)::bigint), 32, '0'), 'hex')";
    let key16 = "decode(md5((:number)::text), 'hex')";
    let handle = "'receiver-' || (:client_id)::text";
    let content = format!("'{{\"text\":\"{}\"}}'", "x".repeat(200));
    let [lock, state, store] = DIRECT_SEND_STATEMENTS;
    let lock = fill(lock, &[":sender", handle]);
    let state = fill(state, &[":now", key16, handle, ":sender"]);
    let number = "(:number)::text";
    let values = [
        ":now",
        ":sender",
        "0",
        ":conversation",
        id,
        "0",
        number,
        &content,
        "NULL",
        "NULL",
        key16,
        key16,
        ":receiver",
        "0",
        "0",
        "NULL::bigint",
        "NULL",
    ];
    format!(
        "\\set k :k + 1\n\\set number :k * 1024 + :client_id\n\\set now 1768469400000 + :k\n\
         \\set sender :client_id * 2 + 1\n\\set receiver :client_id * 2 + 2\n\\set conversation :client_id + 1\n\
         BEGIN ISOLATION LEVEL READ COMMITTED;\n{lock};\n{state};\n{};\nCOMMIT;\n",
        fill(store, &values)
    )
}

/// Puts expressions in the place of `$1`, `$2`, …; the highest first, so that `$1` does not take `$10` for its own.
fn fill(sql: &str, values: &[&str]) -> String {
    let numbered = values.iter().enumerate().rev();
    numbered.fold(sql.to_owned(), |sql, (index, value)| sql.replace(&format!("${}", index + 1), &format!("({value})")))
}

fn rows(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        vec![
            outcome.senders.to_string(),
            format!("{:.0}", outcome.pgbench_per_second),
            format!("{:.0}", outcome.store_per_second),
            format!("{:.0} %", 100.0 * outcome.store_per_second / outcome.pgbench_per_second),
        ]
    };
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    table::markdown(&["senders", "pgbench sends/s", "bare store sends/s", "of pgbench"], &rows)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_place_of_the_statements_is_filled() {
        assert!(!super::script().contains('$'), "{}", super::script());
    }
}
