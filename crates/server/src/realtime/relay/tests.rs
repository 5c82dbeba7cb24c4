use std::collections::{HashSet, VecDeque};
use std::task::{Context, Waker};

use agentchat_bus::{Health, Joined};
use agentchat_core::accounts::Caller;
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, DeliveryId, MessageId};
use agentchat_protocol::message::LiveFrame;
use agentchat_store::key::ConversationKey;

use super::super::feed::{Item, Notices};
use super::super::hub::Seat;
use super::super::{Control, Event, Head, Held, Hub, OwnPublished, Published};
use super::*;
use crate::callers::Callers;
use crate::limits::Limits;

const ALICE: AgentKey = AgentKey(1);

/// A bus whose payloads are carried by hand.
#[derive(Debug, Default)]
struct Cable {
    joined: Mutex<HashSet<Subject>>,
    sent: Mutex<Vec<(Subject, Bytes)>>,
}

impl Bus for Cable {
    fn publish(&self, subject: Subject, payload: Bytes) {
        self.sent.lock().unwrap().push((subject, payload));
    }

    fn join(&self, subject: Subject) {
        assert!(self.joined.lock().unwrap().insert(subject), "{subject:?} was joined already");
    }

    fn leave(&self, subject: Subject) {
        assert!(self.joined.lock().unwrap().remove(&subject), "{subject:?} was not joined");
    }

    fn joined(&self) -> Joined<'_> {
        Box::pin(async { true })
    }

    fn health(&self) -> Health {
        Health::Up
    }
}

struct Node {
    hub: Arc<Hub>,
    callers: Callers,
    cable: Arc<Cable>,
}

impl Node {
    fn new() -> Self {
        let (hub, cable) = (Hub::new(&Limits::default(), Some(Relay::default())), Arc::new(Cable::default()));
        hub.connect(Arc::clone(&cable) as Arc<dyn Bus>);
        Self { hub, callers: Callers::new(None), cable }
    }

    fn is_joined(&self) -> bool {
        self.cable.joined.lock().unwrap().contains(&Subject::Agent(ALICE.0))
    }

    /// Hands over everything that was sent and is wanted; answers how much that was.
    fn carry(&self, to: &Self) -> usize {
        let sent = std::mem::take(&mut *self.cable.sent.lock().unwrap());
        let wants = |subject: &Subject| *subject == Subject::All || to.cable.joined.lock().unwrap().contains(subject);
        let wanted: Vec<_> = sent.into_iter().filter(|(subject, _)| wants(subject)).collect();
        for (_, payload) in &wanted {
            to.hub.hear(&to.callers, payload);
        }
        wanted.len()
    }
}

fn published(position: u64) -> Published {
    Published {
        recipient: ALICE,
        position,
        epoch: 0,
        quiet: false,
        conversation: ConversationKey(1),
        seq: position,
        message: MessageId::from_bytes([0; 16]),
        delivery_id: DeliveryId::from_bytes([0; 16]),
        frame: Arc::new(LiveFrame { head: "head".into(), tail: "tail".into() }),
    }
}

fn head(position: u64) -> Head {
    Head { position, epoch: 0, paused: false }
}

/// Positions, and own seqs above a thousand.
fn taken(seat: &Seat) -> Vec<u64> {
    let mut items = VecDeque::new();
    assert!(seat.take(&mut items));
    let number = |item: Item| match item {
        Item::Received(published, _) => published.position,
        Item::Own(own) => 1_000 + own.seq,
    };
    items.into_iter().map(number).collect()
}

fn notices(seat: &Seat) -> Option<Box<Notices>> {
    seat.poll_notices(&Context::from_waker(Waker::noop()))
}

#[test]
fn messages_told_to_one_node_reach_seats_on_another() {
    let (here, there) = (Node::new(), Node::new());
    let (local, remote) = (here.hub.join(ALICE, true, None).unwrap(), there.hub.join(ALICE, true, None).unwrap());
    local.listen();
    remote.listen();
    here.hub.publish(published(1));
    let own = OwnPublished { sender: ALICE, conversation: ConversationKey(1), seq: 2, frame: "own".into() };
    assert!(here.hub.wants_own(AgentKey(9)), "its sockets may be elsewhere");
    here.hub.publish_own(own);
    assert_eq!(here.carry(&there), 2);
    assert_eq!((taken(&local), taken(&remote)), (vec![1, 1_002], vec![1, 1_002]));
    assert_eq!(there.carry(&here), 0, "what is heard is not told on");
}

#[test]
fn everything_else_reaches_them_too() {
    let (here, there) = (Node::new(), Node::new());
    let seat = there.hub.join(ALICE, false, Some("sdk")).unwrap();
    here.hub.event(ALICE, &Event { text: "an event".into(), droppable: true });
    here.hub.sync_page(ALICE, "sdk", [(4, ConversationKey(1), 1), (6, ConversationKey(2), 3)], true);
    here.hub.acked_through(ALICE, 6);
    assert_eq!(here.carry(&there), 3);
    let notices = notices(&seat).unwrap();
    assert_eq!((&*notices.events[0].text, notices.events[0].droppable), ("an event", true));
    let page = &notices.synced[0];
    assert_eq!((page.span, &page.rows[1], page.short), (Some((4, 6)), &(ConversationKey(2), 3), true));
    assert_eq!(notices.acked_through, 6);
}

