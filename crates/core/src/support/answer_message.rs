//! One message to the system agent: answered and settled in one transaction, so that it is answered once, whoever else
//! tries and whatever crashes.

use std::fmt::Write as _;
use std::sync::Arc;

use agentchat_protocol::id::{ConversationId, EscalationId, MessageId};
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::text_of;
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{MessageRow, NewEscalation};
use agentchat_store::{StoreError, Tx, Write};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::guards::{Attention, attention};
use super::understand::{Wish, understand};
use super::words::{Facts, NOTICE};
use crate::messages::{SendDirect, SendLimits, Sent, kind_of};
use crate::{Error, Verdict};

/// Bytes of an answer, with much room.
const LONGEST: usize = 32_768;

/// Answers a message that waits for the system agent, if it is to be answered, and settles it.
#[derive(Debug, Clone)]
pub struct AnswerMessage {
    /// The system agent.
    pub desk: AgentKey,
    /// What waits.
    pub message: MessageId,
    pub facts: Arc<Facts>,
    /// The report's id, should it be one.
    pub escalation: EscalationId,
    /// The answer's id.
    pub answer: MessageId,
    pub now: Timestamp,
    pub limits: SendLimits,
}

impl Write for AnswerMessage {
    /// The answer, if one was sent.
    type Out = Option<Sent>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Sent>, Error> {
        let Some(row) = self.waiting(tx).await? else { return Ok(None) };
        if row.group.is_none() {
            tx.lock_conversation(ConversationId::direct(row.conversation_id));
        }
        tx.lock_inboxes(&[self.desk, row.sender]);
        // Another node may have been faster.
        let Some(row) = self.waiting(tx).await? else { return Ok(None) };
        let sent = match self.reply(tx, &row).await? {
            Some(text) => self.send(tx, &row, &text).await?,
            None => None,
        };
        let settled = tx.settle(self.desk, row.key, self.now.as_millis()).await?;
        tx.count_settled(self.desk, i64::from(settled)).await?;
        Ok(sent)
    }
}

impl AnswerMessage {
    async fn waiting(&self, tx: &mut Tx<'_>) -> Result<Option<MessageRow>, Error> {
        let row = tx.message_by_id(self.desk, &self.message.bytes(), self.now.as_millis()).await?;
        let waits = |row: &MessageRow| {
            let envelope = row.envelope.filter(|envelope| envelope.recipient == Some(self.desk));
            envelope.is_some_and(|envelope| !envelope.delivered && !envelope.expired)
        };
        Ok(row.filter(waits))
    }

    /// What is said to it; a report is stored on the way.
    async fn reply(&self, tx: &mut Tx<'_>, row: &MessageRow) -> Result<Option<String>, Error> {
        let Some(text) = text(row) else { return Ok(None) };
        match attention(tx, self.desk, row, self.now).await? {
            Attention::None => Ok(None),
            Attention::Notice => Ok(Some(NOTICE.to_owned())),
            Attention::Answer => {
                let wish = understand(&text);
                self.keep_report(tx, row, &wish).await?;
                Ok(Some(self.facts.answer(&wish, self.escalation)))
            }
        }
    }

    async fn keep_report(&self, tx: &mut Tx<'_>, row: &MessageRow, wish: &Wish) -> Result<(), Error> {
        let Wish::Report { category, summary } = wish else { return Ok(()) };
        let report = NewEscalation {
            id: &self.escalation.bytes(),
            agent: row.sender,
            conversation: row.conversation,
            message: row.key,
            category: category.as_str(),
            summary,
            created_at: self.now.as_millis(),
        };
        Ok(tx.insert_escalation(report).await?)
    }

    /// Sends it as any agent would; who cannot be answered is not.
    async fn send(&self, tx: &mut Tx<'_>, row: &MessageRow, text: &str) -> Result<Option<Sent>, Error> {
        let conversation = ConversationId::direct(row.conversation_id);
        let client_msg_id = reply_id(&self.message.to_string(), text);
        let body = json!({
            "conversation_id": conversation, "client_msg_id": client_msg_id, "content": { "text": text }
        });
        let request = SendRequest::parse(body.to_string().as_bytes(), LONGEST)
            .map_err(|error| StoreError::Internal(format!("an answer that cannot be sent: {error:?}")))?;
        let send = SendDirect {
            sender: self.desk,
            request,
            client_msg_id,
            now: self.now,
            message_id: self.answer,
            conversation_id: [0; 16],
            verdict: Verdict::Granted,
            limits: self.limits,
        };
        match send.run(tx).await {
            Ok(sent) => Ok(Some(sent)),
            Err(Error::Rejected(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What a direct message of an agent says.
fn text(row: &MessageRow) -> Option<String> {
    let kind = kind_of(row.kind);
    if row.group.is_some() || kind == agentchat_protocol::message::MessageType::System {
        return None;
    }
    let text = text_of(&RawJson::from_checked(row.content.clone()))?;
    (!text.trim().is_empty()).then_some(text)
}

/// The `client_msg_id` of what the system agent says because of `source`: the same thing is never said twice.
pub fn reply_id(source: &str, text: &str) -> String {
    let hash = Sha256::new().chain_update(source).chain_update(text).finalize();
    hash[..16].iter().fold("cf_".to_owned(), |mut id, byte| {
        let _infallible = write!(id, "{byte:02x}");
        id
    })
}
