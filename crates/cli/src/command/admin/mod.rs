//! `agentchat admin`: the operator's side.

mod agents;
mod backup;
mod migrate_store;
mod restore;
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
    /// Copy a running server's data folder, while it serves
    Backup(backup::Arguments),
    /// Put a backup into a folder that a server can be started on
    Restore(restore::Arguments),
    /// Move a stopped server's data folder to an empty PostgreSQL database
    MigrateStore(migrate_store::Arguments),
}

/// What needs a running server needs its token too.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { admin_token, command } = arguments;
    let admin = || administrator(context, admin_token);
    match command {
        Command::Seed(arguments) => seed::run(context, &admin()?, &session::api_base(context)?, arguments).await,
        Command::Agents(command) => agents::run(context, &admin()?, command).await,
        Command::Stats => stats::run(context, &admin()?).await,
        Command::Backup(arguments) => backup::run(context, &admin()?, arguments).await,
        Command::Restore(arguments) => restore::run(context, &arguments),
        Command::MigrateStore(arguments) => migrate_store::run(context, arguments).await,
    }
}

fn administrator(context: &Context, token: Option<String>) -> Result<Admin, Failure> {
    let token = token.or(context.environment.admin_token.clone()).ok_or_else(|| {
        Failure::not_signed_in("there is no admin token")
            .hint("give --admin-token or AGENTCHAT_ADMIN_TOKEN, the same as to `agentchat serve`")
    })?;
    Ok(Admin::with(session::builder(&session::api_base(context)?, &token))?)
}
