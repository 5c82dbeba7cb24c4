//! The members of a send request as they are met, the last of equal keys winning, judged at the end.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::content::{self, Complaint, Content, Payload};
use super::{MAX_ID_LENGTH, SendError, SendRequest};
use crate::id::{ConversationId, ConversationKind};
use crate::json::RawJson;
use crate::mentions;
use crate::message::MessageType;
use crate::scan::compact::canonical;
use crate::scan::{Fault, Literal, Scanner, Skip};
use crate::timestamp::Timestamp;
use crate::validate::text::is_disturbing;
use crate::validate::{FieldErrors, REQUIRED};

/// A member that should be a string: `None` until met, and when it is `null`.
type Text<'a> = Option<Result<Cow<'a, str>, &'static str>>;

#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    to: Text<'a>,
    conversation_id: Text<'a>,
    client_msg_id: Text<'a>,
    kind: Text<'a>,
    expires_at: Text<'a>,
    request_id: Text<'a>,
    content: Option<Result<Content<'a>, Complaint>>,
    metadata: Option<Result<Payload, Complaint>>,
    payload: Option<Box<Draft<'a>>>,
    needs_request_id: bool,
}

impl<'a> Draft<'a> {
    /// Takes one member of a body.
    pub(super) fn member(&mut self, scanner: &mut Scanner<'a>, key: Literal<'a>) -> Result<(), Fault> {
        match key.decode().as_ref() {
            "to" => self.to = string(scanner)?,
            "conversation_id" => self.conversation_id = string(scanner)?,
            "client_msg_id" => self.client_msg_id = string(scanner)?,
            "type" => self.kind = string(scanner)?,
            "expires_at" => self.expires_at = string(scanner)?,
            "request_id" => self.request_id = string(scanner)?,
            "content" => self.content = content::content(scanner)?,
            "metadata" => self.metadata = content::metadata(scanner)?,
            _ => {
                scanner.value(&mut Skip::default())?;
            }
        }
        Ok(())
    }

    /// Takes one top-level member of a frame: `type` is the frame's, `payload` may hold the others.
    pub(super) fn frame_member(&mut self, scanner: &mut Scanner<'a>, key: Literal<'a>) -> Result<(), Fault> {
        if key.is("type") {
            scanner.value(&mut Skip::default())?;
            return Ok(());
        }
        if !key.is("payload") {
            return self.member(scanner, key);
        }
        self.payload = None;
        if scanner.peek() != Some(b'{') {
            scanner.value(&mut Skip::default())?;
            return Ok(());
        }
        let mut inner = Box::<Draft<'a>>::default();
        scanner.object(|scanner, key| inner.member(scanner, key))?;
        self.payload = Some(inner);
        Ok(())
    }

    /// Fills what the top level of a frame left open from its payload.
    pub(super) fn with_payload(mut self) -> Self {
        let Some(inner) = self.payload.take().map(|inner| *inner) else {
            return self;
        };
        Self {
            to: self.to.or(inner.to),
            conversation_id: self.conversation_id.or(inner.conversation_id),
            client_msg_id: self.client_msg_id.or(inner.client_msg_id),
            kind: inner.kind,
            expires_at: self.expires_at.or(inner.expires_at),
            request_id: self.request_id.or(inner.request_id),
            content: self.content.or(inner.content),
            metadata: self.metadata.or(inner.metadata),
            payload: None,
            needs_request_id: false,
        }
    }

    pub(super) fn supply_client_msg_id(&mut self, key: &str) {
        if self.client_msg_id.is_none() {
            self.client_msg_id = Some(Ok(Cow::Owned(key.to_owned())));
        }
    }

    pub(super) fn require_request_id(&mut self) {
        self.needs_request_id = true;
    }

