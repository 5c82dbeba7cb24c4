//! `POST /v1/agents/recover`.

use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AgentRow, Flow, PendingRow};
use agentchat_store::{Tx, Write};

use super::send_gate::check_gate;
use super::{Challenge, CodeRules};
use crate::Error;

/// Stores a pending recovery, a decoy if there is nothing to recover or the e-mail's gate is closed. Hit and miss
/// make the same writes and the same answer; only the output, which stays inside, says whether to mail the code.
#[derive(Debug)]
pub struct BeginRecovery {
    pub email: Email,
    /// As given; one that is no handle at all is a miss like any unknown one.
    pub handle: Option<String>,
    pub challenge: Challenge,
    pub rules: CodeRules,
    pub now: Timestamp,
}

impl Write for BeginRecovery {
    /// Whether the code is to be mailed to `email`.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let open = check_gate(tx, &self.email, &self.rules, self.now).await?.is_ok();
        let target = self.target(tx).await?;
        if open {
            tx.insert_code_sent(&self.email, self.challenge.pending, self.now).await?;
        }
        let hash = self.challenge.hash(Flow::Recover);
        let hit = open && target != Target::Nobody;
        tx.insert_pending(&PendingRow {
            id: self.challenge.pending,
            flow: Flow::Recover,
            email: self.email.clone(),
            agent: if let Target::One(agent) = target { Some(agent) } else { None },
            payload: None,
            code_hash: hit.then_some(hash),
            created_at: self.now,
            expires_at: self.now.plus_millis(self.rules.ttl_ms),
        })
        .await?;
        Ok(hit)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// The agent that was named.
    One(AgentKey),
    /// Whatever the e-mail backs when the code comes back.
    WholeEmail,
    Nobody,
}

impl BeginRecovery {
    async fn target(&self, tx: &mut Tx<'_>) -> Result<Target, Error> {
        let candidates = recoverable(tx, &self.email).await?;
        let Some(name) = &self.handle else {
            return Ok(if candidates.is_empty() { Target::Nobody } else { Target::WholeEmail });
        };
        let wanted = Handle::parse(name).ok();
        let found = candidates.into_iter().find(|agent| Some(&agent.handle) == wanted.as_ref());
        Ok(found.map_or(Target::Nobody, |agent| Target::One(agent.key)))
    }
}

/// The agents of an e-mail whose key can be recovered, by handle: suspended ones too, system agents never.
pub(super) async fn recoverable(tx: &mut Tx<'_>, email: &Email) -> Result<Vec<AgentRow>, Error> {
    let mut agents = tx.live_agents_of_email(email).await?;
    agents.retain(|agent| !agent.is_system);
    Ok(agents)
}
