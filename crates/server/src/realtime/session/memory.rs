//! The last seq of each conversation that was written to a socket.

use std::collections::HashMap;

use agentchat_store::key::ConversationKey;

/// Conversations that are never forgotten before this many others were written to.
const KEPT: usize = 1_024;

/// Two generations: when the younger is full, the older is forgotten. Empty until something is written.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    young: HashMap<ConversationKey, u64>,
    old: HashMap<ConversationKey, u64>,
}

impl Conversations {
    /// The highest seq written in a conversation, if it is remembered.
    pub(super) fn last(&self, conversation: ConversationKey) -> Option<u64> {
        self.young.get(&conversation).or_else(|| self.old.get(&conversation)).copied()
    }

    pub(super) fn wrote(&mut self, conversation: ConversationKey, seq: u64) {
        let seq = self.last(conversation).map_or(seq, |last| last.max(seq));
        if self.young.len() >= KEPT && !self.young.contains_key(&conversation) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(conversation, seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_highest_seq() {
        let mut conversations = Conversations::default();
        assert_eq!(conversations.last(ConversationKey(1)), None);
        conversations.wrote(ConversationKey(1), 7);
        conversations.wrote(ConversationKey(1), 3);
        assert_eq!(conversations.last(ConversationKey(1)), Some(7));
    }

    #[test]
    fn keeps_at_least_1024_and_is_bounded() {
        let mut conversations = Conversations::default();
        for key in 0..10_000 {
            conversations.wrote(ConversationKey(key), 1);
            for recent in (key - 1_023).max(0)..=key {
                assert!(conversations.last(ConversationKey(recent)).is_some());
            }
            assert!(conversations.young.len() + conversations.old.len() <= 2 * KEPT);
        }
    }
}