    /// Judges everything: all complaints first, then the size.
    pub(super) fn finish(self, limit: usize, needs_client_msg_id: bool) -> Result<SendRequest, SendError> {
        let mut errors = FieldErrors::default();
        if self.to.is_some() == self.conversation_id.is_some() {
            errors.form("Exactly one of to and conversation_id is required");
        }
        let to = text("to", self.to, &mut errors);
        let conversation_id = text("conversation_id", self.conversation_id, &mut errors);
        let conversation_id = conversation_id.and_then(|id| conversation(&id, &mut errors));
        if needs_client_msg_id && self.client_msg_id.is_none() {
            errors.field("client_msg_id", REQUIRED);
        }
        let client_msg_id = text("client_msg_id", self.client_msg_id, &mut errors);
        check_client_msg_id(client_msg_id.as_deref(), &mut errors);
        if self.needs_request_id && self.request_id.is_none() {
            errors.field("request_id", REQUIRED);
        }
        let request_id = text("request_id", self.request_id, &mut errors);
        check_id("request_id", request_id.as_deref(), &mut errors);
        let kind = kind(text("type", self.kind, &mut errors), &mut errors);
        let expires_at = text("expires_at", self.expires_at, &mut errors).and_then(|at| time(&at, &mut errors));
        let content = content_of(self.content, &mut errors);
        let metadata = accept(self.metadata, &mut errors);
        let (Some(content), true) = (content, errors.is_empty()) else {
            return Err(SendError::Invalid(errors));
        };
        let size = content.payload.text.len() + metadata.as_ref().map_or(0, |metadata| metadata.text.len());
        if size > limit {
            return Err(SendError::TooLarge { limit, size });
        }
        let payload_hash = hash(&kind, &content.payload, metadata.as_ref(), expires_at)?;
        Ok(SendRequest {
            to: to.map(Cow::into_owned),
            conversation_id,
            client_msg_id: client_msg_id.map(Cow::into_owned),
            kind,
            mentions: content.text.as_deref().map(mentions::find).unwrap_or_default(),
            trace: None,
            text: content.text.map(Cow::into_owned),
            attachment_id: content.attachment_id.map(Cow::into_owned),
            content: RawJson::from_checked(content.payload.text),
            metadata: metadata.map(|metadata| RawJson::from_checked(metadata.text)),
            size,
            expires_at,
            payload_hash,
            request_id: request_id.map(Cow::into_owned),
        })
    }
}

fn string<'a>(scanner: &mut Scanner<'a>) -> Result<Text<'a>, Fault> {
    if scanner.peek() == Some(b'"') {
        return Ok(Some(Ok(scanner.string()?.decode())));
    }
    let raw = scanner.value(&mut Skip::default())?;
    Ok((raw != "null").then_some(Err("Expected a string")))
}

fn text<'a>(name: &str, text: Text<'a>, errors: &mut FieldErrors) -> Option<Cow<'a, str>> {
    text?.map_err(|complaint| errors.field(name, complaint)).ok()
}

fn time(text: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
    text.parse().map_err(|_| errors.field("expires_at", "Expected an RFC 3339 time")).ok()
}

fn conversation(id: &str, errors: &mut FieldErrors) -> Option<ConversationId> {
    let Some(kind) = ConversationKind::of_id(id) else {
        errors.field("conversation_id", "Must start with grp_ or conv_");
        return None;
    };
    Some(id.parse().unwrap_or(ConversationId::nowhere(kind)))
}

fn check_client_msg_id(id: Option<&str>, errors: &mut FieldErrors) {
    check_id("client_msg_id", id, errors);
    if id.is_some_and(|id| id.starts_with("sys_")) {
        errors.field("client_msg_id", "Must not start with sys_");
    }
}

/// 1–128 printable characters.
fn check_id(name: &str, id: Option<&str>, errors: &mut FieldErrors) {
    let Some(id) = id else { return };
    if id.is_empty() || id.chars().count() > MAX_ID_LENGTH {
        errors.field(name, "Must have 1 to 128 characters");
    }
    if id.chars().any(is_disturbing) {
        errors.field(name, "Must be printable");
    }
}

fn kind(word: Option<Cow<'_, str>>, errors: &mut FieldErrors) -> MessageType {
    match word.as_deref().map(MessageType::known) {
        None => MessageType::Text,
        Some(Some(kind)) if kind != MessageType::System => kind,
        Some(_) => {
            errors.field("type", "Must be text, structured or file");
            MessageType::Text
        }
    }
}

fn content_of<'a>(content: Option<Result<Content<'a>, Complaint>>, errors: &mut FieldErrors) -> Option<Content<'a>> {
    if content.is_none() {
        errors.field("content", REQUIRED);
    }
    accept(content, errors)
}

fn accept<T>(value: Option<Result<T, Complaint>>, errors: &mut FieldErrors) -> Option<T> {
    value?.map_err(|(field, complaint)| errors.field(field, complaint)).ok()
}

/// SHA-256 over `{"content":…,"metadata":…,"type":…}`, keys sorted at every level; `"expires_at"` too when it is set.
fn hash(
    kind: &MessageType,
    content: &Payload,
    metadata: Option<&Payload>,
    expires_at: Option<Timestamp>,
) -> Result<[u8; 32], Fault> {
    let mut hasher = Sha256::new();
    hasher.update(r#"{"content":"#);
    hasher.update(canonical_of(content)?.as_bytes());
    if let Some(at) = expires_at {
        hasher.update(format!(r#","expires_at":"{at}""#));
    }
    hasher.update(r#","metadata":"#);
    match metadata {
        Some(metadata) => hasher.update(canonical_of(metadata)?.as_bytes()),
        None => hasher.update("{}"),
    }
    hasher.update(r#","type":""#);
    hasher.update(kind.as_str());
    hasher.update(r#""}"#);
    Ok(hasher.finalize().into())
}

fn canonical_of(payload: &Payload) -> Result<Cow<'_, str>, Fault> {
    if payload.canonical { Ok(Cow::Borrowed(&payload.text)) } else { canonical(&payload.text).map(Cow::Owned) }
}
