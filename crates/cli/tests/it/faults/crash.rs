//! `kill -9` of the server at random moments under load, with receivers on sockets: after each restart every
//! acknowledged send is there, delivered, in order, without a hole, and nothing that was refused.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::layer::Layer;
use crate::world::PROGRAM;

const ROUNDS: u64 = 20;

fn crash(transport: &str, folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["bench", "crash", "--server", PROGRAM, "--pairs", "8", "--transport", transport]);
    command.args(["--rounds", &ROUNDS.to_string(), "--earliest", "20", "--latest", "500", "--folder"]).arg(folder);
    command
}

/// The load generator checks its books after each round, and fails when they do not balance.
fn run(mut command: Command) {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.json");
    let output = command.arg("--json").arg(&report).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = std::fs::read_to_string(report).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let rounds = report["results"].as_array().unwrap_or_else(|| panic!("no rounds in {report}"));
    assert_eq!(rounds.len() as u64, ROUNDS);
    let last = rounds.last().expect("rounds");
    assert!(last["acked"].as_u64() > Some(100) && last["refused"].as_u64() > Some(10), "{last}");
    for fault in ["missing", "holes", "undelivered", "out_of_order", "refused_but_kept"] {
        assert!(rounds.iter().all(|round| round[fault] == 0), "{fault}: {report}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    run(crash("http", folder.path()));
}

/// Each server finds of its files only what the one before had synced.
#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let layer = Layer::new();
    std::fs::create_dir(layer.data()).expect("a folder");
    let mut command = crash("ws", &layer.data());
    layer.put_under_cuts(&mut command);
    run(command);
}
