//! What a call says, as it is when it is made.

use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::message::MessageStatus;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::trace::TraceContext;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::{AgentKey, MessageKey};
use agentchat_store::tables::DueCall;
use agentchat_store::{Read, StoreError, Tx};

use crate::Error;
use crate::messages::history_row;

/// Reads what one claimed call needs.
#[derive(Debug, Clone)]
pub struct ReadCall {
    pub call: DueCall,
    pub now: Timestamp,
    pub keys: DeliveryKey,
}

/// A call that can be made. Not to be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedCall {
    pub url: String,
    /// The present secret, then the one before while it signs too.
    pub secrets: Vec<String>,
    pub event: WebhookEvent,
    /// Compact JSON.
    pub body: String,
    /// Of a message that belongs to one.
    pub trace: Option<TraceContext>,
}

impl Read for ReadCall {
    /// Or why there is nothing to say any more.
    type Out = Result<PreparedCall, &'static str>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some((url, data)) = tx.call_address(self.call.key).await? else {
            return Ok(Err("the webhook is gone"));
        };
        let Some(agent) = self.call.hook.map(|hook| hook.agent) else {
            return Ok(Err("the webhook is gone"));
        };
        let event = WebhookEvent::of_bit(self.call.event)
            .ok_or_else(|| StoreError::Internal(format!("a call says the unknown event {}", self.call.event)))?;
        let said = match self.call.message {
            Some(message) => self.message(tx, agent, message).await?,
            None => data.map(|data| (data, None)).ok_or("there is nothing to say"),
        };
        let (data, trace) = match said {
            Ok(said) => said,
            Err(void) => return Ok(Err(void)),
        };
        let timestamp = Timestamp::from_millis(self.call.created_at);
        let body = format!(r#"{{"event":"{event}","timestamp":"{timestamp}","data":{data}}}"#);
        Ok(Ok(PreparedCall { url, secrets: self.secrets(tx).await?, event, body, trace }))
    }
}

impl ReadCall {
    async fn secrets(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
        let stored = tx.webhook_secrets(self.call.webhook).await?;
        let now = self.now.as_millis();
        Ok(stored.into_iter().flat_map(|one| one.signing(now)).collect())
    }

    /// The sync row of the recipient, with its status as it was when the call was queued.
    async fn message(
        &self,
        tx: &mut Tx<'_>,
        agent: AgentKey,
        message: MessageKey,
    ) -> Result<Result<(String, Option<TraceContext>), &'static str>, Error> {
        let row = tx.message(agent, message, self.now.as_millis()).await?;
        let Some(row) = row.filter(|row| !row.content.is_empty()) else {
            return Ok(Err("the message is gone"));
        };
        if row.envelope.is_some_and(|envelope| envelope.expired) {
            return Ok(Err("the message has expired"));
        }
        let created_at = row.created_at;
        let mut row = history_row(row, agent, &self.keys)?;
        (row.status, row.delivered_at, row.read_at) = (MessageStatus::Stored, None, None);
        row.age_ms = Some((self.now.as_millis() - created_at).max(0));
        row.redelivered = Some(self.call.attempts > 0);
        let data = serde_json::to_string(&row).map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(Ok((data, row.context.trace)))
    }
}
