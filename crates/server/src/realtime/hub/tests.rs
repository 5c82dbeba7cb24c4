use std::task::Waker;

use super::super::Held;
use super::*;

const ALICE: AgentKey = AgentKey(1);

fn hub() -> Arc<Hub> {
    Hub::new(&Limits::default(), None)
}

fn published(position: u64, bytes: usize) -> Published {
    let frame = LiveFrame { head: "x".repeat(bytes).into(), tail: "".into() };
    Published {
        recipient: ALICE,
        position,
        epoch: 0,
        quiet: false,
        conversation: ConversationKey(1),
        seq: position,
        message: MessageId::from_bytes([0; 16]),
        delivery_id: DeliveryId::from_bytes([0; 16]),
        frame: Arc::new(frame),
    }
}

fn own(seq: u64) -> OwnPublished {
    OwnPublished { sender: ALICE, conversation: ConversationKey(1), seq, frame: "own".into() }
}

/// What a seat takes: positions, and own seqs above a thousand; `None` when it fell behind.
fn taken(seat: &Seat) -> Option<Vec<u64>> {
    let mut items = VecDeque::new();
    let number = |item: Item| match item {
        Item::Received(published, _) => published.position,
        Item::Own(own) => 1_000 + own.seq,
    };
    seat.take(&mut items).then(|| items.into_iter().map(number).collect())
}

fn notices(seat: &Seat) -> Option<Box<Notices>> {
    seat.poll_notices(&Context::from_waker(Waker::noop()))
}

#[test]
fn a_seat_takes_what_was_published_since_it_listens() {
    let hub = hub();
    let seat = hub.join(ALICE, false, None).unwrap();
    hub.publish(published(1, 10));
    assert_eq!(taken(&seat), None, "it does not listen");
    seat.listen();
    hub.publish(published(2, 10));
    hub.publish(published(3, 10));
    assert_eq!(taken(&seat), Some(vec![2, 3]));
    assert_eq!(taken(&seat), Some(vec![]));
    seat.ignore();
    assert_eq!(taken(&seat), None);
}

#[test]
fn all_seats_take_the_same_at_their_own_pace() {
    let hub = hub();
    let (first, second) = (hub.join(ALICE, false, None).unwrap(), hub.join(ALICE, false, None).unwrap());
    first.listen();
    second.listen();
    hub.publish(published(1, 10));
    assert_eq!(taken(&first), Some(vec![1]));
    hub.publish(published(2, 10));
    assert_eq!(taken(&second), Some(vec![1, 2]));
    assert_eq!(taken(&first), Some(vec![2]));
}

#[test]
fn who_falls_behind_by_64_frames_or_256_kib_has_lost_them() {
    let hub = hub();
    let (quick, slow) = (hub.join(ALICE, false, None).unwrap(), hub.join(ALICE, false, None).unwrap());
    quick.listen();
    slow.listen();
    for position in 1..=64 {
        hub.publish(published(position, 10));
    }
    assert_eq!(taken(&quick).map(|all| all.len()), Some(64));
    hub.publish(published(65, 10));
    assert_eq!(taken(&slow), None);
    assert_eq!(taken(&quick), Some(vec![65]));
    slow.listen();
    for position in 66..=68 {
        hub.publish(published(position, 100_000));
    }
    assert_eq!(taken(&slow), None);
}

#[test]
fn own_messages_reach_echo_seats_only_and_do_not_push_others_behind() {
    let hub = hub();
    assert!(!hub.wants_own(ALICE));
    let plain = hub.join(ALICE, false, None).unwrap();
    assert!(!hub.wants_own(ALICE));
    let echo = hub.join(ALICE, true, None).unwrap();
    assert!(hub.wants_own(ALICE));
    plain.listen();
    echo.listen();
    for seq in 1..=100 {
        hub.publish_own(own(seq));
        assert_eq!(taken(&echo), Some(vec![1_000 + seq]));
    }
    hub.publish(published(1, 10));
    assert_eq!(taken(&plain), Some(vec![1]));
}

