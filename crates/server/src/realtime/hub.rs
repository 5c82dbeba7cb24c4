//! Who is connected, and the way from a commit to their sockets.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use agentchat_protocol::id::{DeliveryId, MessageId};
use agentchat_protocol::message::LiveFrame;
use agentchat_store::key::{AgentKey, ConversationKey};
use tokio_util::sync::CancellationToken;

use super::feed::{Feed, Item, Notices, SyncedPage};
use super::hold::{Hold, HoldCell};
use super::meters::Meters;
use super::waiting::{Waiting, WaitingRoom};
use crate::limits::Limits;

/// Enough that publishing and joining seldom meet.
const SHARDS: usize = 64;

/// A message that was committed for one recipient.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) recipient: AgentKey,
    /// Its place in the recipient's log: gap-free, in commit order.
    pub(crate) position: u64,
    /// The recipient's epoch, read in the send's transaction.
    pub(crate) epoch: i64,
    /// Muted or fully paused at commit: not pushed live.
    pub(crate) quiet: bool,
    pub(crate) conversation: ConversationKey,
    pub(crate) seq: u64,
    pub(crate) message: MessageId,
    pub(crate) delivery_id: DeliveryId,
    /// The same for all recipients.
    pub(crate) frame: Arc<LiveFrame>,
}

/// A message that was committed, for its sender's `echo` sockets.
#[derive(Debug)]
pub(crate) struct OwnPublished {
    pub(crate) sender: AgentKey,
    pub(crate) conversation: ConversationKey,
    pub(crate) seq: u64,
    /// The whole frame, `is_own` true.
    pub(crate) frame: Arc<str>,
}

/// A frame other than `message.new`.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// The whole frame.
    pub(crate) text: Arc<str>,
    /// Presence and typing: not worth a slow socket's queue.
    pub(crate) droppable: bool,
}

/// What happened to an agent's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    KeyRotated,
    #[cfg_attr(not(test), expect(dead_code, reason = "enforcement and operators suspend in a later part"))]
    Suspended,
    Deleted,
    /// `paused_by_owner` is another; sockets look which.
    #[cfg_attr(not(test), expect(dead_code, reason = "owners pause in a later part"))]
    PauseChanged,
}

/// Why a socket got no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// The agent has as many sockets as allowed.
    Full,
    /// The server shuts down.
    Stopping,
}

/// The registry of sockets and held requests of this process.
#[derive(Debug)]
pub(crate) struct Hub {
    shards: Vec<Mutex<HashMap<AgentKey, Arc<Feed>>>>,
    stopping: CancellationToken,
    waiting: WaitingRoom,
    sockets_per_agent: usize,
    holds_per_agent: usize,
    meters: Meters,
}

