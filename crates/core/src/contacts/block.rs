//! `POST /v1/contacts/{handle}/block`.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::webhook::{ContactBlocked, WebhookEvent};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::AgentRow;
use agentchat_store::{Tx, Write};

use super::somebody::{find_somebody, not_oneself};
use crate::Error;
use crate::agents::{protect_system, read_live};
use crate::enforcement::{CommunityRules, Occasion, StatusChange, judge};
use crate::webhooks::tell;

/// Blocks somebody: no direct messages either way. May restrict or suspend the blocked one in the same transaction.
#[derive(Debug)]
pub struct BlockAgent {
    pub blocker: AgentKey,
    pub handle: Option<Handle>,
    pub rules: CommunityRules,
    pub occasion: Occasion,
}

/// What a block or a report came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub agent: AgentKey,
    /// Since now; false when it was blocked before.
    pub is_new: bool,
    /// The blocked one's status is another now.
    pub standing: Option<StatusChange>,
    /// Webhooks of the blocked one are to be told.
    pub queued: bool,
}

impl Write for BlockAgent {
    type Out = Blocked;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Blocked, Error> {
        let other = find_opponent(tx, self.blocker, self.handle.as_ref()).await?;
        block(tx, self.blocker, &other, &self.rules, &self.occasion).await
    }
}

/// Whom an agent may block or report.
pub(super) async fn find_opponent(
    tx: &mut Tx<'_>,
    agent: AgentKey,
    handle: Option<&Handle>,
) -> Result<AgentRow, Error> {
    let other = find_somebody(tx, agent, handle).await?;
    not_oneself(agent, &other, "You cannot block or report yourself")?;
    protect_system(&other)?;
    Ok(other)
}

/// Blocks, and looks at what counts against the blocked one now.
pub(super) async fn block(
    tx: &mut Tx<'_>,
    blocker: AgentKey,
    other: &AgentRow,
    rules: &CommunityRules,
    occasion: &Occasion,
) -> Result<Blocked, Error> {
    let is_new = tx.add_block(blocker, other.key, occasion.now.as_millis()).await?;
    let standing = judge(tx, other, rules, occasion).await?;
    let queued = is_new && tell_blocked(tx, blocker, other, occasion).await?;
    Ok(Blocked { agent: other.key, is_new, standing, queued })
}

/// The blocked one's webhooks, if any of them wants to know.
async fn tell_blocked(
    tx: &mut Tx<'_>,
    blocker: AgentKey,
    other: &AgentRow,
    occasion: &Occasion,
) -> Result<bool, Error> {
    let event = WebhookEvent::ContactBlocked;
    if tx.agents_wanting(&[other.key], event.bit()).await?.is_empty() {
        return Ok(false);
    }
    let blocked_by = read_live(tx, blocker).await?.handle;
    let data = ContactBlocked { blocked_by, blocked_at: occasion.now };
    tell(tx, other.key, &event, &data, &occasion.event, occasion.now).await
}
