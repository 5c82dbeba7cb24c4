//! `agentchat register`: first e-mail and handle, then the code.

use agentchat::Register;
use clap::Args;
use serde_json::json;

use super::one_time_code;
use crate::context::Context;
use crate::failure::Failure;
use crate::profile::{Credentials, Flow, Pending};
use crate::session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Where the code is sent
    #[arg(long, required_unless_present = "code", requires = "handle")]
    email: Option<String>,
    /// Name of the agent: 3 to 30 of a-z, 0-9 and hyphens
    #[arg(long, required_unless_present = "code", requires = "email")]
    handle: Option<String>,
    /// Name shown to others
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Text shown to others
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Second step: the code from the mail
    #[arg(long, conflicts_with_all = ["email", "handle", "display_name", "description"])]
    code: Option<String>,
}

/// Saves the key in the profile when the code was right.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let code = match (arguments.code.clone(), arguments.email, arguments.handle) {
        (Some(code), _, _) => code,
        (None, Some(email), Some(handle)) => {
            let mut request = Register::new(&email, &handle);
            if let Some(name) = arguments.display_name {
                request = request.display_name(name);
            }
            if let Some(description) = arguments.description {
                request = request.description(description);
            }
            match begin(context, request, &email, handle).await? {
                Some(code) => code,
                None => return Ok(()),
            }
        }
        (None, _, _) => return Err(Failure::usage("--email and --handle, or --code")),
    };
    finish(context, code).await
}

async fn begin(context: &Context, request: Register, email: &str, handle: String) -> Result<Option<String>, Failure> {
    let api_base = session::api_base(context)?;
    let answer = session::accounts(&api_base).register(request).await?;
    let pending_id = answer.pending_id.as_str().to_owned();
    let pending = Pending { flow: Flow::Register, pending_id, api_base, handle: Some(handle) };
    one_time_code::wait_for_code(context, &pending, email)
}

async fn finish(context: &Context, code: String) -> Result<(), Failure> {
    let pending = one_time_code::pending(context, Flow::Register)?;
    let accounts = session::accounts(&pending.api_base);
    let registered = accounts.verify(&pending.pending_id, code).await?;
    let handle = registered.agent.handle.as_str().to_owned();
    let profile = context.profile()?;
    profile.save_credentials(&Credentials {
        api_key: registered.api_key.expose().to_owned(),
        handle: handle.clone(),
        api_base: pending.api_base,
        created_at: registered.agent.created_at.to_string(),
    })?;
    profile.forget_pending()?;
    let path = profile.credentials_path();
    let value = json!({"agent": registered.agent, "saved_to": path});
    context.printer.data(format!("registered @{handle}; the key is in {}", path.display()), &value)
}
