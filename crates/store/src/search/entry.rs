//! A message as the index has it: its words, and marks by which it is found only by those who may see it.
//!
//! Marks are words no text can contain (they hold a `_`): of a direct message one for each of its two agents, of every
//! message one for its conversation and one for its sender.

use std::fmt::Write;

use super::{each_word, texts};
use crate::Result;
use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::Row;

/// A message on its way into the index.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) message: MessageKey,
    pub(crate) id: [u8; 16],
    conversation: i64,
    pair: Option<(i64, i64)>,
    sender: i64,
    content: String,
}

/// The columns [`Entry::of`] reads, from `message m` and `conversation c`.
macro_rules! entry_columns {
    () => {
        "m.pk, m.id, m.conversation, c.low, c.high, m.sender, m.content"
    };
}
pub(crate) use entry_columns;

impl Entry {
    pub(crate) fn of(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            message: MessageKey(row.int(0)?),
            id: row.bytes(1)?,
            conversation: row.int(2)?,
            pair: row.opt_int(3)?.zip(row.opt_int(4)?),
            sender: row.int(5)?,
            content: row.text(6)?,
        })
    }

    /// Words and marks, separated by spaces; of a message that is gone nothing.
    pub(crate) fn words(&self, words: &mut String) {
        words.clear();
        if self.content.is_empty() {
            return;
        }
        for text in texts(&self.content) {
            each_word(&text, |_, word| {
                words.push_str(word);
                words.push(' ');
            });
        }
        let Self { conversation, sender, .. } = self;
        // Writing to a string does not fail.
        let _ = write!(words, "_c{conversation} _s{sender}");
        if let Some((low, high)) = self.pair {
            let _ = write!(words, " _a{low} _a{high}");
        }
    }
}

/// Where messages are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// All direct conversations of an agent.
    DirectOf(AgentKey),
    /// One conversation.
    Conversation(ConversationKey),
}

impl Place {
    pub(super) fn mark(self) -> String {
        match self {
            Self::DirectOf(agent) => format!("_a{}", agent.0),
            Self::Conversation(conversation) => format!("_c{}", conversation.0),
        }
    }
}

pub(super) fn sender_mark(sender: AgentKey) -> String {
    format!("_s{}", sender.0)
}
