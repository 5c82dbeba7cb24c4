use bytes::Bytes;

use crate::{Bus, Health, Joined, Subject};

/// The bus of a node that is alone: nobody is told, nothing comes in, nothing is ever missed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Local;

impl Bus for Local {
    fn publish(&self, _subject: Subject, _payload: Bytes) {}

    fn join(&self, _subject: Subject) {}

    fn leave(&self, _subject: Subject) {}

    fn joined(&self) -> Joined<'_> {
        Box::pin(std::future::ready(true))
    }

    fn health(&self) -> Health {
        Health::Alone
    }
}
