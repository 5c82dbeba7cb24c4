//! What a session is told, and what it asks for.

use std::time::Duration;

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::frame::close::Close;
use agentchat_protocol::id::MessageId;
use agentchat_store::key::ConversationKey;

/// Rows of a page: what a socket may hold in memory while its peer reads.
pub(in crate::realtime) const PAGE: usize = 64;

/// Which of the agent's own messages a socket gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::realtime) enum OwnMessages {
    /// None.
    Never,
    /// Those in the hole before a received message.
    JustInTime,
    /// All, when they are stored.
    Echo,
}

/// What a session is begun with.
#[derive(Debug, Clone)]
pub(in crate::realtime) struct Begin {
    pub(in crate::realtime) ack: bool,
    pub(in crate::realtime) own: OwnMessages,
    pub(in crate::realtime) epoch: i64,
    pub(in crate::realtime) paused: bool,
    /// The drain waits for a sync call: for the first one, and after each full page.
    pub(in crate::realtime) lead: Option<(Duration, Duration)>,
    /// How long after a delivery was written without being acked it is written again; `None`: never.
    pub(in crate::realtime) reoffer: Option<Duration>,
    /// The drain begins behind this position.
    pub(in crate::realtime) after: u64,
}

/// A received message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::realtime) struct Row<B> {
    pub(in crate::realtime) position: u64,
    pub(in crate::realtime) conversation: ConversationKey,
    pub(in crate::realtime) seq: u64,
    pub(in crate::realtime) quiet: bool,
    pub(in crate::realtime) message: MessageId,
    pub(in crate::realtime) body: B,
}

/// A message of the agent's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::realtime) struct OwnRow<B> {
    pub(in crate::realtime) conversation: ConversationKey,
    pub(in crate::realtime) seq: u64,
    pub(in crate::realtime) body: B,
}

/// A page of the log, as of one snapshot.
#[derive(Debug, Clone)]
pub(in crate::realtime) struct Page<B> {
    /// Ascending.
    pub(in crate::realtime) rows: Vec<Row<B>>,
    /// As many rows as asked for: there may be more.
    pub(in crate::realtime) full: bool,
    pub(in crate::realtime) last_position: u64,
    pub(in crate::realtime) epoch: i64,
    pub(in crate::realtime) status: AgentStatus,
    pub(in crate::realtime) paused: bool,
}

/// A frame out of the ring.
#[derive(Debug, Clone)]
pub(in crate::realtime) enum Fresh<B> {
    Received { row: Row<B>, epoch: i64 },
    Own(OwnRow<B>),
}

/// A question to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::realtime) enum Ask {
    /// Rows behind a position. Unless it is a pass of re-offers, the ring must keep frames from before the snapshot on.
    Page { after: u64, limit: usize, pass: bool },
    /// Own rows between two seqs, exclusive.
    OwnRows { conversation: ConversationKey, after_seq: u64, before_seq: u64 },
    /// Whether the key still opens the account.
    Credentials,
}

/// Why a frame is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::realtime) enum Origin {
    Live,
    Drained,
    Reoffered,
    Own,
}

/// A `message.new` to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::realtime) struct Writing<B> {
    pub(in crate::realtime) origin: Origin,
    /// The received message; `None` for an own one.
    pub(in crate::realtime) message: Option<MessageId>,
    pub(in crate::realtime) body: B,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::realtime) enum Step<B> {
    Write(Writing<B>),
    Ask(Ask),
    /// Hand over the fresh frames, or say that some were lost.
    Take,
    /// Wait: for an answer, a fresh frame, a notice, or [`Session::deadline`].
    Idle,
    Close(Close),
}
