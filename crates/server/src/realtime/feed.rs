//! What one agent's sockets and held requests share: a short ring of fresh frames, and everybody's place in it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Instant;

use agentchat_store::key::ConversationKey;

use super::hold::{Held, HoldCell};
use super::{Control, Event, Head, OwnPublished, Published};

/// Frames that may wait for an agent's slowest live socket.
const RING_FRAMES: usize = 64;
/// Bytes that may wait for it.
const RING_BYTES: usize = 256 * 1024;
/// Events that may wait for one socket; beyond that the oldest are lost.
const EVENTS: usize = 1024;

/// A frame in the ring.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// Received by the agent, and when it was published.
    Received(Arc<Published>, Instant),
    /// Sent by the agent, for `echo` sockets.
    Own(Arc<OwnPublished>),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Received(published, _) => published.frame.len(),
            Self::Own(own) => own.frame.len(),
        }
    }
}

/// A page that a sync call returned while a socket waited for it.
#[derive(Debug, Clone)]
pub(super) struct SyncedPage {
    /// First and last position; `None` for an empty page.
    pub(super) span: Option<(u64, u64)>,
    /// Each row's conversation and seq.
    pub(super) rows: Vec<(ConversationKey, u64)>,
    /// The page was shorter than its limit: the backlog is through.
    pub(super) short: bool,
}

/// What is for one socket besides frames of the ring.
#[derive(Debug, Default)]
pub(super) struct Notices {
    pub(super) stopping: bool,
    pub(super) ended: Option<Control>,
    pub(super) pause_changed: bool,
    pub(super) synced: Vec<SyncedPage>,
    /// Acked by a call up to here, while the drain waits.
    pub(super) acked_through: u64,
    /// What the store says about the agent, if it was new to its sockets.
    pub(super) head: Option<Head>,
    pub(super) events: VecDeque<Event>,
    /// Events that belong behind a position of the log.
    pub(super) behind: VecDeque<(u64, Event)>,
}

impl Notices {
    fn changes_the_account(&self) -> bool {
        self.stopping || self.ended.is_some() || self.pause_changed
    }
}

/// One socket's place.
#[derive(Debug)]
struct Place {
    id: u32,
    /// Index of the next frame of the ring; `None` while the socket follows the store.
    cursor: Option<u64>,
    waker: Option<Waker>,
    /// Set while the drain waits for the sync calls of this client.
    led_by: Option<Box<str>>,
    echo: bool,
    notices: Option<Box<Notices>>,
}

impl Place {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn notify(&mut self, change: impl FnOnce(&mut Notices)) {
        change(self.notices.get_or_insert_default());
        self.wake();
    }
}

#[derive(Debug, Default)]
struct State {
    ring: VecDeque<Item>,
    /// Index of the ring's first frame.
    base: u64,
    bytes: usize,
    places: Vec<Place>,
    holds: VecDeque<Arc<HoldCell>>,
    next_id: u32,
    /// Everybody here was told this, or has looked into the store since.
    known: Known,
}

#[derive(Debug, Default)]
struct Known {
    position: u64,
    /// Epoch and full pause.
    account: Option<(i64, bool)>,
    /// When the store was last asked for them here.
    looked: Option<Instant>,
}

