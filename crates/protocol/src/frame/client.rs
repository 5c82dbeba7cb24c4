//! What a client sends over the socket. Members stand at the top level or under `payload`; the top level wins.

use std::borrow::Cow;

use super::MAX_ACKS;
use crate::id::{ConversationId, MessageId};
use crate::scan::members::{self, Members};
use crate::send::{MAX_ID_LENGTH, SendError, SendRequest};

/// One frame of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame<'a> {
    /// Who the client is: the first frame of a socket without an `Authorization` header.
    Hello(Hello),
    /// Settles these messages; malformed ids were left out.
    Ack {
        /// At most 500.
        message_ids: Vec<MessageId>,
    },
    /// Moves the read cursor.
    ReadAck {
        /// Where.
        conversation_id: ConversationId,
        /// 0 or more.
        through_seq: i64,
    },
    /// The agent composes.
    TypingStart {
        /// Where.
        conversation_id: ConversationId,
    },
    /// It stopped.
    TypingStop {
        /// Where.
        conversation_id: ConversationId,
    },
    /// The agent's presence, as `PUT /v1/presence`.
    PresenceUpdate(PresenceUpdate),
    /// Wants a `pong`.
    Ping,
    /// Sends a message.
    Send(SendFrame<'a>),
}

/// A `hello`. Its key is shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The key as sent, not checked.
    pub api_key: String,
    /// What the client says it can do, unknown words included.
    pub capabilities: Vec<String>,
    /// The client's name.
    pub client: Option<String>,
    /// Its version.
    pub client_version: Option<String>,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("capabilities", &self.capabilities)
            .field("client", &self.client)
            .field("client_version", &self.client_version)
            .finish_non_exhaustive()
    }
}

/// A `presence.update`, not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceUpdate {
    /// The word as sent.
    pub status: String,
    /// The text as sent.
    pub custom_message: Option<String>,
}

/// A `message.send` whose message is read when it is its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFrame<'a> {
    /// What the answer refers to; `None` when it is missing or malformed, which [`SendFrame::request`] then reports.
    pub request_id: Option<String>,
    frame: &'a [u8],
}

impl SendFrame<'_> {
    /// Reads the message; `limit` is the most bytes of content and metadata.
    pub fn request(&self, limit: usize) -> Result<SendRequest, SendError> {
        SendRequest::parse_frame(self.frame, limit)
    }
}

/// Why a frame means nothing. After authentication such frames are ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not one JSON object.
    #[error("not a JSON object")]
    NotAnObject,
    /// No `type`, or one this build does not know.
    #[error("unknown frame type")]
    UnknownType,
    /// A member is missing or malformed.
    #[error("missing or malformed member {0}")]
    Member(&'static str),
}

impl<'a> ClientFrame<'a> {
    /// Reads a text or binary frame.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(frame: &'a T) -> Result<Self, FrameError> {
        let frame = frame.as_ref();
        let fields = Fields::parse(frame)?;
        match fields.top.get("type").and_then(members::string).as_deref() {
            Some("hello") => fields.hello().map(Self::Hello),
            Some("ack") => fields.ack(),
            Some("message.read_ack") => fields.read_ack(),
            Some("typing.start") => fields.conversation().map(|conversation_id| Self::TypingStart { conversation_id }),
            Some("typing.stop") => fields.conversation().map(|conversation_id| Self::TypingStop { conversation_id }),
            Some("presence.update") => fields.presence().map(Self::PresenceUpdate),
            Some("ping") => Ok(Self::Ping),
            Some("message.send") => Ok(Self::Send(SendFrame { request_id: fields.request_id(), frame })),
            _ => Err(FrameError::UnknownType),
        }
    }
}

struct Fields<'a> {
    top: Members<'a>,
    payload: Members<'a>,
}

impl<'a> Fields<'a> {
    fn parse(frame: &'a [u8]) -> Result<Self, FrameError> {
        let top = Members::parse(frame).map_err(|_| FrameError::NotAnObject)?;
        let payload = top.get("payload").filter(|raw| raw.starts_with('{'));
        let payload = payload.and_then(|raw| Members::parse(raw.as_bytes()).ok()).unwrap_or_default();
        Ok(Self { top, payload })
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.top.get(name).or_else(|| self.payload.get(name))
    }

    fn string(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).and_then(members::string)
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.string(name).map(Cow::into_owned)
    }

    fn hello(&self) -> Result<Hello, FrameError> {
        let capabilities = self.raw("capabilities").and_then(members::strings).unwrap_or_default();
        Ok(Hello {
            api_key: self.owned("api_key").ok_or(FrameError::Member("api_key"))?,
            capabilities: capabilities.into_iter().map(Cow::into_owned).collect(),
            client: self.owned("client"),
            client_version: self.owned("client_version"),
        })
    }

    fn ack(&self) -> Result<ClientFrame<'a>, FrameError> {
        let listed = self.raw("message_ids").and_then(members::strings).unwrap_or_default();
        if listed.len() > MAX_ACKS {
            return Err(FrameError::Member("message_ids"));
        }
        let ids = self.string("message_id").into_iter().chain(listed);
        let message_ids: Vec<MessageId> = ids.filter_map(|id| id.parse().ok()).collect();
        if message_ids.is_empty() {
            Err(FrameError::Member("message_id"))
        } else {
            Ok(ClientFrame::Ack { message_ids })
        }
    }

    fn read_ack(&self) -> Result<ClientFrame<'a>, FrameError> {
        let through_seq = self.raw("through_seq").and_then(members::integer).filter(|seq| *seq >= 0);
        Ok(ClientFrame::ReadAck {
            conversation_id: self.conversation()?,
            through_seq: through_seq.ok_or(FrameError::Member("through_seq"))?,
        })
    }

    fn conversation(&self) -> Result<ConversationId, FrameError> {
        let id = self.string("conversation_id").and_then(|id| id.parse().ok());
        id.ok_or(FrameError::Member("conversation_id"))
    }

    fn presence(&self) -> Result<PresenceUpdate, FrameError> {
        let status = self.owned("status").ok_or(FrameError::Member("status"))?;
        let said = |name| self.raw(name).filter(|raw| *raw != "null");
        let message = said("custom_message").or_else(|| said("custom_status")).map(members::string);
        match message {
            Some(None) => Err(FrameError::Member("custom_message")),
            message => Ok(PresenceUpdate { status, custom_message: message.flatten().map(Cow::into_owned) }),
        }
    }

    fn request_id(&self) -> Option<String> {
        self.owned("request_id").filter(|id| (1..=MAX_ID_LENGTH).contains(&id.chars().count()))
    }
}
