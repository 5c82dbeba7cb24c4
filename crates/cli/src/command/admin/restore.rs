//! `agentchat admin restore`: from a backup to a folder that a server can be started on.

use std::path::{Path, PathBuf};

use agentchat_server::backup::{Restore, RestoreError, Restored};
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;

/// Names of missing objects that people are shown; programs get all.
const SHOWN: usize = 10;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// The backup: its folder, or the database in it
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Folder for the server, without a store; made if absent
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Folder of the objects, to see whether all are there; none with a bucket [default: DIR/objects]
    #[arg(long, value_name = "DIR")]
    objects: Option<PathBuf>,
}

/// What is there now, and which objects are not.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let restored = Restore::new(&arguments.from, &arguments.data_dir).run().map_err(failure)?;
    let objects = arguments.objects.clone().unwrap_or_else(|| arguments.data_dir.join("objects"));
    let missing = missing(&restored, &objects);
    let folder = arguments.data_dir.display();
    let value = json!({
        "data_dir": arguments.data_dir, "bytes": restored.bytes, "messages": restored.messages,
        "objects": restored.objects.len(), "missing_objects": missing,
    });
    context.printer.data(format!("{folder}: {} messages ({} bytes)", restored.messages, restored.bytes), &value)?;
    if !missing.is_empty() {
        let some = missing.iter().take(SHOWN).map(|name| format!("  {name}")).collect::<Vec<_>>().join("\n");
        let (count, of) = (missing.len(), restored.objects.len());
        let objects = objects.display();
        context.printer.talk(format!("{count} of {of} objects are not in {objects}; copy them there:\n{some}"));
    }
    context.printer.talk(format!("Start it: agentchat serve --data-dir {folder}"));
    Ok(())
}

fn missing<'a>(restored: &'a Restored, objects: &Path) -> Vec<&'a str> {
    let is_missing = |name: &&str| !objects.join(name).is_file();
    restored.objects.iter().map(String::as_str).filter(is_missing).collect()
}

fn failure(error: RestoreError) -> Failure {
    let hint = match &error {
        RestoreError::HasLog(_) => "make a backup of it first: agentchat admin backup NAME",
        RestoreError::Occupied(_) => "give --data-dir a folder that does not exist yet",
        RestoreError::Sum(_) | RestoreError::Damaged { .. } => "nothing was restored; try another backup",
        _ => return Failure::failed(error.to_string()),
    };
    Failure::failed(error.to_string()).hint(hint)
}
