//! Which messages hold which words.
//!
//! * [`words`], [`each_word`], [`texts`] — a message as words, the same for every engine;
//! * [`Lookup`] — what is asked; [`Store::look_up`] answers keys, and says nothing of who may see them *now*;
//! * [`Store::index_some`] — takes in what was sent since, [`Store::unindex`] takes out what is to be forgotten.
//!
//! Sends do not wait for any of it. With PostgreSQL each message leaves a row in `to_index`, which any node empties. In
//! a folder the index is a file of its own (`sqlite/search.rs`) that follows the messages by their keys.

mod entry;
mod lookup;
mod texts;
mod words;

pub use self::entry::Place;
pub(crate) use self::entry::{Entry, entry_columns};
pub use self::lookup::{Asked, Lookup};
pub use self::texts::texts;
pub use self::words::{WORD_BYTES, each_word, words};
use crate::key::MessageKey;
use crate::tables::{AnyToIndex, CountToIndex, IndexSome, LookUp, NewestMessage, Unindex};
use crate::{Result, Store};

/// Messages taken in by one transaction at the most.
pub const BATCH: usize = 512;

/// What [`Store::index_some`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Messages that can be found now.
    pub messages: usize,
    /// There may be more.
    pub more: bool,
}

impl Store {
    /// Takes up to [`BATCH`] messages into the index, oldest first. A crash repeats or loses nothing.
    ///
    /// # Errors
    /// The store's; then none was taken in.
    pub async fn index_some(&self) -> Result<Indexed> {
        match self.embedded() {
            Some(embedded) => embedded.index_some().await,
            // A look that finds nothing shall not count as a commit, which would be a reason to look again.
            None if !self.read(AnyToIndex).await? => Ok(Indexed::default()),
            None => self.write_own(IndexSome).await,
        }
    }

    /// Messages as asked for, newest first.
    ///
    /// # Errors
    /// The store's: [`crate::StoreError::Busy`] when too many look already.
    pub async fn look_up(&self, lookup: Lookup) -> Result<Vec<MessageKey>> {
        match self.embedded() {
            Some(embedded) => embedded.look_up(lookup).await,
            None => self.read(LookUp(lookup)).await,
        }
    }

    /// Takes messages out of the index, durably; those that were not taken in yet will not be. To be called before
    /// their content is removed, so that a crash in between leaves no words of what is gone.
    ///
    /// # Errors
    /// The store's; then all of them can still be found.
    pub async fn unindex(&self, messages: Vec<MessageKey>) -> Result<()> {
        match self.embedded() {
            Some(embedded) => embedded.unindex(messages).await,
            None => self.write_own(Unindex(messages)).await,
        }
    }

    /// How many messages wait to be taken in.
    ///
    /// # Errors
    /// The store's.
    pub async fn unindexed(&self) -> Result<u64> {
        match self.embedded() {
            Some(embedded) => {
                let newest = self.read(NewestMessage).await?;
                Ok(u64::try_from(newest.0 - embedded.indexed_through().await?.0).unwrap_or(0))
            }
            None => self.read(CountToIndex).await,
        }
    }
}
