//! One file a table: the verbs operations use, each one statement of portable SQL.

mod agents;
mod attachments;
mod audit;
mod avatars;
mod blocks;
mod circuits;
mod contacts;
mod conversations;
mod counts;
mod deliveries;
mod direct_send;
mod directory;
mod envelopes;
mod export;
mod group_ends;
mod group_send;
mod groups;
mod idempotency;
mod invites;
mod jobs;
mod limiter;
mod locks;
mod members;
mod messages;
mod meta;
mod mutes;
mod objects;
mod otp;
mod outbox;
mod presence;
mod progress;
mod replies;
mod reports;
mod retention;
mod search;
mod support;
mod webhooks;

/// What a direct send to a handle says to PostgreSQL between `BEGIN` and `COMMIT`, in this order, for measurements that
/// let PostgreSQL's own tools say the same: locks (`$1` sender, `$2` handle), state (`$1` now, `$2` `key16`, `$3` handle,
/// `$4` sender), and the one that stores (parameters as in its text).
pub const DIRECT_SEND_STATEMENTS: [&str; 3] = [locks::BY_HANDLE, direct_send::BY_HANDLE, direct_send::STORE];

pub use agents::{AgentInboxRow, AgentRow, EmailUse, NewAgent};
pub use attachments::{AttachmentRow, AttachmentScope, NewAttachment};
pub use audit::{Actor, AuditEvent};
pub use blocks::BlockRow;
pub use circuits::Breaker;
pub use contacts::{ContactEdge, ContactRow};
pub use conversations::{GroupSeat, Membership, Pair, Party};
pub use counts::{AgentCounts, MessageCounts};
pub use deliveries::{Claimant, DueCall, HookState};
pub use direct_send::{
    DirectMessage, DirectSendState, DirectTarget, EarlierSend, PairState, RecipientState, Run, SenderState,
    StoredDirect,
};
pub use directory::DirectoryRow;
pub use envelopes::{Inbox, InboxHead};
pub use export::{AttachmentFacts, Span};
pub use group_ends::{GroupEndRow, OpenMembership};
pub use group_send::{GroupEnvelope, GroupMessage, GroupSendState, GroupState, Said, StoredGroup};
pub use groups::{GroupMemberRow, GroupRow, NewGroupRow};
pub use idempotency::{CallerKind, IdempotencyAnswer, IdempotencyRow, IdempotencyRun, IdempotencyScope};
pub use invites::{CandidateRow, InviteRow, NewInvite};
pub use jobs::{JobRow, Work};
pub use messages::{EnvelopeState, GroupFacts, HistoryCursor, MessageRow, NewMessage};
pub use mutes::{MuteRow, MuteSubject, MuteTarget};
pub use objects::{attachment_object, avatar_object};
pub use otp::{CountedTry, Flow, PendingRow};
pub use outbox::{Loudness, NewEvent, WANTS_EVENTS, WANTS_MESSAGES, WANTS_WAKING};
pub use presence::{Life, PresenceRow, SaidPresence, ShownPresence};
pub use replies::{WakeCall, WakeWebhook};
pub use reports::{Against, CountedSince};
pub use retention::{Emptied, RetentionCandidate, RetentionRow};
pub(crate) use search::{AnyToIndex, CountToIndex, Follow, IndexSome, LookUp, NewestMessage, Unindex};
pub use search::{Candidate, Extent, SearchedGroup};
pub use support::{EscalationRow, NewEscalation};
pub use webhooks::{NewWebhookRow, WebhookDeliveryRow, WebhookRow, WebhookSecrets};
