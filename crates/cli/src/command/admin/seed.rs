//! `agentchat admin seed NAME…`: agents without mail, for trials and tests.

use agentchat::admin::Admin;
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::profile::Credentials;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Handles of the agents
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Their e-mails are NAME@DOMAIN
    #[arg(long, default_value = "seed.example.com", value_name = "DOMAIN")]
    domain: String,
    /// Save each key in the profile NAME instead of printing it
    #[arg(long)]
    save: bool,
}

/// One line (or JSON line) an agent.
pub(super) async fn run(context: &Context, admin: &Admin, api_base: &str, arguments: Arguments) -> Result<(), Failure> {
    for name in &arguments.names {
        let email = format!("{}@{}", name.trim_start_matches('@'), arguments.domain);
        let created = admin.create_agent(name.as_str(), &email, None).await?;
        let handle = created.agent.handle.as_str().to_owned();
        let api_key = created.api_key.expose().to_owned();
        if !arguments.save {
            let value = json!({"handle": handle, "api_key": api_key});
            context.printer.data(format!("{handle} {api_key}"), &value)?;
            continue;
        }
        let profile = context.named_profile(Some(&handle))?;
        let created_at = created.agent.created_at.to_string();
        let api_base = api_base.to_owned();
        profile.save_credentials(&Credentials { api_key, handle: handle.clone(), api_base, created_at })?;
        let path = profile.credentials_path();
        let value = json!({"handle": handle, "saved_to": path});
        context.printer.data(format!("{handle}: use it with --profile {handle}"), &value)?;
    }
    Ok(())
}
