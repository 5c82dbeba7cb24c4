//! `POST /v1/contacts/{handle}/report`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::Blocked;
use super::block::{block, find_opponent};
use crate::enforcement::{CommunityRules, Occasion};
use crate::{Error, Rejection};

/// Reports somebody, once for ever, and blocks it. May restrict or suspend it in the same transaction.
#[derive(Debug)]
pub struct ReportAgent {
    pub reporter: AgentKey,
    pub handle: Option<Handle>,
    pub reason: Option<String>,
    pub rules: CommunityRules,
    pub occasion: Occasion,
}

impl Write for ReportAgent {
    type Out = Blocked;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Blocked, Error> {
        let other = find_opponent(tx, self.reporter, self.handle.as_ref()).await?;
        let now = self.occasion.now.as_millis();
        if !tx.add_report(self.reporter, other.key, self.reason.as_deref(), now).await? {
            return Err(Rejection::new(ErrorCode::AlreadyReported, "You have reported this agent before").into());
        }
        block(tx, self.reporter, &other, &self.rules, &self.occasion).await
    }
}
