//! `agentchat rotate-key`: a new key for the old one, confirmed by mail.

use clap::Args;
use serde_json::json;

use super::one_time_code;
use crate::context::Context;
use crate::failure::Failure;
use crate::profile::{Credentials, Flow, Pending};
use crate::session::Session;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Second step: the code from the mail
    #[arg(long)]
    code: Option<String>,
}

/// Saves the new key in the profile; the old one is dead and its sockets are closed.
pub(super) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let code = match arguments.code {
        Some(code) => code,
        None => match begin(context, &session).await? {
            Some(code) => code,
            None => return Ok(()),
        },
    };
    finish(context, &session, code).await
}

async fn begin(context: &Context, session: &Session) -> Result<Option<String>, Failure> {
    let me = session.client.get_me().await?;
    let answer = session.client.rotate_key(&me.handle).await?;
    let pending = Pending {
        flow: Flow::RotateKey,
        pending_id: answer.pending_id.as_str().to_owned(),
        api_base: session.api_base.clone(),
        handle: Some(me.handle.as_str().to_owned()),
    };
    one_time_code::wait_for_code(context, &pending, &me.email)
}

async fn finish(context: &Context, session: &Session, code: String) -> Result<(), Failure> {
    let pending = one_time_code::pending(context, Flow::RotateKey)?;
    let me = session.client.get_me().await?;
    let rotated = session.client.rotate_key_verify(&me.handle, &pending.pending_id, code).await?;
    let handle = rotated.handle.as_str().to_owned();
    let profile = context.profile()?;
    profile.save_credentials(&Credentials {
        api_key: rotated.api_key.expose().to_owned(),
        handle: handle.clone(),
        api_base: session.api_base.clone(),
        created_at: me.created_at.to_string(),
    })?;
    profile.forget_pending()?;
    let path = profile.credentials_path();
    let value = json!({"handle": handle, "saved_to": path});
    context.printer.data(format!("rotated the key of @{handle}; the new one is in {}", path.display()), &value)
}
