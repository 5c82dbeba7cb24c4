//! The agentchat command.
fn main() {}
