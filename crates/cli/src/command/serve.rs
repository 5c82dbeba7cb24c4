//! `agentchat serve`: the server, until SIGTERM or SIGINT.

use agentchat_server::{ServeArgs, Server, init_logging};
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::failure::Failure;

/// Prints one line when ready; a signal drains it, and all is on disk when this returns.
pub(super) async fn run(context: &Context, arguments: ServeArgs) -> Result<(), Failure> {
    let config = arguments
        .resolve()
        .map_err(|error| Failure::usage(error.to_string()).hint("`agentchat serve --help` lists every option"))?;
    init_logging(config.log);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Server::start(config).await.map_err(|error| Failure::failed(error.to_string()))?;
    context.printer.raw(format!("listening on http://{}\n", running.addr()).as_bytes())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    context.printer.talk("draining");
    running.shutdown();
    running.wait().await;
    Ok(())
}
