//! Attachments: the request for a slot, and what the wire says of them.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::id::{AttachmentId, ConversationId, ConversationKind};
use crate::validate::{FieldErrors, Object, text};

/// Characters of a file's name.
pub const MAX_FILENAME: usize = 255;

/// The media types an attachment may have.
pub const CONTENT_TYPES: [&str; 14] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "application/json",
    "text/plain",
    "text/markdown",
    "text/csv",
    "audio/mpeg",
    "audio/wav",
    "audio/ogg",
    "video/mp4",
    "video/webm",
];

/// For whom a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadTarget {
    /// One agent; `None` when what was sent is no handle, and so nobody's.
    Agent(Option<Handle>),
    /// The members of a group.
    Group(ConversationId),
}

/// A request for a slot to upload into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// For whom.
    pub target: UploadTarget,
    /// What the file is called.
    pub filename: String,
    /// One of [`CONTENT_TYPES`].
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Of the bytes.
    pub sha256: [u8; 32],
}

impl NewUpload {
    /// Reads the body of `POST /v1/uploads`; a file may have `most` bytes.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(body: &[u8], most: u64) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let target = target(&body, &mut errors);
        let filename = body.req_str("filename", &mut errors).map(filename);
        let filename = filename.and_then(|checked| keep(&body, "filename", checked, &mut errors));
        let content_type =
            body.req_str("content_type", &mut errors).map(|given| match CONTENT_TYPES.contains(&given) {
                true => Ok(given.to_owned()),
                false => Err("Expected one of the allowed media types"),
            });
        let content_type = content_type.and_then(|checked| keep(&body, "content_type", checked, &mut errors));
        let size = body.req_int("size", &mut errors).and_then(|given| {
            let size = u64::try_from(given).ok().filter(|size| (1..=most).contains(size));
            if size.is_none() {
                body.reject("size", format!("Expected 1 to {most} bytes"), &mut errors);
            }
            size
        });
        let sha256 = body.req_str("sha256", &mut errors).map(|given| digest(given).ok_or("Expected 64 lower-case hex"));
        let sha256 = sha256.and_then(|checked| keep(&body, "sha256", checked, &mut errors));
        errors.into_result()?;
        match (target, filename, content_type, size, sha256) {
            (Some(target), Some(filename), Some(content_type), Some(size), Some(sha256)) => {
                Ok(Self { target, filename, content_type, size, sha256 })
            }
            _ => Err(FieldErrors::of_form("Incomplete request")),
        }
    }
}

fn keep<T>(body: &Object, name: &str, checked: Result<T, &'static str>, errors: &mut FieldErrors) -> Option<T> {
    checked.map_err(|problem| body.reject(name, problem, errors)).ok()
}

fn target(body: &Object, errors: &mut FieldErrors) -> Option<UploadTarget> {
    match (body.opt_str("to", errors), body.opt_str("conversation_id", errors)) {
        (Some(to), None) => Some(UploadTarget::Agent(Handle::parse(to).ok())),
        (None, Some(id)) => group(body, id, errors).map(UploadTarget::Group),
        // What is there is not even a string.
        (None, None) if !errors.is_empty() => None,
        _ => {
            errors.form("Exactly one of to and conversation_id is required");
            None
        }
    }
}

/// A malformed id of a group names none.
fn group(body: &Object, id: &str, errors: &mut FieldErrors) -> Option<ConversationId> {
    if !id.starts_with("grp_") {
        body.reject("conversation_id", "Must start with grp_", errors);
        return None;
    }
    Some(id.parse().unwrap_or_else(|_| ConversationId::nowhere(ConversationKind::Group)))
}

fn filename(given: &str) -> Result<String, &'static str> {
    let name = text::single_line(given, MAX_FILENAME)?;
    if name.is_empty() {
        return Err("Must not be empty");
    }
    if name.contains(['/', '\\']) {
        return Err("Must not contain / or \\");
    }
    Ok(name)
}

/// The 32 bytes of 64 lower-case hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// An empty slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadSlot {
    /// What messages refer to.
    pub attachment_id: AttachmentId,
    /// Where to PUT the bytes, without an API key.
    pub upload_url: String,
    /// Seconds for which the URL works.
    pub expires_in: u64,
}

/// The bytes arrived and are what was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Uploaded {
    /// Always true.
    pub ok: bool,
    /// What messages refer to.
    pub attachment_id: AttachmentId,
}

/// What was declared of a file, and found to be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttachmentInfo {
    /// What it is called.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Of the bytes, in lower-case hexadecimal digits.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn parse(to: &str, rest: &str) -> Result<NewUpload, String> {
        let body =
            format!(r#"{{{to}"filename":"a.txt","content_type":"text/plain","size":4,"sha256":"{DIGEST}"{rest}}}"#);
        NewUpload::parse(body.as_bytes(), 10).map_err(|errors| errors.into_details().to_string())
    }

    #[test]
    fn a_slot_is_for_one_agent_or_one_group() {
        assert_eq!(parse(r#""to":"@Bob","#, "").unwrap().target, UploadTarget::Agent(Handle::parse("bob").ok()));
        assert_eq!(parse(r#""to":"No!","conversation_id":null,"#, "").unwrap().target, UploadTarget::Agent(None));
        let group = parse(r#""conversation_id":"grp_01KF0FV2EWF5WA0HM5ZD1QSCP7","#, "").unwrap();
        assert!(matches!(group.target, UploadTarget::Group(id) if id.is_group()));
        assert!(matches!(parse(r#""conversation_id":"grp_","#, "").unwrap().target, UploadTarget::Group(_)));
        for wrong in ["", r#""to":"bob","conversation_id":"grp_1","#] {
            assert!(parse(wrong, "").unwrap_err().contains(r#""formErrors":["Exactly one"#), "{wrong}");
        }
        let direct = parse(r#""conversation_id":"conv_01KF0FV2EWF5WA0HM5ZD1QSCP7","#, "").unwrap_err();
        assert!(direct.contains("conversation_id"), "{direct}");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let upper = DIGEST.to_uppercase();
        for (wrong, field) in [
            (r#","size":0"#.to_owned(), "size"),
            (r#","size":11"#.to_owned(), "size"),
            (r#","size":1.5"#.to_owned(), "size"),
            (r#","filename":" ""#.to_owned(), "filename"),
            (r#","filename":"a/b""#.to_owned(), "filename"),
            (r#","filename":"a\\b""#.to_owned(), "filename"),
            (r#","content_type":"text/html""#.to_owned(), "content_type"),
            (format!(r#","sha256":"{upper}""#), "sha256"),
            (r#","sha256":"00""#.to_owned(), "sha256"),
        ] {
            let answer = parse(r#""to":"bob","#, &wrong).unwrap_err();
            assert!(answer.contains(&format!(r#""{field}":["#)), "{wrong}: {answer}");
        }
    }
}
