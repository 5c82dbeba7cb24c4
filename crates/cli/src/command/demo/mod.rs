//! `agentchat demo`: three agents talk through a server of their own, on a folder that goes away.
//!
//! [`stage`] starts the server and registers the agents as anybody would; [`screenplay`] is what
//! they say; [`player`] is an agent's life; [`books`] is what must balance in the end.

mod books;
mod player;
mod screenplay;
mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;
use tokio::signal::unix::{SignalKind, signal};

use self::books::{Books, Summary};
use self::player::{Player, Scene};
use self::stage::Stage;
use crate::context::Context;
use crate::failure::Failure;

/// How long what was sent may take to be delivered in the end.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Play once and end with a summary; a message lost, doubled or out of order is a failure
    #[arg(long)]
    once: bool,
    /// Milliseconds between two lines [default: 1500, with --once 0]
    #[arg(long, value_name = "MS")]
    pace: Option<u64>,
}

impl Arguments {
    fn pace(&self) -> Duration {
        Duration::from_millis(self.pace.unwrap_or(if self.once { 0 } else { 1500 }))
    }
}

/// Plays until the end, or until a signal without `--once`; then the books are closed.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let stage = Stage::build(context).await?;
    let books = Arc::new(Books::default());
    let scene = Arc::new(Scene {
        books: books.clone(),
        printer: context.printer,
        pace: arguments.pace(),
        hurry: AtomicBool::new(false),
    });
    let mut players = Vec::new();
    for actor in stage.actors() {
        players.push(Player::enter(actor, &scene).await?);
    }
    play(&players, &scene, arguments.once).await?;
    let mut undelivered = 0;
    for player in players {
        undelivered += player.leave().await?;
    }
    stage.strike().await;
    let summary = books.close(undelivered);
    context.printer.data(&summary, &summary)?;
    judge(&summary)
}

/// A signal does not break an act off, but takes its pauses out.
async fn play(players: &[Player], scene: &Scene, once: bool) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let show = async {
        loop {
            act(players, &scene.books).await?;
            if once || scene.hurry.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    };
    tokio::pin!(show);
    loop {
        tokio::select! {
            result = &mut show => return result,
            _ = terminate.recv() => scene.hurry.store(true, Ordering::Relaxed),
            _ = interrupt.recv() => scene.hurry.store(true, Ordering::Relaxed),
        }
    }
}

/// Every dialogue, then a volley of numbered messages in all directions at once.
async fn act(players: &[Player], books: &Books) -> Result<(), Failure> {
    try_join_all(players.iter().map(Player::open_dialogues)).await?;
    books.dialogues_over().await?;
    try_join_all(players.iter().map(|player| player.fire_volley(players))).await?;
    // What did not come by then is counted as lost.
    let _late = tokio::time::timeout(PATIENCE, books.all_delivered()).await;
    Ok(())
}

fn judge(summary: &Summary) -> Result<(), Failure> {
    if summary.is_clean() {
        return Ok(());
    }
    Err(Failure::failed("the books do not balance: something was lost, doubled, out of order or not acknowledged"))
}
