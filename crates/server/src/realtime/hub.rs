//! Who is connected, and the way from a commit to their sockets.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Instant;

use agentchat_bus::{Bus, Subject};
use agentchat_protocol::id::{DeliveryId, MessageId};
use agentchat_protocol::message::LiveFrame;
use agentchat_store::key::{AgentKey, ConversationKey};
use tokio_util::sync::CancellationToken;

use super::feed::{Feed, Item, Notices, SyncedPage};
use super::hold::{Hold, HoldCell};
use super::meters::Meters;
use super::payload::{self, Told};
use super::presence::Attendance;
use super::relay::Relay;
use super::typing::Starts;
use super::waiting::{Waiting, WaitingRoom};
use crate::callers::Callers;
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
    Suspended,
    Deleted,
    /// `paused_by_owner` is another; sockets look which.
    PauseChanged,
}

/// What the store says about an agent's log and account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Last position of the log.
    pub(crate) position: u64,
    /// Counts key rotations and status changes.
    pub(crate) epoch: i64,
    /// Fully paused.
    pub(crate) paused: bool,
}

/// How an agent is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Socket,
    Stream,
}

/// Why a socket got no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// The agent has as many sockets as allowed.
    Full,
    /// The server shuts down.
    Stopping,
}

type Shard = HashMap<AgentKey, Arc<Feed>>;

/// The registry of sockets and held requests of this process.
#[derive(Debug)]
pub(crate) struct Hub {
    shards: Vec<Mutex<Shard>>,
    stopping: CancellationToken,
    waiting: WaitingRoom,
    sockets_per_agent: usize,
    holds_per_agent: usize,
    meters: Meters,
    attendance: Attendance,
    starts: Starts,
    /// There may be other nodes.
    relay: Option<Relay>,
}

