//! Who is told of presences.

use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use crate::Error;

/// Everybody who has one of these agents in its contacts and may be told, a page at a time.
#[derive(Debug, Clone)]
pub struct Audience {
    pub subjects: Vec<AgentKey>,
    /// The last pair of the page before, if there was one.
    pub after: Option<(AgentKey, AgentKey)>,
}

/// Pairs of subject and owner, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudiencePage {
    pub pairs: Vec<(AgentKey, AgentKey)>,
    /// Where the next page begins, if there may be one.
    pub next: Option<(AgentKey, AgentKey)>,
    /// Those of the owners who have webhooks that want to know.
    pub hooked: Vec<AgentKey>,
}

impl Audience {
    /// Pairs of one page.
    pub const MOST: usize = 1_000;
}

impl Read for Audience {
    type Out = AudiencePage;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AudiencePage, Error> {
        let after = self.after.unwrap_or((AgentKey(0), AgentKey(0)));
        let pairs = tx.presence_audience(&self.subjects, after, Self::MOST as i64).await?;
        let next = pairs.last().copied().filter(|_| pairs.len() == Self::MOST);
        let owners: Vec<AgentKey> = pairs.iter().map(|(_, owner)| *owner).collect();
        let event = WebhookEvent::PresenceUpdate.bit();
        let hooked = if owners.is_empty() { Vec::new() } else { tx.agents_wanting(&owners, event).await? };
        Ok(AudiencePage { pairs, next, hooked })
    }
}
