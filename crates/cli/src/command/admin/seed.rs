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

/// Lines that a shell can read (or a JSON line) for each agent.
pub(super) async fn run(context: &Context, admin: &Admin, api_base: &str, arguments: Arguments) -> Result<(), Failure> {
    for name in &arguments.names {
        let email = format!("{}@{}", name.trim_start_matches('@'), arguments.domain);
        let created = admin.create_agent(name.as_str(), &email, None).await?;
        let handle = created.agent.handle.as_str().to_owned();
        let api_key = created.api_key.expose().to_owned();
        if !arguments.save {
            let id = created.agent.id.as_str();
            let value = json!({"id": id, "handle": handle, "api_key": api_key});
            context.printer.data(variables(&handle, id, &api_key), &value)?;
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

/// `TEST_ALICE_ID=…` and so on, one a line: `eval` and `env` take them as they are.
fn variables(handle: &str, id: &str, api_key: &str) -> String {
    let name = handle.to_uppercase().replace('-', "_");
    format!("TEST_{name}_ID={id}\nTEST_{name}_HANDLE={handle}\nTEST_{name}_API_KEY={api_key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_becomes_a_variable_name() {
        assert_eq!(variables("a-b", "1", "2"), "TEST_A_B_ID=1\nTEST_A_B_HANDLE=a-b\nTEST_A_B_API_KEY=2");
    }
}
