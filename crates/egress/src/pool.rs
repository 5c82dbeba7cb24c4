//! Connections that wait for another call.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::Speaker;

/// Unused connections to one place, and in all.
const IDLE_PER_PLACE: usize = 32;
const IDLE: usize = 1_024;
/// Servers close what is unused; shorter than most of them wait.
const KEEP: Duration = Duration::from_secs(30);

/// Whom a connection leads to: two names at one address are two places, since each showed its own certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
}

/// Open connections without a call.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<HashMap<Place, Vec<(Instant, Speaker)>>>);

impl Pool {
    /// The connection used last that is still open.
    pub(crate) fn take(&self, place: &Place, now: Instant) -> Option<Speaker> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = idle.get_mut(place)?;
        let found = std::iter::from_fn(|| there.pop())
            .find(|(since, speaker)| !speaker.is_closed() && now.duration_since(*since) < KEEP);
        if there.is_empty() {
            idle.remove(place);
        }
        found.map(|(_, speaker)| speaker)
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn put(&self, place: Place, speaker: Speaker, now: Instant) {
        if speaker.is_closed() {
            return;
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.values().map(Vec::len).sum::<usize>() >= IDLE {
            idle.retain(|_, there| {
                there.retain(|(since, speaker)| !speaker.is_closed() && now.duration_since(*since) < KEEP);
                !there.is_empty()
            });
        }
        let there = idle.entry(place).or_default();
        if there.len() < IDLE_PER_PLACE {
            there.push((now, speaker));
        }
    }
}
