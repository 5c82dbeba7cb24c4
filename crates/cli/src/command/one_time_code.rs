//! The second half of register, recover and rotate-key: the code from the mail.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::context::Context;
use crate::failure::Failure;
use crate::profile::{Flow, Pending};

/// What the first step leaves to the second.
pub(super) fn wait_for_code(context: &Context, pending: &Pending, to: &str) -> Result<Option<String>, Failure> {
    context.profile()?.save_pending(pending)?;
    if let Some(code) = ask(context, to)? {
        return Ok(Some(code));
    }
    let command = pending.flow.command();
    let next = format!("agentchat {command} --code CODE");
    let value = serde_json::json!({"pending_id": pending.pending_id, "next": next});
    context.printer.data(format!("a code is on its way to {to}\nnext: {next}"), &value)?;
    Ok(None)
}

/// The flow that `--code` belongs to.
pub(super) fn pending(context: &Context, flow: Flow) -> Result<Pending, Failure> {
    context.profile()?.pending(flow)?.ok_or_else(|| {
        Failure::failed("no code is being waited for").hint(format!("begin with `agentchat {}`", flow.command()))
    })
}

/// Asks on a terminal; none when nobody sits there.
fn ask(context: &Context, to: &str) -> Result<Option<String>, Failure> {
    if context.printer.is_json() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    let mut out = io::stderr().lock();
    write!(out, "a code is on its way to {to}\ncode: ")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(Some(line.trim().to_owned()).filter(|code| !code.is_empty()))
}
