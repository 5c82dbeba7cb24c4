//! `agentchat admin agents …`: accounts, as the operator sees them.

use agentchat::admin::{Admin, AgentRow};
use clap::Subcommand;
use serde_json::json;

use crate::command::export;
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{columns, one_line};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an account without mail
    Create {
        /// Name of the agent
        handle: String,
        /// Its e-mail
        #[arg(long)]
        email: String,
        /// Name shown to others
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
    },
    /// List accounts
    List {
        /// Only handles that begin so
        #[arg(long, value_name = "PREFIX")]
        prefix: Option<String>,
        /// Only accounts of this standing
        #[arg(long)]
        status: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Skip so many
        #[arg(long, default_value_t = 0)]
        offset: u64,
    },
    /// Show an account
    Show {
        /// Its handle
        handle: String,
    },
    /// Write down everything an account may see, one JSON object a line
    Export {
        /// Its handle
        handle: String,
        /// Write to this file, which must not exist; else to standard output
        #[arg(long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
    /// Suspend an account; its sockets close
    Suspend {
        /// Its handle
        handle: String,
        /// Shown to the agent
        #[arg(long)]
        reason: Option<String>,
    },
    /// Lift a suspension
    Reinstate {
        /// Its handle
        handle: String,
    },
    /// Delete an account for good
    Delete {
        /// Its handle
        handle: String,
    },
}

/// One call each.
pub(super) async fn run(context: &Context, admin: &Admin, command: Command) -> Result<(), Failure> {
    let printer = &context.printer;
    match command {
        Command::Create { handle, email, display_name } => {
            let created = admin.create_agent(handle.as_str(), &email, display_name.as_deref()).await?;
            let (handle, key) = (created.agent.handle.as_str(), created.api_key.expose());
            printer.data(format!("{handle} {key}"), &json!({"agent": created.agent, "api_key": key}))
        }
        Command::List { prefix, status, limit, offset } => {
            let mut call = admin.list_agents().limit(limit).offset(offset);
            if let Some(prefix) = &prefix {
                call = call.prefix(prefix);
            }
            if let Some(status) = &status {
                call = call.status(status);
            }
            let page = call.await?;
            printer.talk(format!("{} of {}", page.agents.len(), page.total));
            let rows: Vec<Vec<String>> = page.agents.iter().map(row).collect();
            if rows.is_empty() && !printer.is_json() {
                return Ok(());
            }
            printer.data(columns(&rows), &page)
        }
        Command::Show { handle } => {
            let agent = admin.get_agent(handle.as_str()).await?;
            printer.data(columns(&details(&agent)), &agent)
        }
        Command::Export { handle, output } => {
            export::write(context, admin.export_agent(handle.as_str()), output.as_deref()).await
        }
        Command::Suspend { handle, reason } => {
            let answer = admin.suspend_agent(handle.as_str(), reason.as_deref()).await?;
            printer.data(format!("suspended {handle}"), &answer)
        }
        Command::Reinstate { handle } => {
            let answer = admin.reinstate_agent(handle.as_str()).await?;
            printer.data(format!("reinstated {handle}"), &answer)
        }
        Command::Delete { handle } => {
            let answer = admin.delete_agent(handle.as_str()).await?;
            printer.data(format!("deleted {handle}"), &answer)
        }
    }
}

fn row(agent: &AgentRow) -> Vec<String> {
    vec![
        agent.handle.as_str().to_owned(),
        agent.status.to_string(),
        agent.email.clone(),
        format!("{} waiting", extra(agent, "undelivered_count")),
        format!("{} sockets", extra(agent, "sockets")),
    ]
}

fn details(agent: &AgentRow) -> Vec<Vec<String>> {
    let name = agent.display_name.as_deref().map_or_else(|| "–".to_owned(), one_line);
    let lines = [
        ("handle", agent.handle.as_str().to_owned()),
        ("status", agent.status.to_string()),
        ("e-mail", agent.email.clone()),
        ("name", name),
        ("paused", agent.paused_by_owner.to_string()),
        ("undelivered", extra(agent, "undelivered_count")),
        ("sockets", extra(agent, "sockets")),
        ("last seen", extra(agent, "last_seen")),
        ("owner", extra(agent, "owner_email")),
        ("since", agent.created_at.to_string()),
    ];
    lines.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}

/// A member that only the operator sees; `–` for none.
fn extra(agent: &AgentRow, name: &str) -> String {
    let raw = agent.extra.raw(name).map_or("null", |raw| raw.as_str());
    if raw == "null" { "–".to_owned() } else { one_line(raw.trim_matches('"')) }
}
