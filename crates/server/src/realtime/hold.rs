//! A request that is held until something happens to an agent: the long-poll of `GET /v1/messages/sync`.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use agentchat_store::key::AgentKey;
use tokio::sync::Notify;

use super::{Head, Hub};

/// Why a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Held {
    /// A message was committed for the agent.
    Row = 1,
    /// More requests of the agent are held than allowed, and this was the oldest.
    Replaced = 2,
    /// The agent's key, status or pause changed: look again who is asking.
    Account = 3,
    /// The server shuts down.
    Stopping = 4,
}

impl Held {
    fn of(code: u8) -> Option<Self> {
        [Self::Row, Self::Replaced, Self::Account, Self::Stopping].into_iter().find(|held| *held as u8 == code)
    }
}

/// What the hub and the held request share.
#[derive(Debug, Default)]
pub(super) struct HoldCell {
    ended: AtomicU8,
    notify: Notify,
    looks: Mutex<Looks>,
}

/// What the store said to the request itself, and what it said to the hub.
#[derive(Debug, Default)]
struct Looks {
    own: Option<Head>,
    hub: Option<Head>,
}

impl Looks {
    /// What the request has not seen.
    fn missed(&self) -> Option<Held> {
        let (own, hub) = (self.own?, self.hub?);
        if hub.position > own.position {
            return Some(Held::Row);
        }
        ((hub.epoch, hub.paused) != (own.epoch, own.paused)).then_some(Held::Account)
    }
}

impl HoldCell {
    /// The hub was told this. A request that has not read the store yet compares when it has.
    pub(super) fn told(&self, head: Head) {
        self.compare(|looks| looks.hub = Some(head));
    }

    fn compare(&self, change: impl FnOnce(&mut Looks)) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut looks);
        if let Some(missed) = looks.missed() {
            self.end(missed);
        }
    }

    pub(super) fn end(&self, held: Held) {
        let _later = self.ended.compare_exchange(0, held as u8, Ordering::AcqRel, Ordering::Acquire);
        self.notify.notify_one();
    }
}

/// A held request's place at the hub. Take it before reading the store: what is committed afterwards ends it.
#[derive(Debug)]
pub(crate) struct Hold {
    hub: Arc<Hub>,
    agent: AgentKey,
    cell: Arc<HoldCell>,
}

impl Hold {
    pub(super) fn new(hub: Arc<Hub>, agent: AgentKey, cell: Arc<HoldCell>) -> Self {
        Self { hub, agent, cell }
    }

    /// The request read this; it waits for more.
    pub(crate) fn saw(&self, head: Head) {
        self.cell.compare(|looks| looks.own = Some(head));
    }

    /// Waits for the first thing that happened since the hold was taken.
    pub(crate) async fn changed(&self) -> Held {
        loop {
            if let Some(held) = Held::of(self.cell.ended.load(Ordering::Acquire)) {
                return held;
            }
            self.cell.notify.notified().await;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.hub.let_go(self.agent, &self.cell);
    }
}
