//! A request to send a message, read in one pass over its bytes.
//!
//! Nothing is parsed into a tree: content and metadata are checked and rewritten compactly while they are
//! passed, and the same text is later stored, hashed and pushed.

mod content;
mod draft;

use self::draft::Draft;
use crate::handle::Handle;
use crate::id::ConversationId;
use crate::json::RawJson;
use crate::message::MessageType;
use crate::scan::{Fault, Scanner};
use crate::timestamp::Timestamp;
use crate::trace::TraceContext;
use crate::validate::FieldErrors;

/// The most bytes of compact content and metadata that one message may have, unless configured.
pub const DEFAULT_LIMIT: usize = 32_768;

/// The longest `client_msg_id` and `request_id`, in characters.
pub const MAX_ID_LENGTH: usize = 128;

/// What a sender asks for, checked; who it is for is not resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// The recipient as written: a malformed handle is just nobody's. Exactly one of this and `conversation_id` is set.
    pub to: Option<String>,
    /// The conversation. A malformed id with a right prefix reads as [`ConversationId::nowhere`].
    pub conversation_id: Option<ConversationId>,
    /// The sender's own id; where it is missing, an `Idempotency-Key` header must supply it.
    pub client_msg_id: Option<String>,
    /// Never `system`.
    pub kind: MessageType,
    /// Compact, only `text`, `data` and `attachment_id`.
    pub content: RawJson,
    /// `content.text`, decoded.
    pub text: Option<String>,
    /// `content.attachment_id`.
    pub attachment_id: Option<String>,
    /// Compact; `None` when it was not sent.
    pub metadata: Option<RawJson>,
    /// Bytes of content and metadata together.
    pub size: usize,
    /// When it leaves the queue by itself; whether that is a time it may have is not judged.
    pub expires_at: Option<Timestamp>,
    /// SHA-256 over the canonical JSON of `{type, content, metadata}`, and of `expires_at` when it was sent; metadata
    /// not sent counts as `{}`.
    pub payload_hash: [u8; 32],
    /// Who the text mentions.
    pub mentions: Vec<Handle>,
    /// What the headers say of the trace it belongs to; not part of the body, so never set by parsing.
    pub trace: Option<TraceContext>,
    /// What a socket's answer refers to; always there after [`SendRequest::parse_frame`].
    pub request_id: Option<String>,
}

/// Why a send request cannot be considered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not parsable, or against the schema: `VALIDATION_ERROR`.
    #[error("invalid request")]
    Invalid(FieldErrors),
    /// Content and metadata are too big: `CONTENT_TOO_LARGE`. Only said of a request that is valid otherwise.
    #[error("content and metadata take {size} bytes, {limit} at most")]
    TooLarge {
        /// The most bytes allowed.
        limit: usize,
        /// The bytes found.
        size: usize,
    },
}

impl From<Fault> for SendError {
    fn from(fault: Fault) -> Self {
        Self::Invalid(FieldErrors::of_form(format!("Invalid JSON: {fault}")))
    }
}

impl SendRequest {
    /// Reads the body of `POST /v1/messages`; `limit` is the most bytes of content and metadata.
    ///
    /// A missing `client_msg_id` is no error here: see [`SendRequest::parse_with_key`].
    pub fn parse(body: &[u8], limit: usize) -> Result<Self, SendError> {
        Self::read_body(body)?.finish(limit, false)
    }

    /// The same, for a caller that knows the `Idempotency-Key` header: it supplies a missing `client_msg_id`, and
    /// without either the field is reported as required, before the size is looked at.
    ///
    /// The key's own pattern is the caller's to check, and only where the body has no `client_msg_id`.
    pub fn parse_with_key(body: &[u8], limit: usize, key: Option<&str>) -> Result<Self, SendError> {
        let mut draft = Self::read_body(body)?;
        if let Some(key) = key {
            draft.supply_client_msg_id(key);
        }
        draft.finish(limit, true)
    }

    /// Reads a `message.send` frame, members top-level or under `payload` (top-level wins; the message's own
    /// `type` only under `payload`). `request_id` and `client_msg_id` are required.
    pub fn parse_frame(frame: &[u8], limit: usize) -> Result<Self, SendError> {
        let mut scanner = Scanner::of_bytes(frame)?;
        let mut draft = Draft::default();
        scanner.object(|scanner, key| draft.frame_member(scanner, key))?;
        scanner.end()?;
        let mut draft = draft.with_payload();
        draft.require_request_id();
        draft.finish(limit, true)
    }

    fn read_body(body: &[u8]) -> Result<Draft<'_>, Fault> {
        let mut scanner = Scanner::of_bytes(body)?;
        let mut draft = Draft::default();
        scanner.object(|scanner, key| draft.member(scanner, key))?;
        scanner.end()?;
        Ok(draft)
    }
}
