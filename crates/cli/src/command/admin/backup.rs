//! `agentchat admin backup NAME`: a copy of a running server's data folder.

use agentchat::admin::Admin;
use clap::Args;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Name of the backup: a-z, 0-9 and -, at most 64
    name: String,
}

/// Where it is, once it is complete and synced.
pub(super) async fn run(context: &Context, admin: &Admin, arguments: Arguments) -> Result<(), Failure> {
    let made = admin.back_up(&arguments.name).await?;
    context.printer.data(format!("{} ({} bytes)", made.file, made.bytes), &made)?;
    context.printer.talk(format!(
        "Keep the folder it is in, and the objects that objects.txt names.\n\
         Back to a server: agentchat admin restore --from {} --data-dir DIR",
        made.file
    ));
    Ok(())
}
