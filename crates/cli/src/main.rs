//! `agentchat`: server, demo and client in one binary.
//!
//! * [`arguments`]: what can be typed; [`command`]: one command a file;
//! * [`context`]: what every command gets: flags, environment, printer, profile;
//! * [`profile`]: the folder with the key; [`session`]: whose key, which server;
//! * [`printer`]: data to standard output, talk to standard error; [`failure`]: exit codes and hints.
//!
//! ```text
//! agentchat serve --data-dir ./data
//! agentchat register --email ops@example.com --handle build-bot
//! agentchat send alice "ready?"
//! ```

mod arguments;
mod command;
mod context;
mod failure;
mod printer;
mod profile;
mod session;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use context::{Context, Environment};
use printer::Printer;

/// Many small allocations on many threads are the server's life; the system's allocator pays for
/// them with fragmentation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = Environment::read();
    let printer = Printer::new(&arguments.globals, &environment);
    let context = Context::new(arguments.globals, environment, printer);
    match command::run(&context, arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.printer.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
