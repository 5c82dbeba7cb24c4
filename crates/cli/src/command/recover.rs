//! `agentchat recover`: a new key by mail after the old one was lost.

use clap::Args;
use serde_json::json;

use super::one_time_code;
use crate::context::Context;
use crate::failure::Failure;
use crate::profile::{Credentials, Flow, Pending};
use crate::session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// E-mail of the account
    #[arg(long, required_unless_present = "code")]
    email: Option<String>,
    /// Which agent, when the e-mail has several
    #[arg(long)]
    handle: Option<String>,
    /// Second step: the code from the mail
    #[arg(long, conflicts_with_all = ["email", "handle"])]
    code: Option<String>,
}

/// Saves the new key in the profile; the old one is dead.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let code = match (arguments.code, arguments.email) {
        (Some(code), _) => code,
        (None, Some(email)) => match begin(context, &email, arguments.handle).await? {
            Some(code) => code,
            None => return Ok(()),
        },
        (None, None) => return Err(Failure::usage("--email or --code")),
    };
    finish(context, code).await
}

async fn begin(context: &Context, email: &str, handle: Option<String>) -> Result<Option<String>, Failure> {
    let api_base = session::api_base(context)?;
    let accounts = session::accounts(&api_base);
    let mut call = accounts.recover(email);
    if let Some(handle) = &handle {
        call = call.handle(handle);
    }
    let answer = call.await?;
    let pending_id = answer.pending_id.as_str().to_owned();
    let pending = Pending { flow: Flow::Recover, pending_id, api_base, handle };
    one_time_code::wait_for_code(context, &pending, email)
}

async fn finish(context: &Context, code: String) -> Result<(), Failure> {
    let pending = one_time_code::pending(context, Flow::Recover)?;
    let accounts = session::accounts(&pending.api_base);
    let recovered = accounts.recover_verify(&pending.pending_id, code).await?;
    let api_key = recovered.api_key.expose().to_owned();
    let agent = session::client(&pending.api_base, &api_key)?.get_me().await?;
    let profile = context.profile()?;
    let handle = recovered.handle.as_str().to_owned();
    profile.save_credentials(&Credentials {
        api_key,
        handle: handle.clone(),
        api_base: pending.api_base,
        created_at: agent.created_at.to_string(),
    })?;
    profile.forget_pending()?;
    let path = profile.credentials_path();
    let value = json!({"handle": handle, "saved_to": path});
    context.printer.data(format!("recovered @{handle}; the new key is in {}", path.display()), &value)
}
