//! `agentchat admin escalations …`: what agents reported to the operator.

use agentchat::admin::{Admin, Escalation};
use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{columns, one_line};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// List reports, newest first
    List {
        /// live, open, in_progress, resolved, discarded or all
        #[arg(long, default_value = "live")]
        status: String,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Say how far you got with a report
    Set {
        /// Its id
        id: String,
        /// open, in_progress, resolved or discarded
        status: String,
        /// Who says so
        #[arg(long, value_name = "NAME")]
        operator: String,
        /// What to remember about it
        #[arg(long)]
        note: Option<String>,
    },
}

/// One call each.
pub(super) async fn run(context: &Context, admin: &Admin, command: Command) -> Result<(), Failure> {
    let printer = &context.printer;
    match command {
        Command::List { status, limit } => {
            let page = admin.list_escalations().status(&status).limit(limit).await?;
            printer.talk(format!("{} listed", page.escalations.len()));
            let rows: Vec<Vec<String>> = page.escalations.iter().map(row).collect();
            if rows.is_empty() && !printer.is_json() {
                return Ok(());
            }
            printer.data(columns(&rows), &page)
        }
        Command::Set { id, status, operator, note } => {
            let changed = admin.change_escalation(&id, &operator, &status, note.as_deref()).await?;
            printer.data(columns(&[row(&changed.escalation)]), &changed)
        }
    }
}

fn row(escalation: &Escalation) -> Vec<String> {
    vec![
        escalation.id.clone(),
        escalation.status.clone(),
        escalation.category.clone(),
        escalation.from_agent_handle.as_str().to_owned(),
        escalation.created_at.to_string(),
        one_line(&escalation.summary),
    ]
}