impl Hub {
    /// An empty hub with the bounds of `limits`.
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            stopping: CancellationToken::new(),
            waiting: WaitingRoom::new(number(limits.sockets_waiting_per_ip)),
            sockets_per_agent: number(limits.sockets_per_agent),
            holds_per_agent: number(limits.long_polls_per_agent),
            meters: Meters::default(),
        })
    }

    /// Hands a committed message to the recipient's live sockets and ends its held requests. Called in commit
    /// order; never blocks, and costs one look-up when nobody is there.
    pub(crate) fn publish(&self, published: Published) {
        let shard = self.shard(published.recipient);
        if let Some(feed) = shard.get(&published.recipient) {
            feed.publish(published);
        }
    }

    /// Whether some socket of `sender` asked for `echo`.
    pub(crate) fn wants_own(&self, sender: AgentKey) -> bool {
        self.shard(sender).get(&sender).is_some_and(|feed| feed.has_echo())
    }

    /// Hands a committed message to its sender's `echo` sockets. Called in commit order.
    pub(crate) fn publish_own(&self, own: OwnPublished) {
        let shard = self.shard(own.sender);
        if let Some(feed) = shard.get(&own.sender) {
            feed.publish_own(own);
        }
    }

    /// Writes a frame to all sockets of an agent, unless it is fully paused.
    pub(crate) fn event(&self, agent: AgentKey, event: &Event) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.event(event);
        }
    }

    /// Closes or updates an agent's sockets after a commit.
    pub(crate) fn control(&self, agent: AgentKey, control: Control) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.control(control);
        }
    }

    /// How many sockets an agent has here.
    pub(crate) fn connections(&self, agent: AgentKey) -> usize {
        self.shard(agent).get(&agent).map_or(0, |feed| feed.sockets())
    }

    /// How many sockets there are here in all.
    pub(crate) fn all_connections(&self) -> usize {
        (0..SHARDS).map(|index| self.lock(index).values().map(|feed| feed.sockets()).sum::<usize>()).sum()
    }

    /// Holds a request of `agent` until something happens; ends the oldest when too many are held.
    pub(crate) fn hold(self: &Arc<Self>, agent: AgentKey) -> Hold {
        let cell = Arc::new(HoldCell::default());
        let mut shard = self.shard(agent);
        shard.entry(agent).or_default().hold(self.holds_per_agent, Arc::clone(&cell));
        drop(shard);
        if self.stopping.is_cancelled() {
            cell.end(super::hold::Held::Stopping);
        }
        Hold::new(Arc::clone(self), agent, cell)
    }

    /// A sync call of `agent` from the client named `client` returns these rows (position, conversation, seq;
    /// ascending); `short` when there were fewer than its limit. Tells the sockets whose drain waits for it.
    /// To be called before the answer is written.
    pub(crate) fn sync_page(
        &self,
        agent: AgentKey,
        client: &str,
        rows: impl IntoIterator<Item = (u64, ConversationKey, u64)>,
        short: bool,
    ) {
        let shard = self.shard(agent);
        let Some(feed) = shard.get(&agent).filter(|feed| feed.is_led_by(client)) else { return };
        let mut page = SyncedPage { span: None, rows: Vec::new(), short };
        for (position, conversation, seq) in rows {
            page.span = Some((page.span.map_or(position, |(first, _)| first), position));
            page.rows.push((conversation, seq));
        }
        feed.synced(client, &page);
    }

    /// A call of `agent` acked everything up to `position`. Tells the sockets whose drain waits for it.
    pub(crate) fn acked_through(&self, agent: AgentKey, position: u64) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.acked_through(position);
        }
    }

    /// Closes every socket (1001) and ends every held request; nobody may join afterwards.
    pub(crate) fn shutdown(&self) {
        self.stopping.cancel();
        for index in 0..SHARDS {
            for feed in self.lock(index).values() {
                feed.stop();
            }
        }
    }

    /// Cancelled when the server shuts down.
    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Lets a socket of `address` wait for its HELLO; `None` when too many wait already.
    pub(super) fn wait_for_hello(self: &Arc<Self>, address: IpAddr) -> Option<Waiting> {
        self.waiting.enter(Arc::clone(self), address)
    }

    pub(super) fn waiting_room(&self) -> &WaitingRoom {
        &self.waiting
    }

    /// Registers an authenticated socket. With `led_by`, sync calls of that client are reported to it.
    pub(super) fn join(self: &Arc<Self>, agent: AgentKey, echo: bool, led_by: Option<&str>) -> Result<Seat, NoSeat> {
        let mut shard = self.shard(agent);
        if self.stopping.is_cancelled() {
            return Err(NoSeat::Stopping);
        }
        let feed = Arc::clone(shard.entry(agent).or_default());
        let id = feed.join(self.sockets_per_agent, echo, led_by).ok_or(NoSeat::Full)?;
        self.meters.connected();
        Ok(Seat { hub: Arc::clone(self), agent, feed, id })
    }

    fn leave(&self, seat: &Seat) {
        let mut shard = self.shard(seat.agent);
        seat.feed.leave(seat.id);
        self.meters.disconnected();
        forget_if_deserted(&mut shard, seat.agent);
    }

    pub(super) fn let_go(&self, agent: AgentKey, cell: &Arc<HoldCell>) {
        let mut shard = self.shard(agent);
        if let Some(feed) = shard.get(&agent) {
            feed.let_go(cell);
        }
        forget_if_deserted(&mut shard, agent);
    }

    fn shard(&self, agent: AgentKey) -> MutexGuard<'_, HashMap<AgentKey, Arc<Feed>>> {
        self.lock(agent.0 as usize % SHARDS)
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, HashMap<AgentKey, Arc<Feed>>> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_if_deserted(shard: &mut HashMap<AgentKey, Arc<Feed>>, agent: AgentKey) {
    if shard.get(&agent).is_some_and(|feed| feed.is_deserted()) {
        shard.remove(&agent);
    }
}

/// An authenticated socket's place at the hub; leaving is dropping it.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    agent: AgentKey,
    feed: Arc<Feed>,
    id: u32,
}

impl Seat {
    /// What happened besides frames; the task is woken at the next change of any kind.
    pub(super) fn poll_notices(&self, context: &Context<'_>) -> Option<Box<Notices>> {
        self.feed.poll_notices(self.id, context)
    }

    /// From now on fresh frames are kept for this socket.
    pub(super) fn listen(&self) {
        self.feed.listen(self.id);
    }

    /// Sync calls are not reported any more.
    pub(super) fn end_lead(&self) {
        self.feed.end_lead(self.id);
    }

    /// No frames are kept any more.
    pub(super) fn ignore(&self) {
        self.feed.ignore(self.id);
    }

    /// Moves the fresh frames into `items`; false when some were lost.
    pub(super) fn take(&self, items: &mut VecDeque<Item>) -> bool {
        self.feed.take(self.id, items)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(self);
    }
}

#[cfg(test)]
mod tests;
