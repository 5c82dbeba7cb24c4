//! What an agent's presence comes to.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::presence::PresenceStatus;
use agentchat_store::tables::{PresenceRow, ShownPresence};
use agentchat_store::{StoreError, Tx};

use super::{Announcement, Announcements, WINDOW_MS};

/// Whether the store knows of a connection.
pub(super) fn is_connected(row: &PresenceRow) -> bool {
    row.here.is_some() || row.elsewhere.is_some()
}

/// What others see of an agent that the store knows to be `connected` or not.
pub(super) fn visible(row: &PresenceRow, connected: bool, now: i64) -> ShownPresence {
    if matches!(row.status, AgentStatus::Suspended | AgentStatus::Deleted) {
        return ShownPresence::OFFLINE;
    }
    match &row.said {
        Some(said) if connected || (!said.hidden && said.until > now) => said.what.clone(),
        None if connected => ShownPresence { status: PresenceStatus::Online, message: None },
        _ => ShownPresence::OFFLINE,
    }
}

/// When something that differs from what was told may be told, if not now.
pub(super) fn may_tell_at(shown_at: i64, now: i64) -> Option<i64> {
    // Another server's clock may be a little ahead; one that was far ahead is not waited for.
    (-WINDOW_MS..WINDOW_MS).contains(&(now - shown_at)).then_some(shown_at + WINDOW_MS)
}

/// Writes a row that was taken, and tells what others see of it if that is another.
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    mut row: PresenceRow,
    now: i64,
    announcements: &mut Announcements,
) -> Result<(), StoreError> {
    let connected = is_connected(&row);
    row.said = row.said.take().filter(|said| connected || said.until > now);
    let fades = row.said.as_ref().filter(|_| !connected).map(|said| said.until);
    let seen = visible(&row, connected, now);
    let waits = if seen == row.shown { None } else { may_tell_at(row.shown_at, now) };
    if let Some(at) = waits {
        announcements.look_again(at);
    } else if seen != row.shown {
        (row.shown, row.shown_at) = (seen, now);
        announcements.now.push(Announcement::of(&row));
    }
    tx.write_presence(&row, waits.into_iter().chain(fades).min()).await
}
