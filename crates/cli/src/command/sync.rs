//! `agentchat sync`: what waits for delivery, over all conversations.

use std::time::Duration;

use agentchat::{Client, DeliveryId, SyncRow};
use clap::Args;

use super::message_line::message_line;
use crate::context::Context;
use crate::failure::Failure;
use crate::session::Session;

const PAGE: u32 = 200;

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Settle each page after it was printed: it is not offered again
    #[arg(long)]
    ack: bool,
    /// Wait up to this long for the first message
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// One line (or JSON line) a message, in the order of their storing.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let (mut total, mut cursor) = (0, None);
    let mut wait = Duration::from_secs(arguments.wait);
    loop {
        let rows = page(&session.client, cursor.as_ref(), wait).await?;
        print(context, &rows)?;
        total += rows.len();
        cursor = rows.last().and_then(|row| row.delivery_id.clone()).or(cursor);
        if let Some(cursor) = cursor.as_ref().filter(|_| arguments.ack && !rows.is_empty()) {
            session.client.sync_ack(cursor).await?;
        }
        if rows.len() < PAGE as usize {
            break;
        }
        wait = Duration::ZERO;
    }
    context.printer.talk(match (total, arguments.ack) {
        (0, _) => "nothing waiting".to_owned(),
        (count, false) => format!("{count} waiting"),
        (count, true) => format!("{count} settled"),
    });
    Ok(())
}

async fn page(client: &Client, cursor: Option<&DeliveryId>, wait: Duration) -> Result<Vec<SyncRow>, Failure> {
    let mut call = client.sync().limit(PAGE);
    if let Some(cursor) = cursor {
        call = call.after(cursor);
    }
    if !wait.is_zero() {
        call = call.wait(wait);
    }
    Ok(call.await?)
}

fn print(context: &Context, rows: &[SyncRow]) -> Result<(), Failure> {
    for row in rows {
        context.printer.data(message_line(&context.printer, &row.message), row)?;
    }
    Ok(())
}
