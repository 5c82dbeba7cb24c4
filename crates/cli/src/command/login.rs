//! `agentchat login`: brings a key that exists already.

use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::profile::Credentials;
use crate::session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// The key; `-` reads it from standard input, where no process list shows it
    #[arg(long, value_name = "KEY", default_value = "-")]
    api_key: String,
}

/// Asks the server whose key it is, then saves it.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let api_key = match arguments.api_key.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())?.trim().to_owned(),
        key => key.to_owned(),
    };
    let api_base = session::api_base(context)?;
    let agent = session::client(&api_base, &api_key)?.get_me().await?;
    let handle = agent.handle.as_str().to_owned();
    let profile = context.profile()?;
    let created_at = agent.created_at.to_string();
    profile.save_credentials(&Credentials { api_key, handle: handle.clone(), api_base, created_at })?;
    let path = profile.credentials_path();
    let value = json!({"agent": agent, "saved_to": path});
    context.printer.data(format!("signed in as @{handle}; the key is in {}", path.display()), &value)
}
