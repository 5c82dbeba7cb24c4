//! What is remembered of each conversation: where it stands, what waits, what was handled.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::Now;
use super::intervals::Intervals;
use super::output::{Gap, Token};

/// Which position comes next (§3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Anchor {
    /// Anything may come.
    #[default]
    None,
    /// This one, but a higher one only means that what is between was settled elsewhere.
    Soft(u64),
    /// This one; a higher one waits.
    Hard(u64),
}

impl Anchor {
    pub(super) fn next(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Soft(next) | Self::Hard(next) => Some(next),
        }
    }

    pub(super) fn is_hard(self) -> bool {
        matches!(self, Self::Hard(_))
    }
}

/// How a hole ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum GapReason {
    /// History had what was missing.
    Filled,
    /// History did not have it, or could not be read.
    FillFailed,
    /// There is no client to read history with.
    FillUnavailable,
    /// Too much waited behind it.
    BufferOverflow,
}

impl GapReason {
    /// The reason as it is named in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filled => "gap_filled",
            Self::FillFailed => "gap_fill_failed",
            Self::FillUnavailable => "gap_fill_unavailable",
            Self::BufferOverflow => "buffer_overflow",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A hole that is waited for.
#[derive(Debug)]
pub(super) struct OpenGap {
    /// No timer runs: the backlog is being read.
    pub(super) suspended: bool,
    /// The window begins no earlier.
    pub(super) not_before: Now,
    pub(super) fill: Option<Fill>,
}

/// History that is being read for a hole.
#[derive(Debug)]
pub(super) struct Fill {
    pub(super) id: u64,
    /// The position that was missing when it began.
    pub(super) expected: u64,
    /// When the lowest waiting message had arrived.
    pub(super) since: Now,
    pub(super) after_seq: u64,
    pub(super) pages: u32,
    /// Begun because too much waited.
    pub(super) overflow: bool,
}

/// What a lane does next, with its turn among all lanes.
#[derive(Debug)]
pub(super) enum LaneItem {
    Message(u64, Token),
    Gap(Box<Gap>),
}

#[derive(Default)]
pub(super) struct Conversation {
    pub(super) anchor: Anchor,
    /// Waiting messages by position, equal positions by arrival.
    pub(super) buffer: BTreeSet<(u64, Token)>,
    /// Positions this process sent.
    pub(super) own: BTreeSet<u64>,
    pub(super) done: Intervals,
    pub(super) gap: Option<OpenGap>,
    pub(super) queue: VecDeque<LaneItem>,
    pub(super) running: Option<Token>,
    /// Place in the order of rest; 0 while there is something to do.
    rested: u64,
    /// The input during which it was last looked at.
    touched: u64,
}

impl Conversation {
    pub(super) fn lowest(&self) -> Option<(u64, Token)> {
        self.buffer.first().copied()
    }

    fn is_idle(&self) -> bool {
        self.buffer.is_empty() && self.gap.is_none() && self.queue.is_empty() && self.running.is_none()
    }
}

pub(super) struct Conversations {
    most_idle: usize,
    conversations: HashMap<Arc<str>, Conversation>,
    idle: BTreeMap<u64, Arc<str>>,
    rests: u64,
    /// Those looked at during this input.
    touched: Vec<Arc<str>>,
    input: u64,
}

impl Conversations {
    pub(super) fn new(most_idle: usize) -> Self {
        let (conversations, idle, touched) = (HashMap::new(), BTreeMap::new(), Vec::new());
        Self { most_idle, conversations, idle, rests: 0, touched, input: 1 }
    }

    pub(super) fn len(&self) -> usize {
        self.conversations.len()
    }

    pub(super) fn get(&self, key: &Arc<str>) -> Option<&Conversation> {
        self.conversations.get(key)
    }

    /// A conversation that is known.
    pub(super) fn known(&mut self, key: &Arc<str>) -> Option<&mut Conversation> {
        if self.conversations.contains_key(key) { Some(self.of(key)) } else { None }
    }

    /// A conversation, new if it is not known.
    pub(super) fn of(&mut self, key: &Arc<str>) -> &mut Conversation {
        let conversation = self.conversations.entry(key.clone()).or_default();
        if conversation.touched != self.input {
            conversation.touched = self.input;
            self.touched.push(key.clone());
        }
        if conversation.rested != 0 {
            self.idle.remove(&conversation.rested);
            conversation.rested = 0;
        }
        conversation
    }

    /// Conversations with waiting messages, those that wait longest first.
    pub(super) fn buffered(&self, arrived: impl Fn(Token) -> Now) -> Vec<Arc<str>> {
        let waiting = self.conversations.iter();
        let waiting = waiting.filter_map(|(key, conversation)| Some((arrived(conversation.lowest()?.1), key)));
        let mut keys: Vec<(Now, &Arc<str>)> = waiting.collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key.clone()).collect()
    }

    pub(super) fn each(&mut self, change: impl FnMut(&mut Conversation)) {
        self.conversations.values_mut().for_each(change);
    }

    /// Puts those that have nothing to do to rest and forgets those that rested longest.
    pub(super) fn rest_touched(&mut self) {
        self.input += 1;
        for key in std::mem::take(&mut self.touched) {
            let Some(conversation) = self.conversations.get_mut(&key).filter(|found| found.is_idle()) else { continue };
            self.rests += 1;
            conversation.rested = self.rests;
            self.idle.insert(self.rests, key);
        }
        while self.idle.len() > self.most_idle {
            let Some((_, key)) = self.idle.pop_first() else { break };
            self.conversations.remove(&key);
        }
    }
}
