//! The load generator: what the server does under load, measured from outside.
//!
//! Every figure comes from a real server process over real sockets; the policies are lifted to
//! values that no sender reaches, never bypassed. Generator and server share the machine, so the
//! hot loops are as lean as they can be: an own HTTP/1.1 client, an own WebSocket client
//! ([`wire`]) and no parsing beyond what the checks need.
//!
//! * [`direct`]: closed-loop direct sends with live delivery to acknowledging sockets;
//! * [`group`]: sends to a group whose members all listen; [`drain`]: a backlog, to the last ack;
//! * [`webhooks`]: calls to webhooks, and how a queue is caught up with after an outage;
//! * [`search`]: taking many messages into the index, and queries of several kinds;
//! * [`store`]: the same transaction on the bare store, without server and sockets;
//! * [`pgbench`]: PostgreSQL's own load generator with a send's statements, beside the bare store;
//! * [`sockets`]: memory of the server per idle socket;
//! * [`start`]: time from spawn to ready on an empty folder;
//! * [`log`]: size of the write-ahead log during a long run at full speed;
//! * [`crash`]: `kill -9` under load, then the books are checked;
//! * [`cluster`]: several nodes while parts are killed, or left alone and compared;
//! * [`process`]: starting the server and reading its usage; [`report`]: tables, JSON, plots.
//!
//! ```no_run
//! agentchat_bench::run_from(["direct", "--senders", "64", "--transport", "ws"]).expect("a clean run");
//! ```

pub mod cluster;
pub mod crash;
pub mod direct;
pub mod drain;
pub mod group;
pub mod history;
pub mod log;
pub mod pgbench;
pub mod process;
pub mod report;
pub mod search;
pub mod sockets;
pub mod start;
pub mod store;
pub mod webhooks;
pub mod wire;

mod setup;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// Measures an AgentChat server
#[derive(Debug, Parser)]
#[command(name = "agentchat-bench", version, no_binary_name = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Runs the measurement that `arguments` (without the program's name) ask for. Wrong ones end the
/// program with a usage text and exit code 2.
///
/// # Errors
///
/// As [`run`].
pub fn run_from(arguments: impl IntoIterator<Item: Into<OsString> + Clone>) -> anyhow::Result<()> {
    run(Arguments::parse_from(arguments).command)
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Direct sends with live delivery: acked sends a second, latency, CPU a message
    Direct(direct::Arguments),
    /// Sends to a group whose members all listen: messages and deliveries a second
    Group(group::Arguments),
    /// A backlog that waits for one agent: from its HELLO to the last ack
    Drain(drain::Arguments),
    /// Calls to webhooks: deliveries a second, and catching up after their receiver was away
    Webhooks(webhooks::Arguments),
    /// Many messages of one caller: how fast they are indexed, and how long queries take
    Search(search::Arguments),
    /// The same transaction on the bare store, in this process: what the server can reach at most
    Store(store::Arguments),
    /// PostgreSQL's own load generator running a direct send's statements, beside the bare store on the same server
    Pgbench(pgbench::Arguments),
    /// Idle sockets: the server's memory for each
    Sockets(sockets::Arguments),
    /// Time from spawn to ready on an empty folder
    Start(start::Arguments),
    /// Size of the write-ahead log during a run at full speed
    Log(log::Arguments),
    /// kill -9 under load; after the restart nothing acknowledged may be missing
    Crash(crash::Arguments),
    /// Several nodes on PostgreSQL and NATS while each part is killed and started again: nothing may be lost, doubled or
    /// reordered; or, left alone, what they do a second beside one node and SQLite
    Cluster(cluster::Arguments),
}

/// Runs one measurement on a runtime of its own and writes its report to standard output.
///
/// # Errors
///
/// When the server cannot be started, a measurement breaks off, or its books do not balance
/// (something lost, duplicated or out of order).
pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Direct(arguments) => direct::run(&arguments),
        Command::Group(arguments) => group::run(&arguments),
        Command::Drain(arguments) => drain::run(&arguments),
        Command::Webhooks(arguments) => webhooks::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Store(arguments) => store::run(&arguments),
        Command::Pgbench(arguments) => pgbench::run(&arguments),
        Command::Sockets(arguments) => sockets::run(&arguments),
        Command::Start(arguments) => start::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Crash(arguments) => crash::run(&arguments),
        Command::Cluster(arguments) => cluster::run(&arguments),
    }
}
