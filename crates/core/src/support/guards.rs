//! Nobody gets the system agent to talk without end. What was said is counted, so that a restart forgets nothing and
//! all nodes count the same.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::MessageRow;

use crate::Error;

/// Messages of one agent that are looked at within [`BURST_MS`].
const BURST: i64 = 5;
const BURST_MS: i64 = 30_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Answers to one agent on a day, and to one that is younger than a day.
const ANSWERS: i64 = 50;
const ANSWERS_TO_NEW: i64 = 10;

/// What a message gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attention {
    Answer,
    /// The day's answers are used up: it is told so once.
    Notice,
    None,
}

/// Decides it for a direct message to `desk`.
pub(super) async fn attention(
    tx: &mut Tx<'_>,
    desk: AgentKey,
    row: &MessageRow,
    now: Timestamp,
) -> Result<Attention, Error> {
    let earlier = tx.said_before(row.conversation, row.sender, row.seq, BURST).await?;
    if earlier.is_some_and(|earlier| earlier > row.created_at - BURST_MS) {
        return Ok(Attention::None);
    }
    let now = now.as_millis();
    let sender = tx.agent(row.sender).await?;
    let is_new = sender.is_none_or(|sender| sender.created_at.as_millis() > now - DAY_MS);
    let most = if is_new { ANSWERS_TO_NEW } else { ANSWERS };
    let answered = tx.said_since(row.conversation, desk, now - now.rem_euclid(DAY_MS), most + 1).await?;
    Ok(match answered.cmp(&most) {
        std::cmp::Ordering::Less => Attention::Answer,
        std::cmp::Ordering::Equal => Attention::Notice,
        std::cmp::Ordering::Greater => Attention::None,
    })
}