impl Hub {
    /// An empty hub with the bounds of `limits`; with a relay if other nodes may share the store.
    pub(crate) fn new(limits: &Limits, relay: Option<Relay>) -> Arc<Self> {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            stopping: CancellationToken::new(),
            waiting: WaitingRoom::new(number(limits.sockets_waiting_per_ip)),
            sockets_per_agent: number(limits.sockets_per_agent),
            holds_per_agent: number(limits.long_polls_per_agent),
            meters: Meters::default(),
            attendance: Attendance::default(),
            starts: Starts::default(),
            relay,
        })
    }

    /// Lets the other nodes hear what this one is told, and this one hear them. Before anybody is served.
    pub(crate) fn connect(&self, bus: Arc<dyn Bus>) {
        if let Some(relay) = &self.relay {
            relay.connect(bus);
        }
    }

    /// Who comes and goes, and what is to be told of that.
    pub(crate) fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    /// Who began to compose, of the agents here.
    pub(super) fn starts(&self) -> &Starts {
        &self.starts
    }

    /// Has it looked at again whether an agent is here.
    pub(crate) fn note_presence(&self, agent: AgentKey) {
        self.attendance.moved(agent);
    }

    /// The way to other nodes, if there may be some.
    pub(crate) fn relay(&self) -> Option<&Relay> {
        self.relay.as_ref()
    }

    /// Hands a committed message to the recipient's live sockets and ends its held requests. Called in commit
    /// order; never blocks, and costs one look-up when nobody is there.
    pub(crate) fn publish(&self, published: Published) {
        self.tell(published.recipient, || payload::published(&published));
        self.publish_here(published);
    }

    fn publish_here(&self, published: Published) {
        let shard = self.shard(published.recipient);
        if let Some(feed) = shard.get(&published.recipient) {
            feed.publish(published);
        }
    }

    /// Whether some socket of `sender` may have asked for `echo`; what is elsewhere is not known.
    pub(crate) fn wants_own(&self, sender: AgentKey) -> bool {
        let elsewhere = self.relay.as_ref().is_some_and(Relay::has_bus);
        elsewhere || self.shard(sender).get(&sender).is_some_and(|feed| feed.has_echo())
    }

    /// Hands a committed message to its sender's `echo` sockets. Called in commit order.
    pub(crate) fn publish_own(&self, own: OwnPublished) {
        self.tell(own.sender, || payload::own(&own));
        self.publish_own_here(own);
    }

    fn publish_own_here(&self, own: OwnPublished) {
        let shard = self.shard(own.sender);
        if let Some(feed) = shard.get(&own.sender) {
            feed.publish_own(own);
        }
    }

    /// Writes a frame to all sockets of an agent, unless it is fully paused.
    pub(crate) fn event(&self, agent: AgentKey, event: &Event) {
        self.tell(agent, || payload::event(agent, event));
        self.event_here(agent, event);
    }

    /// The same for many agents; where there are other nodes, they are told once.
    pub(crate) fn events(&self, agents: &[AgentKey], event: &Event) {
        if let [agent] = agents {
            return self.event(*agent, event);
        }
        if let Some(relay) = &self.relay {
            relay.tell(Subject::All, || payload::events(agents, event));
        }
        self.events_here(agents, event);
    }

    fn events_here(&self, agents: &[AgentKey], event: &Event) {
        for agent in agents {
            self.event_here(*agent, event);
        }
    }

    /// As [`Hub::event`], on each socket once the agent's log was written to it up to `position`.
    pub(crate) fn event_behind(&self, agent: AgentKey, position: u64, event: &Event) {
        self.tell(agent, || payload::event_behind(agent, position, event));
        self.event_behind_here(agent, position, event);
    }

    fn event_behind_here(&self, agent: AgentKey, position: u64, event: &Event) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.event_behind(position, event);
        }
    }

    fn event_here(&self, agent: AgentKey, event: &Event) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.event(event);
        }
    }

    /// Tells every node, sockets or not, that an agent is another than it remembers; with a control, closes or
    /// updates its sockets everywhere.
    pub(crate) fn changed(&self, agent: AgentKey, control: Option<Control>) {
        if let Some(relay) = &self.relay {
            relay.tell(Subject::All, || payload::changed(agent, control));
        }
        if let Some(control) = control {
            self.control(agent, control);
        }
    }

    /// Closes or updates an agent's sockets here.
    fn control(&self, agent: AgentKey, control: Control) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.control(control);
        }
    }

    /// What another node told, from the bus.
    pub(crate) fn hear(&self, callers: &Callers, payload: &[u8]) {
        match payload::read(payload) {
            Ok(Told::Published(published)) => self.publish_here(published),
            Ok(Told::Own(own)) => self.publish_own_here(own),
            Ok(Told::Event(agent, event)) => self.event_here(agent, &event),
            Ok(Told::EventBehind(agent, position, event)) => self.event_behind_here(agent, position, &event),
            Ok(Told::Events(agents, event)) => self.events_here(&agents, &event),
            Ok(Told::Changed(agent, control)) => {
                callers.forget(agent);
                match control {
                    // It may come late, and be over by now: the sockets look for themselves.
                    Some(Control::Suspended) => self.control(agent, Control::KeyRotated),
                    Some(control) => self.control(agent, control),
                    None => {}
                }
            }
            Ok(Told::Synced(agent, client, page)) => self.synced_here(agent, &client, &page),
            Ok(Told::Acked(agent, position)) => self.acked_here(agent, position),
            Err(why) => tracing::debug!(%why, bytes = payload.len(), "ignored what another node told"),
        }
    }

    /// Hands what the store says about an agent to its sockets and held requests here, if it is new to them.
    pub(crate) fn look(&self, agent: AgentKey, head: Head) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.look(head);
        }
    }

    fn tell(&self, agent: AgentKey, payload: impl FnOnce() -> bytes::Bytes) {
        if let Some(relay) = &self.relay {
            relay.tell(Subject::Agent(agent.0), payload);
        }
    }

    /// Everybody with a socket or a held request here, and when [`Hub::look`] was last called for them.
    pub(crate) fn agents(&self) -> Vec<(Option<Instant>, AgentKey)> {
        let of = |index| self.lock(index).iter().map(|(agent, feed)| (feed.looked(), *agent)).collect::<Vec<_>>();
        (0..SHARDS).flat_map(of).collect()
    }

    /// Whether an agent has a socket or a held request here.
    pub(crate) fn is_here(&self, agent: AgentKey) -> bool {
        self.shard(agent).contains_key(&agent)
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
        self.feed(&mut shard, agent).hold(self.holds_per_agent, Arc::clone(&cell));
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
        let elsewhere = self.relay.as_ref().is_some_and(Relay::has_bus);
        if !elsewhere && !self.shard(agent).get(&agent).is_some_and(|feed| feed.is_led_by(client)) {
            return;
        }
        let mut page = SyncedPage { span: None, rows: Vec::new(), short };
        for (position, conversation, seq) in rows {
            page.span = Some((page.span.map_or(position, |(first, _)| first), position));
            page.rows.push((conversation, seq));
        }
        self.tell(agent, || payload::synced(agent, client, &page));
        self.synced_here(agent, client, &page);
    }

    fn synced_here(&self, agent: AgentKey, client: &str, page: &SyncedPage) {
        if let Some(feed) = self.shard(agent).get(&agent) {
            feed.synced(client, page);
        }
    }

    /// A call of `agent` acked everything up to `position`. Tells the sockets whose drain waits for it.
    pub(crate) fn acked_through(&self, agent: AgentKey, position: u64) {
        self.tell(agent, || payload::acked(agent, position));
        self.acked_here(agent, position);
    }

    fn acked_here(&self, agent: AgentKey, position: u64) {
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
    pub(crate) fn stopping(&self) -> &CancellationToken {
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
        self.seat(Kind::Socket, agent, echo, led_by)
    }

    /// Registers a stream; it counts as a socket.
    pub(super) fn join_stream(self: &Arc<Self>, agent: AgentKey) -> Result<Seat, NoSeat> {
        self.seat(Kind::Stream, agent, false, None)
    }

    /// A socket of an agent, for tests of who is there.
    #[cfg(test)]
    pub(crate) fn join_for_test(self: &Arc<Self>, agent: AgentKey) -> impl Drop + use<> {
        self.join(agent, false, None).expect("a seat")
    }

    fn seat(self: &Arc<Self>, kind: Kind, agent: AgentKey, echo: bool, led_by: Option<&str>) -> Result<Seat, NoSeat> {
        let mut shard = self.shard(agent);
        if self.stopping.is_cancelled() {
            return Err(NoSeat::Stopping);
        }
        let feed = Arc::clone(self.feed(&mut shard, agent));
        let Some(id) = feed.join(self.sockets_per_agent, echo, led_by) else {
            self.forget_if_deserted(&mut shard, agent);
            return Err(NoSeat::Full);
        };
        if feed.sockets() == 1 {
            self.attendance.moved(agent);
        }
        self.meters.connected(kind);
        Ok(Seat { hub: Arc::clone(self), kind, agent, feed, id })
    }

    fn leave(&self, seat: &Seat) {
        let mut shard = self.shard(seat.agent);
        seat.feed.leave(seat.id);
        if seat.feed.sockets() == 0 {
            self.attendance.moved(seat.agent);
        }
        self.meters.disconnected(seat.kind);
        self.forget_if_deserted(&mut shard, seat.agent);
    }

    pub(super) fn let_go(&self, agent: AgentKey, cell: &Arc<HoldCell>) {
        let mut shard = self.shard(agent);
        if let Some(feed) = shard.get(&agent) {
            feed.let_go(cell);
        }
        self.forget_if_deserted(&mut shard, agent);
    }

    /// The feed of an agent, made for its first socket or held request.
    fn feed<'a>(&self, shard: &'a mut Shard, agent: AgentKey) -> &'a Arc<Feed> {
        shard.entry(agent).or_insert_with(|| {
            // Under the shard's lock, so that coming and going reach the bus in order.
            if let Some(relay) = &self.relay {
                relay.arrive(agent);
            }
            Arc::default()
        })
    }

    fn forget_if_deserted(&self, shard: &mut Shard, agent: AgentKey) {
        if shard.get(&agent).is_some_and(|feed| feed.is_deserted()) {
            shard.remove(&agent);
            if let Some(relay) = &self.relay {
                relay.desert(agent);
            }
        }
    }

    fn shard(&self, agent: AgentKey) -> MutexGuard<'_, Shard> {
        self.lock(agent.0 as usize % SHARDS)
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An authenticated socket's place at the hub; leaving is dropping it.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    kind: Kind,
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
