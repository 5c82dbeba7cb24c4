//! Error codes and the body that every failing call answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! error_codes {
    ($( #[doc = $doc:literal] $variant:ident = $word:literal, $status:literal; )+) => {
        /// Every code of the contract. Clients branch on it, then on the status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $( #[doc = $doc] $variant, )+
        }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }

            /// When it is answered: a phrase for people.
            pub const fn when(self) -> &'static str {
                match self {
                    $( Self::$variant => $doc.trim_ascii(), )+
                }
            }

            /// The HTTP status it is answered with. `OPS_AUTH_REQUIRED` is also answered 503, when no token is configured.
            pub const fn status(self) -> u16 {
                match self {
                    $( Self::$variant => $status, )+
                }
            }

            /// The code of a word; `None` for one this build does not know.
            #[expect(clippy::should_implement_trait, reason = "an unknown code is an answer, not an error")]
            pub fn from_str(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    /// Unparsable or invalid body, query or path value; self-targeting; forbidden field combination.
    ValidationError = "VALIDATION_ERROR", 400;
    /// Registration: handle malformed or reserved.
    InvalidHandle = "INVALID_HANDLE", 400;
    /// OTP pending unknown, expired, consumed, or of another flow or agent.
    Expired = "EXPIRED", 400;
    /// Wrong OTP code; any code for a masked recovery miss.
    InvalidCode = "INVALID_CODE", 400;
    /// Attachment was declared for another recipient or group.
    AttachmentWrongScope = "ATTACHMENT_WRONG_SCOPE", 400;
    /// Attachment bytes not uploaded yet.
    AttachmentNotReady = "ATTACHMENT_NOT_READY", 400;
    /// Uploaded bytes differ from the declaration.
    AttachmentMismatch = "ATTACHMENT_MISMATCH", 400;
    /// Demote: target is a plain member.
    NotAdmin = "NOT_ADMIN", 400;
    /// Demote: target is the only admin.
    LastAdmin = "LAST_ADMIN", 400;
    /// Muting oneself.
    SelfMute = "SELF_MUTE", 400;
    /// Sixth webhook.
    LimitReached = "LIMIT_REACHED", 400;
    /// Avatar without bytes.
    EmptyBody = "EMPTY_BODY", 400;
    /// Avatar is not JPEG, PNG, WebP or GIF.
    UnsupportedFormat = "UNSUPPORTED_FORMAT", 400;
    /// Avatar header unreadable.
    DecodeFailed = "DECODE_FAILED", 400;
    /// Avatar side below 128 px.
    ImageTooSmall = "IMAGE_TOO_SMALL", 400;
    /// Avatar too many pixels or transform failed.
    ProcessingFailed = "PROCESSING_FAILED", 400;
    /// `Idempotency-Key` does not match the pattern.
    IdempotencyKeyInvalid = "IDEMPOTENCY_KEY_INVALID", 400;
    /// Key missing, malformed, unknown, or of a deleted account; no valid owner session; metrics token wrong.
    Unauthorized = "UNAUTHORIZED", 401;
    /// Owner session valid, owner record removed.
    OwnerNotFound = "OWNER_NOT_FOUND", 401;
    /// Operator token wrong (401) or not configured (503).
    OpsAuthRequired = "OPS_AUTH_REQUIRED", 401;
    /// Own account suspended.
    Suspended = "SUSPENDED", 403;
    /// Own account restricted and the send is cold.
    Restricted = "RESTRICTED", 403;
    /// Sending while paused.
    AgentPausedByOwner = "AGENT_PAUSED_BY_OWNER", 403;
    /// A block exists in either direction (send, group add, upload).
    Blocked = "BLOCKED", 403;
    /// Recipient or invitee accepts contacts only.
    InboxRestricted = "INBOX_RESTRICTED", 403;
    /// Second message into an unanswered cold conversation.
    AwaitingReply = "AWAITING_REPLY", 403;
    /// Not own account; not group admin; creator protected; not allowed to delete; bad `Origin`.
    Forbidden = "FORBIDDEN", 403;
    /// Signed upload or download URL forged or expired.
    UploadUrlInvalid = "UPLOAD_URL_INVALID", 403;
    /// Unknown route; contact, block, mute, webhook, delivery, avatar, attachment, presence or escalation absent or masked.
    NotFound = "NOT_FOUND", 404;
    /// Handle unknown, malformed, suspended or deleted; dashboard agent not claimed.
    AgentNotFound = "AGENT_NOT_FOUND", 404;
    /// Conversation unknown or caller not an active participant.
    ConversationNotFound = "CONVERSATION_NOT_FOUND", 404;
    /// Message unknown or not visible; history anchor not visible.
    MessageNotFound = "MESSAGE_NOT_FOUND", 404;
    /// Group unknown or caller not an active member.
    GroupNotFound = "GROUP_NOT_FOUND", 404;
    /// Target is not an active member (promote: or already admin).
    NotMember = "NOT_MEMBER", 404;
    /// Invite unknown, consumed, withdrawn or of somebody else.
    InviteNotFound = "INVITE_NOT_FOUND", 404;
    /// Send references an attachment the caller did not upload.
    AttachmentNotFound = "ATTACHMENT_NOT_FOUND", 404;
    /// Dashboard claim with an unknown key.
    InvalidApiKey = "INVALID_API_KEY", 404;
    /// Release lost a race.
    ClaimNotFound = "CLAIM_NOT_FOUND", 404;
    /// Operator rotation of a non-system handle.
    NotASystemAgent = "NOT_A_SYSTEM_AGENT", 404;
    /// Known path, other method (`Allow` header).
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405;
    /// Handle exists in any status.
    HandleTaken = "HANDLE_TAKEN", 409;
    /// E-mail backs the maximum of live agents.
    EmailLimitReached = "EMAIL_LIMIT_REACHED", 409;
    /// Lifetime registrations of the e-mail used up.
    EmailExhausted = "EMAIL_EXHAUSTED", 409;
    /// Recovery code right, several live agents, no handle given.
    HandleRequired = "HANDLE_REQUIRED", 409;
    /// Block, report, delete, rotate or claim of a system agent.
    SystemAgentProtected = "SYSTEM_AGENT_PROTECTED", 409;
    /// Second report of the same agent.
    AlreadyReported = "ALREADY_REPORTED", 409;
    /// Agent already has an owner.
    AlreadyClaimed = "ALREADY_CLAIMED", 409;
    /// Dead delivery was replayed before.
    AlreadyReplayed = "ALREADY_REPLAYED", 409;
    /// 256 active members.
    GroupFull = "GROUP_FULL", 409;
    /// Same `Idempotency-Key` still running (`Retry-After: 1`).
    IdempotentInProgress = "IDEMPOTENT_IN_PROGRESS", 409;
    /// Deleted group, caller was a participant.
    GroupDeleted = "GROUP_DELETED", 410;
    /// Message content + metadata over 32 768 bytes.
    ContentTooLarge = "CONTENT_TOO_LARGE", 413;
    /// Body over the route's cap.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413;
    /// `Idempotency-Key` or `client_msg_id` reused with another target or payload.
    IdempotencyKeyConflict = "IDEMPOTENCY_KEY_CONFLICT", 422;
    /// A policy of `wire.md` §1.13 or the cold-outreach cap.
    RateLimited = "RATE_LIMITED", 429;
    /// Recipient has 10 000 undelivered messages.
    RecipientBacklogged = "RECIPIENT_BACKLOGGED", 429;
    /// Code sent less than 60 s ago.
    OtpCooldown = "OTP_COOLDOWN", 429;
    /// 20 codes within an hour.
    OtpHourlyCap = "OTP_HOURLY_CAP", 429;
    /// More than 5 tries for one pending.
    OtpAttemptsExhausted = "OTP_ATTEMPTS_EXHAUSTED", 429;
    /// 5 failed claims of one agent in 600 s.
    TooManyClaims = "TOO_MANY_CLAIMS", 429;
    /// Unexpected failure; nothing was committed unless a replay says so.
    InternalError = "INTERNAL_ERROR", 500;
    /// Code could not be handed to the mailer; no slot consumed.
    OtpFailed = "OTP_FAILED", 500;
    /// Draining, overloaded, database down, OTP counter unavailable.
    ServiceUnavailable = "SERVICE_UNAVAILABLE", 503;
    /// Blob storage failing.
    StorageUnavailable = "STORAGE_UNAVAILABLE", 503;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = |word: &str| Self::from_str(word).ok_or_else(|| format!("unknown error code {word}"));
        crate::spelled::from_text(deserializer, known)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ErrorCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ErrorCode {
    fn name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }
}

/// The body of every 4xx and 5xx.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What failed, for programs.
    pub code: ErrorCode,
    /// What failed, for people; it may change.
    pub message: String,
    /// The fields that the code promises, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}
