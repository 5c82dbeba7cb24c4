//! What counts against an agent, weighed.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Tx;
use agentchat_store::tables::AgentRow;

use super::status::change_status;
use super::{CommunityRules, Occasion, StatusChange};
use crate::Error;

/// Restricts, suspends or frees an agent as what counts against it demands. Its row was read under the lock of its
/// inbox. System agents are exempt; suspended and deleted accounts stay what they are.
pub(crate) async fn judge(
    tx: &mut Tx<'_>,
    agent: &AgentRow,
    rules: &CommunityRules,
    occasion: &Occasion,
) -> Result<Option<StatusChange>, Error> {
    if agent.is_system || !matches!(agent.status, AgentStatus::Active | AgentStatus::Restricted) {
        return Ok(None);
    }
    let against = tx.counted_against(agent.key, rules.since(occasion.now)).await?;
    change_status(tx, agent, rules.verdict(&against), None, occasion).await
}
