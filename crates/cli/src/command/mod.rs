//! One command a file.

pub(crate) mod admin;
mod bench;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod inbox;
pub(crate) mod listen;
pub(crate) mod login;
mod logout;
mod man;
mod message_line;
mod one_time_code;
pub(crate) mod read;
pub(crate) mod recover;
pub(crate) mod register;
pub(crate) mod rotate_key;
pub(crate) mod send;
mod serve;
mod status;
pub(crate) mod sync;
mod target;
mod whoami;

use tokio::runtime::{Builder, Runtime};

use crate::arguments::Command;
use crate::context::Context;
use crate::failure::Failure;

/// Runs one command to its end.
pub(crate) fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => many_threads()?.block_on(serve::run(context, *arguments)),
        Command::Demo(arguments) => many_threads()?.block_on(demo::run(context, &arguments)),
        Command::Bench { arguments } => bench::run(arguments),
        Command::Completions(arguments) => completions::run(context, &arguments),
        Command::Man => man::run(context),
        Command::Logout => logout::run(context),
        command => one_thread()?.block_on(run_client(context, command)),
    }
}

async fn run_client(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Register(arguments) => register::run(context, arguments).await,
        Command::Login(arguments) => login::run(context, arguments).await,
        Command::Whoami => whoami::run(context).await,
        Command::Status => status::run(context).await,
        Command::Recover(arguments) => recover::run(context, arguments).await,
        Command::RotateKey(arguments) => rotate_key::run(context, arguments).await,
        Command::Send(arguments) => send::run(context, arguments).await,
        Command::Inbox(arguments) => inbox::run(context, &arguments).await,
        Command::Read(arguments) => read::run(context, arguments).await,
        Command::Sync(arguments) => sync::run(context, &arguments).await,
        Command::Export(arguments) => export::run(context, &arguments).await,
        Command::Listen(arguments) => listen::run(context, arguments).await,
        Command::Doctor(arguments) => doctor::run(context, &arguments).await,
        Command::Admin(arguments) => admin::run(context, arguments).await,
        other => unreachable!("{other:?} needs no client"),
    }
}

fn one_thread() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// One processor is left to the store's writer, which is busy whenever the server is: with two of them this gives more
/// sends a second and shorter waits than a thread for each. `TOKIO_WORKER_THREADS` overrides.
fn many_threads() -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        builder.worker_threads(processors.saturating_sub(1).max(1));
    }
    builder.enable_all().build()
}
