//! What is started must stop.

mod gate;
mod nats;
mod postgres;
mod store;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Runs an ignored test of this program in a process of its own; answers it with what it says that it holds.
fn holder(test: &str) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let said = output.lines().map_while(Result::ok).find_map(|line| Some(line.split_once("holds ")?.1.to_owned()));
    (child, said.expect("the child says what it holds"))
}
