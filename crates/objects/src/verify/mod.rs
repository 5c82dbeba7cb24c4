//! Whether an upload is what was declared: looked at chunk by chunk, never whole.

mod json;
mod signature;
mod text;

use sha2::{Digest, Sha256};

use json::JsonCheck;
use signature::{HEAD, Signature};
use text::TextCheck;

/// What an upload was said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
    /// One of the contract's media types.
    pub content_type: String,
}

/// What of a declaration an upload does not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    Size,
    Sha256,
    ContentType,
}

impl Mismatch {
    /// The declaration's field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Sha256 => "sha256",
            Self::ContentType => "content_type",
        }
    }
}

/// Looks at an upload as it comes.
///
/// ```
/// use agentchat_objects::{Declaration, Mismatch, Verifier};
/// let declared = Declaration { size: 3, sha256: [0; 32], content_type: "text/plain".into() };
/// let mut verifier = Verifier::new(&declared);
/// verifier.push(b"abc").unwrap();
/// assert_eq!(verifier.finish(), Err(Mismatch::Sha256));
/// ```
#[derive(Debug)]
pub struct Verifier {
    declared: Declaration,
    seen: u64,
    hash: Sha256,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// The first bytes say it.
    Signed(Signature, Vec<u8>),
    Text(TextCheck),
    Json(Box<JsonCheck>, TextCheck),
    /// A type that nothing is.
    Unknown,
}

impl Verifier {
    /// Holds an upload against `declared`.
    pub fn new(declared: &Declaration) -> Self {
        let content = match declared.content_type.as_str() {
            "application/json" => Content::Json(Box::default(), TextCheck::default()),
            "text/plain" | "text/markdown" | "text/csv" => Content::Text(TextCheck::default()),
            other => Signature::of(other).map_or(Content::Unknown, |kind| Content::Signed(kind, Vec::new())),
        };
        Self { declared: declared.clone(), seen: 0, hash: Sha256::new(), content }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// They are more than was declared; nothing else matters then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Mismatch> {
        self.seen += bytes.len() as u64;
        if self.seen > self.declared.size {
            return Err(Mismatch::Size);
        }
        self.hash.update(bytes);
        self.content.push(bytes);
        Ok(())
    }

    /// There are no more.
    ///
    /// # Errors
    /// The first field that they do not keep: size, hash, type.
    pub fn finish(self) -> Result<(), Mismatch> {
        if self.seen != self.declared.size {
            return Err(Mismatch::Size);
        }
        if <[u8; 32]>::from(self.hash.finalize()) != self.declared.sha256 {
            return Err(Mismatch::Sha256);
        }
        if self.content.is_right() { Ok(()) } else { Err(Mismatch::ContentType) }
    }
}

impl Content {
    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Signed(_, head) => head.extend(bytes.iter().take(HEAD - head.len().min(HEAD))),
            Self::Text(text) => text.push(bytes),
            Self::Json(json, text) => {
                text.push(bytes);
                json.push(bytes);
            }
            Self::Unknown => {}
        }
    }

    fn is_right(&self) -> bool {
        match self {
            Self::Signed(kind, head) => kind.begins(head),
            Self::Text(text) => text.is_right(),
            Self::Json(json, text) => text.is_right() && json.is_right(),
            Self::Unknown => false,
        }
    }
}