/// The shared state of one agent.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<State>);

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a socket a place; `None` when there are `most` already.
    pub(super) fn join(&self, most: usize, echo: bool, led_by: Option<&str>) -> Option<u32> {
        let mut state = self.state();
        if state.places.len() >= most {
            return None;
        }
        let id = state.next_id;
        state.next_id = id.wrapping_add(1);
        let led_by = led_by.map(Into::into);
        state.places.push(Place { id, cursor: None, waker: None, led_by, echo, notices: None });
        Some(id)
    }

    pub(super) fn leave(&self, id: u32) {
        let mut state = self.state();
        state.places.retain(|place| place.id != id);
        state.trim();
    }

    pub(super) fn sockets(&self) -> usize {
        self.state().places.len()
    }

    pub(super) fn has_echo(&self) -> bool {
        self.state().places.iter().any(|place| place.echo)
    }

    pub(super) fn is_deserted(&self) -> bool {
        let state = self.state();
        state.places.is_empty() && state.holds.is_empty()
    }

    /// Adds a held request; with `most` there already, the oldest ends.
    pub(super) fn hold(&self, most: usize, cell: Arc<HoldCell>) {
        let mut state = self.state();
        while state.holds.len() >= most.max(1) {
            if let Some(oldest) = state.holds.pop_front() {
                oldest.end(Held::Replaced);
            }
        }
        state.holds.push_back(cell);
    }

    pub(super) fn let_go(&self, cell: &Arc<HoldCell>) {
        self.state().holds.retain(|held| !Arc::ptr_eq(held, cell));
    }

    /// A message of the agent's log was committed.
    pub(super) fn publish(&self, published: Published) {
        let mut state = self.state();
        state.known.position = state.known.position.max(published.position);
        for hold in &state.holds {
            hold.end(Held::Row);
        }
        if state.places.iter().any(|place| place.cursor.is_some()) {
            state.push(Item::Received(Arc::new(published), Instant::now()), |_| true);
        }
    }

    /// A message of the agent's own was committed.
    pub(super) fn publish_own(&self, own: OwnPublished) {
        let mut state = self.state();
        if state.places.iter().any(|place| place.echo && place.cursor.is_some()) {
            state.push(Item::Own(Arc::new(own)), |place| place.echo);
        }
    }

    pub(super) fn event(&self, event: &Event) {
        for place in &mut self.state().places {
            place.notify(|notices| {
                if notices.events.len() >= EVENTS {
                    notices.events.pop_front();
                }
                notices.events.push_back(event.clone());
            });
        }
    }

    /// As [`Feed::event`], to be written once the log was written up to `position`.
    pub(super) fn event_behind(&self, position: u64, event: &Event) {
        for place in &mut self.state().places {
            place.notify(|notices| {
                if notices.behind.len() >= EVENTS {
                    notices.behind.pop_front();
                }
                notices.behind.push_back((position, event.clone()));
            });
        }
    }

    pub(super) fn control(&self, control: Control) {
        let mut state = self.state();
        for hold in &state.holds {
            hold.end(Held::Account);
        }
        for place in &mut state.places {
            place.notify(|notices| match control {
                Control::PauseChanged => notices.pause_changed = true,
                ended => notices.ended = Some(ended),
            });
        }
    }

    /// What the store says: whoever has not come that far looks for itself.
    pub(super) fn look(&self, head: Head) {
        let mut state = self.state();
        state.known.looked = Some(Instant::now());
        let account = Some((head.epoch, head.paused));
        if head.position <= state.known.position && account == state.known.account {
            return;
        }
        state.known.position = state.known.position.max(head.position);
        state.known.account = account;
        for hold in &state.holds {
            hold.told(head);
        }
        for place in &mut state.places {
            place.notify(|notices| notices.head = Some(head));
        }
    }

    /// When the store was last asked about this agent.
    pub(super) fn looked(&self) -> Option<Instant> {
        self.state().known.looked
    }

    pub(super) fn stop(&self) {
        let mut state = self.state();
        for hold in &state.holds {
            hold.end(Held::Stopping);
        }
        for place in &mut state.places {
            place.notify(|notices| notices.stopping = true);
        }
    }

    /// Tells the sockets that wait for a sync call of `client` what it returned.
    pub(super) fn synced(&self, client: &str, page: &SyncedPage) {
        for place in &mut self.state().places {
            if place.led_by.as_deref() == Some(client) {
                place.notify(|notices| notices.synced.push(page.clone()));
            }
        }
    }

    /// Tells the sockets that wait for sync calls how far the agent acked.
    pub(super) fn acked_through(&self, position: u64) {
        for place in &mut self.state().places {
            if place.led_by.is_some() {
                place.notify(|notices| notices.acked_through = notices.acked_through.max(position));
            }
        }
    }

    /// Whether some socket waits for a sync call of `client`.
    pub(super) fn is_led_by(&self, client: &str) -> bool {
        self.state().places.iter().any(|place| place.led_by.as_deref() == Some(client))
    }

    /// What is there for a place; its task is woken at the next change.
    pub(super) fn poll_notices(&self, id: u32, context: &Context<'_>) -> Option<Box<Notices>> {
        let mut state = self.state();
        let place = state.place(id)?;
        if !place.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            place.waker = Some(context.waker().clone());
        }
        place.notices.take()
    }

    /// From now on the ring keeps what this place has not taken.
    pub(super) fn listen(&self, id: u32) {
        let mut state = self.state();
        let end = state.end();
        if let Some(place) = state.place(id) {
            place.cursor = Some(end);
        }
        state.trim();
    }

    /// Sync calls are not reported to this place any more.
    pub(super) fn end_lead(&self, id: u32) {
        if let Some(place) = self.state().place(id) {
            place.led_by = None;
        }
    }

    /// The ring keeps nothing for this place any more.
    pub(super) fn ignore(&self, id: u32) {
        let mut state = self.state();
        if let Some(place) = state.place(id) {
            place.cursor = None;
        }
        state.trim();
    }

    /// Moves everything this place has not taken yet into `items`; false when the ring has lost some of it, or
    /// the place does not listen. Gives nothing before a change of the account was noticed: frames behind it may be
    /// quiet for its sake.
    pub(super) fn take(&self, id: u32, items: &mut VecDeque<Item>) -> bool {
        let mut state = self.state();
        let (base, end, alone) = (state.base, state.end(), state.places.len() == 1);
        let Some(place) = state.place(id) else { return false };
        if place.notices.as_ref().is_some_and(|notices| notices.changes_the_account()) {
            return true;
        }
        let Some(cursor) = place.cursor else { return false };
        place.cursor = Some(end);
        if alone && cursor == base && items.is_empty() {
            std::mem::swap(&mut state.ring, items);
            (state.base, state.bytes) = (end, 0);
        } else {
            let skip = usize::try_from(cursor - base).unwrap_or(usize::MAX);
            items.extend(state.ring.iter().skip(skip).cloned());
            state.trim();
        }
        true
    }
}

impl State {
    fn end(&self) -> u64 {
        self.base + self.ring.len() as u64
    }

    fn place(&mut self, id: u32) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.id == id)
    }

    fn push(&mut self, item: Item, concerns: impl Fn(&Place) -> bool) {
        self.bytes += item.bytes();
        self.ring.push_back(item);
        while self.ring.len() > RING_FRAMES || self.bytes > RING_BYTES {
            self.drop_first();
        }
        let (base, end) = (self.base, self.end());
        for place in &mut self.places {
            let Some(cursor) = place.cursor else { continue };
            if cursor < base {
                place.cursor = None;
                place.wake();
            } else if concerns(place) {
                place.wake();
            } else if cursor + 1 == end {
                place.cursor = Some(end);
            }
        }
        self.trim();
    }

    fn drop_first(&mut self) {
        if let Some(item) = self.ring.pop_front() {
            self.bytes -= item.bytes();
            self.base += 1;
        }
    }

    /// Drops what every listening place has taken.
    fn trim(&mut self) {
        let needed = self.places.iter().filter_map(|place| place.cursor).min().unwrap_or_else(|| self.end());
        while self.base < needed {
            self.drop_first();
        }
        if self.ring.is_empty() {
            self.ring = VecDeque::new();
        }
    }
}
