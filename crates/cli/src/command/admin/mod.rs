//! `agentchat admin`: the operator's side.

mod agents;
mod backup;
mod escalations;
mod migrate_store;
mod restore;
mod seed;
mod stats;

use agentchat::admin::Admin;
use clap::{Args, Subcommand};
use serde_json::json;

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
    /// What agents reported to the operator
    #[command(subcommand)]
    Escalations(escalations::Command),
    /// Give a system agent another key; the one before is dead
    RotateKey {
        /// Its handle
        handle: String,
    },
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
        Command::Escalations(command) => escalations::run(context, &admin()?, command).await,
        Command::RotateKey { handle } => rotate_key(context, &admin()?, &handle).await,
        Command::Stats => stats::run(context, &admin()?).await,
        Command::Backup(arguments) => backup::run(context, &admin()?, arguments).await,
        Command::Restore(arguments) => restore::run(context, &arguments),
        Command::MigrateStore(arguments) => migrate_store::run(context, arguments).await,
    }
}

async fn rotate_key(context: &Context, admin: &Admin, handle: &str) -> Result<(), Failure> {
    let rotated = admin.rotate_system_agent_key(handle).await?;
    let (handle, key) = (rotated.handle.as_str(), rotated.api_key.expose());
    context.printer.data(format!("{handle} {key}"), &json!({"handle": handle, "api_key": key}))
}

fn administrator(context: &Context, token: Option<String>) -> Result<Admin, Failure> {
    let token = token.or(context.environment.admin_token.clone()).ok_or_else(|| {
        Failure::not_signed_in("there is no admin token")
            .hint("give --admin-token or AGENTCHAT_ADMIN_TOKEN, the same as to `agentchat serve`")
    })?;
    Ok(Admin::with(session::builder(&session::api_base(context)?, &token))?)
}
