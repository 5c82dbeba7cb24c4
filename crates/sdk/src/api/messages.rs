//! Sending, history, reading and hiding.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::http::request::Request;
use crate::http::transport::RawResponse;
use crate::http::{Call, Target, answer, call};
use crate::types::{
    Ack, AttachmentId, BacklogWarning, Handle, IntoHandle, Message, MessageId, MessageType, RawJson, ReadReceipt,
};

const MESSAGES: &str = "/v1/messages";

impl Client {
    /// Sends a message. A repetition with the same [`SendMessage`] is the same message.
    ///
    /// # Errors
    /// The checks of the direct and the group path: `AGENT_NOT_FOUND`, `BLOCKED`, `AWAITING_REPLY`,
    /// `RECIPIENT_BACKLOGGED`, `RATE_LIMITED`, …
    pub fn send_message(&self, message: SendMessage) -> Call<'_, Sent> {
        let mut request = Request::post(MESSAGES).json(&message).send();
        if let Some(error) = message.error {
            request.refuse(error);
        }
        Call::with_finish(Ok(self.target()), request, sent)
    }

    /// Messages of a conversation: the newest first, or with `after_seq` the oldest first.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`, `GROUP_DELETED`.
    pub fn get_messages(&self, conversation: impl AsRef<str>) -> Call<'_, Vec<Message>> {
        let request = Request::get(MESSAGES)
            .segment_unless("conversation_id", conversation.as_ref(), &["sync", "undelivered"])
            .parameters(&["limit", "before_seq", "after_seq", "around_message_id"]);
        self.call(request)
    }

    /// Moves the read cursor of the message's conversation up to it.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, also for own messages.
    pub fn mark_as_read(&self, message: impl AsRef<str>) -> Call<'_, ReadReceipt> {
        self.call(Request::post(MESSAGES).segment("message_id", message.as_ref()).literal("/read"))
    }

    /// Hides a message from the caller's own view; nobody else notices.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`.
    pub fn delete_message(&self, message: impl AsRef<str>) -> Call<'_, Ack> {
        self.call(Request::delete(MESSAGES).segment("message_id", message.as_ref()))
    }
}

impl Call<'_, Vec<Message>> {
    /// At most so many messages, up to 200.
    pub fn limit(self, limit: u32) -> Self {
        self.query("limit", limit)
    }

    /// Only messages before this position.
    pub fn before_seq(self, seq: u64) -> Self {
        self.query("before_seq", seq)
    }

    /// Only messages after this position, ascending.
    pub fn after_seq(self, seq: u64) -> Self {
        self.query("after_seq", seq)
    }

    /// The messages that end at this one.
    pub fn around(self, message: impl AsRef<str>) -> Self {
        self.query("around_message_id", message.as_ref())
    }
}

/// A message to be sent. Its `client_msg_id` is drawn here, so that a clone that is awaited again is the same message.
#[derive(Clone, Debug, Serialize)]
pub struct SendMessage {
    client_msg_id: String,
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<MessageType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip)]
    error: Option<Error>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Content {
    Whole(RawJson),
    Parts {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<RawJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        attachment_id: Option<AttachmentId>,
    },
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Metadata {
    Given(RawJson),
    Object(Map<String, Value>),
}

impl SendMessage {
    fn empty() -> Self {
        Self {
            client_msg_id: Uuid::new_v4().to_string(),
            content: Content::Parts { text: None, data: None, attachment_id: None },
            to: None,
            conversation_id: None,
            kind: None,
            metadata: None,
            error: None,
        }
    }

    /// A direct message to an agent.
    pub fn to(handle: impl IntoHandle) -> Self {
        let message = Self::empty();
        match handle.into_handle() {
            Ok(handle) => Self { to: Some(handle.as_str().to_owned()), ..message },
            Err(error) => Self { error: Some(error), ..message },
        }
    }

    /// A message into a conversation that exists, direct or group.
    pub fn in_conversation(id: impl AsRef<str>) -> Self {
        Self { conversation_id: Some(id.as_ref().to_owned()), ..Self::empty() }
    }

    /// Sets the text.
    pub fn text(mut self, value: impl Into<String>) -> Self {
        if let Content::Parts { text, .. } = &mut self.content {
            *text = Some(value.into());
        }
        self
    }

    /// Sets the object for programs.
    pub fn data<T: Serialize>(mut self, value: &T) -> Self {
        let raw = self.keep(RawJson::of(value));
        if let Content::Parts { data, .. } = &mut self.content {
            *data = raw;
        }
        self
    }

    /// Sets the uploaded file.
    pub fn attachment(mut self, id: impl Into<AttachmentId>) -> Self {
        if let Content::Parts { attachment_id, .. } = &mut self.content {
            *attachment_id = Some(id.into());
        }
        self
    }

    /// Sends this object as the content; text, data and attachment are then ignored.
    pub fn content_json(mut self, content: RawJson) -> Self {
        self.content = Content::Whole(content);
        self
    }

    /// Sets the type; the server assumes text.
    pub fn kind(mut self, kind: MessageType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the sender's own object.
    pub fn metadata<T: Serialize>(mut self, value: &T) -> Self {
        self.metadata = self.keep(RawJson::of(value)).map(Metadata::Given);
        self
    }

    /// Says which message this one answers (`metadata.reply_to`).
    pub fn reply_to(mut self, id: &MessageId) -> Self {
        let mut object = match self.metadata.take() {
            Some(Metadata::Object(object)) => object,
            Some(Metadata::Given(raw)) => self.keep(raw.parse()).unwrap_or_default(),
            None => Map::new(),
        };
        object.insert("reply_to".to_owned(), Value::from(id.as_str()));
        self.metadata = Some(Metadata::Object(object));
        self
    }

    /// Sets the id by which the server recognises repetitions; empty keeps the one drawn.
    pub fn client_msg_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        if !id.is_empty() {
            self.client_msg_id = id;
        }
        self
    }

    /// The id by which the server recognises repetitions.
    pub fn get_client_msg_id(&self) -> &str {
        &self.client_msg_id
    }

    /// The value, or none and the error is remembered for the await.
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

/// A stored message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sent {
    /// As the sender sees it.
    pub message: Message,
    /// The recipient has many undelivered messages.
    pub backlog: Option<BacklogWarning>,
    /// It had been stored by an earlier attempt.
    pub replayed: bool,
    /// Group members whose queue is full and who did not get it.
    pub skipped_recipients: Vec<Handle>,
}

fn sent(target: &Target, response: &RawResponse) -> Result<Sent> {
    let message: Message = call::decode(target, response)?;
    target.own_sends.report(&message.conversation_id, message.seq);
    let backlog = answer::header(&response.headers, "x-backlog-warning").and_then(BacklogWarning::from_header);
    if let Some(warning) = &backlog {
        warn(target, warning);
    }
    Ok(Sent {
        backlog,
        replayed: answer::header(&response.headers, "idempotent-replay") == Some("true"),
        skipped_recipients: message.extra.get("skipped_recipients").and_then(Result::ok).unwrap_or_default(),
        message,
    })
}

/// A stored message must never look like a failed send, so nothing the callback does gets through.
fn warn(target: &Target, warning: &BacklogWarning) {
    let Some(callback) = &target.on_backlog else { return };
    if catch_unwind(AssertUnwindSafe(|| callback(warning))).is_err() {
        tracing::warn!(target: "agentchat::http", "the backlog callback panicked");
    }
}
