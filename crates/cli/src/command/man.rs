//! `agentchat man`: the manual page in roff.

use clap::CommandFactory;
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::context::Context;
use crate::failure::Failure;

/// Prints the page of the whole program, then one section a command.
pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        page.extend_from_slice(format!(".SH \"AGENTCHAT {}\"\n", subcommand.get_name().to_uppercase()).as_bytes());
        let man = Man::new(subcommand.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    context.printer.raw(&page)
}