#[test]
fn a_change_of_the_account_is_noticed_before_what_was_published_behind_it() {
    let hub = hub();
    let seat = hub.join(ALICE, false, None).unwrap();
    seat.listen();
    hub.control(ALICE, Control::PauseChanged);
    hub.publish(Published { quiet: true, ..published(1, 10) });
    assert_eq!(taken(&seat), Some(vec![]));
    assert!(notices(&seat).unwrap().pause_changed);
    assert_eq!(taken(&seat), Some(vec![1]));
}

#[test]
fn events_and_controls_reach_every_seat() {
    let hub = hub();
    let seats = [hub.join(ALICE, false, None).unwrap(), hub.join(ALICE, false, None).unwrap()];
    hub.event(ALICE, &Event { text: "an event".into(), droppable: true });
    hub.control(ALICE, Control::Suspended);
    for seat in &seats {
        let notices = notices(seat).unwrap();
        assert_eq!((&*notices.events[0].text, notices.ended), ("an event", Some(Control::Suspended)));
    }
    assert!(notices(&seats[0]).is_none());
}

#[test]
fn sync_pages_are_reported_to_seats_that_wait_for_that_client() {
    let hub = hub();
    let seat = hub.join(ALICE, false, Some("sdk")).unwrap();
    let rows = [(4, ConversationKey(1), 1), (6, ConversationKey(2), 3)];
    hub.sync_page(ALICE, "hook", rows, false);
    assert!(notices(&seat).is_none());
    hub.sync_page(ALICE, "sdk", rows, true);
    let page = &notices(&seat).unwrap().synced[0];
    assert_eq!((page.span, page.short, page.rows.len()), (Some((4, 6)), true, 2));
    seat.end_lead();
    hub.sync_page(ALICE, "sdk", rows, true);
    assert!(notices(&seat).is_none());
}

#[test]
fn seats_are_counted_bounded_and_given_back() {
    let mut limits = Limits::default();
    limits.sockets_per_agent = 2;
    let hub = Hub::new(&limits, None);
    let first = hub.join(ALICE, false, None).unwrap();
    let _second = hub.join(ALICE, false, None).unwrap();
    assert_eq!(hub.join(ALICE, false, None).err(), Some(NoSeat::Full));
    assert_eq!((hub.connections(ALICE), hub.all_connections()), (2, 2));
    drop(first);
    assert!(hub.join(ALICE, false, None).is_ok());
}

#[test]
fn nobody_joins_a_hub_that_stops() {
    let hub = hub();
    let seat = hub.join(ALICE, false, None).unwrap();
    hub.shutdown();
    assert!(notices(&seat).unwrap().stopping);
    assert_eq!(hub.join(ALICE, false, None).err(), Some(NoSeat::Stopping));
}

#[tokio::test]
async fn a_hold_ends_with_the_first_thing_that_happened_since_it_was_taken() {
    let hub = hub();
    let hold = hub.hold(ALICE);
    hub.publish(published(1, 10));
    hub.control(ALICE, Control::KeyRotated);
    assert_eq!(hold.changed().await, Held::Row);
    let hold = hub.hold(ALICE);
    hub.control(ALICE, Control::KeyRotated);
    assert_eq!(hold.changed().await, Held::Account);
    let hold = hub.hold(ALICE);
    hub.shutdown();
    assert_eq!(hold.changed().await, Held::Stopping);
    assert_eq!(hub.hold(ALICE).changed().await, Held::Stopping);
}

#[tokio::test]
async fn one_hold_too_many_ends_the_oldest() {
    let hub = hub();
    let holds: Vec<_> = (0..6).map(|_| hub.hold(ALICE)).collect();
    assert_eq!(holds[0].changed().await, Held::Replaced);
    hub.publish(published(1, 10));
    for hold in &holds[1..] {
        assert_eq!(hold.changed().await, Held::Row);
    }
    drop(holds);
    assert!(hub.shard(ALICE).is_empty(), "nobody is left");
}
