//! `agentchat admin`: the operator's side.

mod agents;
mod seed;
mod stats;

use agentchat::admin::Admin;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::failure::Failure;
use crate::session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// The server's token [env: AGENTCHAT_ADMIN_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    admin_token: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Create agents without mail, for trials and tests
    Seed(seed::Arguments),
    /// Accounts
    #[command(subcommand)]
    Agents(agents::Command),
    /// Counts of the whole server
    Stats,
}

/// Every command needs the admin token.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let token = arguments.admin_token.or(context.environment.admin_token.clone()).ok_or_else(|| {
        Failure::not_signed_in("there is no admin token")
            .hint("give --admin-token or AGENTCHAT_ADMIN_TOKEN, the same as to `agentchat serve`")
    })?;
    let api_base = session::api_base(context)?;
    let admin = Admin::with(session::builder(&api_base, &token))?;
    match arguments.command {
        Command::Seed(arguments) => seed::run(context, &admin, &api_base, arguments).await,
        Command::Agents(command) => agents::run(context, &admin, command).await,
        Command::Stats => stats::run(context, &admin).await,
    }
}
