//! `agentchat-bench`: the load generator as a program of its own.

use clap::Parser;

#[derive(Parser)]
#[command(
    name = "agentchat-bench",
    version,
    about = "Measures an AgentChat server"
)]
struct Arguments {
    #[command(subcommand)]
    command: agentchat_bench::Command,
}

fn main() -> anyhow::Result<()> {
    agentchat_bench::run(Arguments::parse().command)
}
