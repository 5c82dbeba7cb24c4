//! Messages in hand: each once, whatever way its copies came (R14).

use std::collections::HashMap;

use super::Now;
use super::input::{Meta, Row};
use super::memory::Key;
use super::output::{Origin, Token};
use crate::types::RawJson;

/// Where a message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Waits for its turn in the conversation.
    Buffered,
    /// Waits for a handler.
    Queued,
    /// With the handler.
    Running,
}

pub(super) struct Entry {
    pub(super) meta: Meta,
    pub(super) body: RawJson,
    pub(super) origin: Origin,
    pub(super) stage: Stage,
    pub(super) late: bool,
    pub(super) attempt: u32,
    /// A copy came over the socket or from history: it is acknowledged on the socket (R28).
    pub(super) owes_ack: bool,
    /// Rows of the backlog that are copies of it: pass and index.
    pub(super) rows: Vec<(u64, usize)>,
    pub(super) arrived: Now,
    key: Option<Key>,
    bytes: usize,
}

#[derive(Default)]
pub(super) struct Entries {
    last: u64,
    entries: HashMap<Token, Entry>,
    by_key: HashMap<Key, Token>,
    bytes: usize,
}

/// Rough cost of an entry beside its payload.
const OVERHEAD: usize = 256;

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn insert(&mut self, row: Row, key: Option<Key>, origin: Origin, arrived: Now) -> Token {
        self.last += 1;
        let token = Token(self.last);
        let bytes = row.body.as_str().len() + OVERHEAD;
        if let Some(key) = &key {
            self.by_key.insert(key.clone(), token);
        }
        let entry = Entry {
            meta: row.meta,
            body: row.body,
            origin,
            stage: Stage::Buffered,
            late: false,
            attempt: 1,
            owes_ack: false,
            rows: Vec::new(),
            arrived,
            key,
            bytes,
        };
        self.bytes += bytes;
        self.entries.insert(token, entry);
        token
    }

    pub(super) fn get(&self, token: Token) -> Option<&Entry> {
        self.entries.get(&token)
    }

    pub(super) fn get_mut(&mut self, token: Token) -> Option<&mut Entry> {
        self.entries.get_mut(&token)
    }

    pub(super) fn find(&self, key: &Key) -> Option<Token> {
        self.by_key.get(key).copied()
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<Entry> {
        let entry = self.entries.remove(&token)?;
        self.bytes -= entry.bytes;
        if let Some(key) = &entry.key {
            self.by_key.remove(key);
        }
        Some(entry)
    }

    pub(super) fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> = self.entries.keys().copied().collect();
        tokens.sort_unstable();
        tokens
    }
}

impl Entry {
    pub(super) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }
}
