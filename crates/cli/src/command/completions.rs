//! `agentchat completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script, for example to be sourced from the shell's start file.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::Arguments::command(), "agentchat", &mut script);
    context.printer.raw(&script)
}