#[test]
fn a_node_is_interested_while_there_is_a_socket_or_a_held_request() {
    let node = Node::new();
    assert!(!node.is_joined());
    let hold = node.hub.hold(ALICE);
    let seat = node.hub.join(ALICE, false, None).unwrap();
    assert_eq!(node.hub.relay().unwrap().arrivals(), [ALICE], "once");
    drop(hold);
    assert!(node.is_joined());
    drop(seat);
    assert!(!node.is_joined());
    drop(node.hub.hold(ALICE));
    assert!(!node.is_joined());
    assert!(!node.hub.is_here(ALICE));
}

#[test]
fn a_change_makes_every_node_forget_the_caller_and_concerns_its_sockets() {
    let (here, there) = (Node::new(), Node::new());
    let hash = [7; 32];
    let remember = || there.callers.remember(there.callers.as_of(), hash, alice());
    remember();
    here.hub.changed(ALICE, None);
    here.carry(&there);
    assert!(there.callers.get(&hash).is_none());
    let seat = there.hub.join(ALICE, false, None).unwrap();
    for (told, heard) in [
        (Control::KeyRotated, Control::KeyRotated),
        (Control::Deleted, Control::Deleted),
        // It may be over when it comes.
        (Control::Suspended, Control::KeyRotated),
    ] {
        remember();
        here.hub.changed(ALICE, Some(told));
        here.carry(&there);
        assert!(there.callers.get(&hash).is_none());
        assert_eq!(notices(&seat).unwrap().ended, Some(heard));
    }
    here.hub.changed(ALICE, Some(Control::PauseChanged));
    here.carry(&there);
    assert!(notices(&seat).unwrap().pause_changed);
}

fn alice() -> Arc<Caller> {
    Arc::new(Caller {
        key: ALICE,
        id: AgentId::from_bytes([1; 16]),
        handle: Handle::parse("alice").unwrap(),
        status: AgentStatus::Active,
        paused: PausedByOwner::None,
        is_system: false,
        epoch: 0,
        display_name: None,
    })
}

#[test]
fn what_cannot_be_read_is_ignored() {
    let node = Node::new();
    let seat = node.hub.join(ALICE, false, None).unwrap();
    seat.listen();
    for payload in [&b""[..], b"\x01", b"\x09\x01rest", b"\x01\x01short", b"\xff\xff\xff"] {
        node.hub.hear(&node.callers, payload);
    }
    assert!(notices(&seat).is_none());
    assert!(taken(&seat).is_empty());
}

#[test]
fn without_a_bus_nothing_is_encoded() {
    let relay = Relay::default();
    relay.tell(Subject::All, || unreachable!("nobody would get it"));
    let hub = Hub::new(&Limits::default(), Some(relay));
    assert!(!hub.wants_own(ALICE));
}

#[test]
fn what_the_store_says_is_told_to_those_to_whom_it_is_new() {
    let node = Node::new();
    let seat = node.hub.join(ALICE, false, None).unwrap();
    node.hub.look(ALICE, head(7));
    assert_eq!(notices(&seat).unwrap().head, Some(head(7)));
    node.hub.look(ALICE, head(7));
    assert!(notices(&seat).is_none(), "it knows");
    node.hub.publish(published(8));
    node.hub.look(ALICE, head(8));
    node.hub.look(ALICE, head(6));
    assert!(notices(&seat).is_none(), "it was told of the message");
    let rotated = Head { epoch: 1, ..head(8) };
    node.hub.look(ALICE, rotated);
    assert_eq!(notices(&seat).unwrap().head, Some(rotated));
    node.hub.look(AgentKey(2), head(1));
}

#[tokio::test]
async fn a_held_request_ends_when_the_store_is_ahead_of_what_it_read() {
    let node = Node::new();
    let ended = async |hold: &super::super::hold::Hold| {
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, hold.changed());
        waiting.await.ok()
    };
    let hold = node.hub.hold(ALICE);
    hold.saw(head(7));
    node.hub.look(ALICE, head(7));
    assert_eq!(ended(&hold).await, None);
    node.hub.look(ALICE, head(8));
    assert_eq!(ended(&hold).await, Some(Held::Row));
    // The hub may look before the request has read.
    let hold = node.hub.hold(ALICE);
    node.hub.look(ALICE, head(9));
    assert_eq!(ended(&hold).await, None);
    hold.saw(head(8));
    assert_eq!(ended(&hold).await, Some(Held::Row));
    let hold = node.hub.hold(ALICE);
    hold.saw(head(9));
    node.hub.look(ALICE, Head { epoch: 1, ..head(9) });
    assert_eq!(ended(&hold).await, Some(Held::Account));
}
