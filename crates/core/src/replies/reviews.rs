//! `PUT /v1/pending-reviews`.

use agentchat_protocol::review::PendingReviews;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{StoreError, Tx, Write};

use crate::Error;

/// How long an installation that is not heard of is remembered.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Replaces everything an installation waits to have reviewed.
#[derive(Debug, Clone)]
pub struct KeepReviews {
    pub agent: AgentKey,
    pub reviews: PendingReviews,
    pub now: Timestamp,
}

impl Write for KeepReviews {
    /// How many they are now.
    type Out = usize;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<usize, Error> {
        tx.may_be_lost();
        let PendingReviews { installation, reviews } = &self.reviews;
        let list = serde_json::to_string(reviews).map_err(|error| StoreError::Internal(error.to_string()))?;
        tx.put_pending_reviews(self.agent, installation, &list, self.now.as_millis() + KEPT_MS).await?;
        Ok(reviews.len())
    }
}
