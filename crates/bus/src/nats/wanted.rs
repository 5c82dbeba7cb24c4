//! The subjects that this node takes an interest in.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::Subject;

/// What is joined, and what of it the server does not know yet. Needs room for what is joined, however often and
/// however long without a server it changes.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    state: Mutex<State>,
    changed: Notify,
    settled: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    subjects: HashSet<Subject>,
    /// Joined or left since they were last taken.
    changed: HashSet<Subject>,
    /// Counts changes.
    asked: u64,
}

/// Changes to bring to the server.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) subjects: HashSet<Subject>,
    /// To be told to [`Wanted::settle`].
    pub(super) asked: u64,
    /// How many subjects are joined in all.
    pub(super) joined: usize,
}

impl Wanted {
    pub(super) fn join(&self, subject: Subject) {
        let mut state = self.lock();
        if state.subjects.insert(subject) {
            self.note(state, subject);
        }
    }

    pub(super) fn leave(&self, subject: Subject) {
        let mut state = self.lock();
        if state.subjects.remove(&subject) {
            self.note(state, subject);
        }
    }

    fn note(&self, mut state: MutexGuard<'_, State>, subject: Subject) {
        state.changed.insert(subject);
        state.asked += 1;
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn contains(&self, subject: Subject) -> bool {
        self.lock().subjects.contains(&subject)
    }

    pub(super) fn subjects(&self) -> Vec<Subject> {
        self.lock().subjects.iter().copied().collect()
    }

    /// Waits until there are changes, and leaves them there.
    pub(super) async fn wait(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.lock().changed.is_empty() {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn take(&self) -> Changes {
        let mut state = self.lock();
        let subjects = std::mem::take(&mut state.changed);
        Changes { subjects, asked: state.asked, joined: state.subjects.len() }
    }

    /// The server knows of all changes up to this one.
    pub(super) fn settle(&self, asked: u64) {
        self.settled.send_replace(asked);
    }

    /// Waits until the server knows of all changes up to now.
    pub(super) async fn settled(&self) {
        let asked = self.lock().asked;
        // The sender is ours, so it cannot be gone.
        let _ = self.settled.subscribe().wait_for(|settled| *settled >= asked).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
