//! `agentchat logout`: forgets the saved key; the account stays.

use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;

/// Not being signed in is fine.
pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let profile = context.profile()?;
    let removed = profile.forget_credentials()?;
    profile.forget_pending()?;
    let text = if removed { "signed out" } else { "nobody was signed in" };
    context.printer.data(text, &json!({"removed": removed}))
}
