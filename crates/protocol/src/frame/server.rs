//! What a server sends over the socket: `{"type", "payload"}`, only `hello.ok` with its members at the top level.

use serde::{Deserialize, Serialize};

use crate::error::ErrorBody;
use crate::group::{DeletedGroupInfo, GroupInvitation};
use crate::handle::Handle;
use crate::id::{ConversationId, MessageId};
use crate::json::RawJson;
use crate::message::Message;
use crate::presence::PresenceChanged;
use crate::timestamp::Timestamp;

/// The first frame of every socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloOk {
    /// Who is connected.
    pub handle: Handle,
    /// The accepted subset of what was offered.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The server's clock.
    pub server_time: Timestamp,
    /// How often the server pings.
    pub heartbeat_interval_ms: u64,
}

/// A recipient's read cursor passed a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageRead {
    /// The newest message that turned read.
    pub message_id: MessageId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Its place.
    pub seq: i64,
    /// Who read it.
    pub read_by: Handle,
    /// When.
    pub read_at: Timestamp,
    /// The same as `seq`.
    pub through_seq: i64,
    /// The same as `read_by`.
    pub reader: Handle,
    /// The same as `read_at`.
    pub at: Timestamp,
}

impl MessageRead {
    /// The event with its aliases filled in.
    pub fn new(message_id: MessageId, conversation_id: ConversationId, seq: i64, by: Handle, at: Timestamp) -> Self {
        let reader = by.clone();
        Self { message_id, conversation_id, seq, read_by: by, read_at: at, through_seq: seq, reader, at }
    }
}

/// The answer to a `message.send` that stored a message, or had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// The frame's.
    pub request_id: String,
    /// Whether it was stored by an earlier request.
    pub replay: bool,
    /// The message as its sender sees it.
    pub message: Message,
    /// Group members whose inbox is full.
    #[serde(default)]
    pub skipped_recipients: Vec<Handle>,
    /// `<handle>=<count>`, as the `X-Backlog-Warning` header.
    pub backlog_warning: Option<String>,
}

/// The answer to a `message.send` that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameFailure {
    /// The frame's; null where it had none.
    pub request_id: Option<String>,
    /// The code's word.
    pub code: String,
    /// For people.
    pub message: String,
    /// The fields that the code promises, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl FrameFailure {
    /// The answer with the body that the same request would get over HTTP.
    pub fn new(request_id: Option<String>, body: ErrorBody) -> Self {
        Self { request_id, code: body.code.as_str().into(), message: body.message, details: body.details }
    }
}

/// The answer to a `ping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The server's clock.
    pub server_time: Timestamp,
}

/// The agent's `send` budget runs low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimitWarning {
    /// `POST /v1/messages`.
    pub endpoint: String,
    /// The bucket's size.
    pub limit: u64,
    /// Whole tokens left.
    pub remaining: u64,
    /// When it is full again.
    pub reset_at: Timestamp,
    /// For people.
    pub message: String,
}

/// Another participant composes, or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who.
    pub sender: Handle,
}

/// One frame of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerFrame {
    /// Authentication succeeded.
    HelloOk(HelloOk),
    /// A message, received or (with `is_own`) the agent's own.
    MessageNew(Box<Message>),
    /// Somebody read the agent's messages.
    MessageRead(MessageRead),
    /// A `message.send` succeeded.
    MessageSent(Box<MessageSent>),
    /// A `message.send` failed.
    Error(FrameFailure),
    /// A `ping` arrived.
    Pong(Pong),
    /// The `send` budget runs low.
    RateLimitWarning(RateLimitWarning),
    /// A contact's presence changed.
    PresenceUpdate(PresenceChanged),
    /// Another participant composes.
    TypingStart(Typing),
    /// It stopped.
    TypingStop(Typing),
    /// The agent was invited into a group.
    GroupInviteReceived(Box<GroupInvitation>),
    /// A group the agent was in is gone.
    GroupDeleted(DeletedGroupInfo),
    /// An event this build does not know.
    Unknown {
        /// Its type.
        kind: String,
        /// Its payload; `{}` where it had none.
        payload: RawJson,
    },
}

/// A server frame that a client cannot make sense of, and should pass over.
#[derive(Debug, thiserror::Error)]
#[error("unreadable server frame")]
pub struct UnreadableFrame(#[from] serde_json::Error);

#[derive(Serialize)]
struct Flat<'a, T> {
    r#type: &'a str,
    #[serde(flatten)]
    members: &'a T,
}

#[derive(Serialize)]
struct Event<'a, T> {
    r#type: &'a str,
    payload: &'a T,
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    #[serde(default = "RawJson::empty_object")]
    payload: RawJson,
}

impl ServerFrame {
    /// The frame's `type`.
    pub fn kind(&self) -> &str {
        match self {
            Self::HelloOk(_) => "hello.ok",
            Self::MessageNew(_) => "message.new",
            Self::MessageRead(_) => "message.read",
            Self::MessageSent(_) => "message.sent",
            Self::Error(_) => "error",
            Self::Pong(_) => "pong",
            Self::RateLimitWarning(_) => "rate_limit.warning",
            Self::PresenceUpdate(_) => "presence.update",
            Self::TypingStart(_) => "typing.start",
            Self::TypingStop(_) => "typing.stop",
            Self::GroupInviteReceived(_) => "group.invite.received",
            Self::GroupDeleted(_) => "group.deleted",
            Self::Unknown { kind, .. } => kind,
        }
    }

    /// The frame as text. Fails only on raw JSON that is none.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::HelloOk(members) => serde_json::to_string(&Flat { r#type: self.kind(), members }),
            Self::MessageNew(payload) => self.event(payload),
            Self::MessageRead(payload) => self.event(payload),
            Self::MessageSent(payload) => self.event(payload),
            Self::Error(payload) => self.event(payload),
            Self::Pong(payload) => self.event(payload),
            Self::RateLimitWarning(payload) => self.event(payload),
            Self::PresenceUpdate(payload) => self.event(payload),
            Self::TypingStart(payload) | Self::TypingStop(payload) => self.event(payload),
            Self::GroupInviteReceived(payload) => self.event(payload),
            Self::GroupDeleted(payload) => self.event(payload),
            Self::Unknown { payload, .. } => self.event(payload),
        }
    }

    fn event<T: Serialize>(&self, payload: &T) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Event { r#type: self.kind(), payload })
    }

    /// Reads a server's frame, as a client does.
    pub fn parse(text: &str) -> Result<Self, UnreadableFrame> {
        let Envelope { r#type: kind, payload } = serde_json::from_str(text)?;
        Ok(match kind.as_str() {
            "hello.ok" => Self::HelloOk(serde_json::from_str(text)?),
            "message.new" => Self::MessageNew(payload.read()?),
            "message.read" => Self::MessageRead(payload.read()?),
            "message.sent" => Self::MessageSent(payload.read()?),
            "error" => Self::Error(payload.read()?),
            "pong" => Self::Pong(payload.read()?),
            "rate_limit.warning" => Self::RateLimitWarning(payload.read()?),
            "presence.update" => Self::PresenceUpdate(payload.read()?),
            "typing.start" => Self::TypingStart(payload.read()?),
            "typing.stop" => Self::TypingStop(payload.read()?),
            "group.invite.received" => Self::GroupInviteReceived(payload.read()?),
            "group.deleted" => Self::GroupDeleted(payload.read()?),
            _ => Self::Unknown { kind, payload },
        })
    }
}
