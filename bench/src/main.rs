//! `agentchat-bench`: the load generator as a program of its own.

fn main() -> anyhow::Result<()> {
    agentchat_bench::run_from(std::env::args_os().skip(1))
}
