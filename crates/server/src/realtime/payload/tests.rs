use proptest::prelude::*;

use super::*;

fn a_message(quiet: bool, head: &str) -> Published {
    Published {
        recipient: AgentKey(-7),
        position: u64::MAX,
        epoch: 3,
        quiet,
        conversation: ConversationKey(12),
        seq: 40,
        message: MessageId::from_bytes([1; 16]),
        delivery_id: DeliveryId::from_bytes([2; 16]),
        frame: Arc::new(LiveFrame { head: head.into(), tail: "é\"}".into() }),
    }
}

fn page(rows: usize, short: bool) -> SyncedPage {
    let rows: Vec<_> = (0..rows as u64).map(|row| (ConversationKey(row as i64 - 3), row * 7)).collect();
    SyncedPage { span: (!rows.is_empty()).then_some((4, 9)), rows, short }
}

/// One payload of each kind.
fn all() -> Vec<Bytes> {
    let controls = [Control::KeyRotated, Control::Suspended, Control::Deleted, Control::PauseChanged];
    let mut payloads = vec![
        published(&a_message(true, "{\"id\":\"")),
        own(&OwnPublished { sender: AgentKey(1), conversation: ConversationKey(2), seq: 3, frame: "own".into() }),
        event(AgentKey(1), &Event { text: "an event".into(), droppable: true }),
        event_behind(AgentKey(1), 9, &Event { text: "an event".into(), droppable: false }),
        changed(AgentKey(1), None),
        synced(AgentKey(1), "python_sdk", &page(3, true)),
        acked(AgentKey(1), 77),
    ];
    payloads.extend(controls.map(|control| changed(AgentKey(1), Some(control))));
    payloads
}

/// As `Debug` prints it: every field of everything told has it.
fn told(payload: &[u8]) -> String {
    format!("{:?}", read(payload).unwrap())
}

#[test]
fn what_is_told_is_read() {
    for head in ["", "{\"id\":\"", &"ü".repeat(100_000)] {
        for quiet in [false, true] {
            let message = a_message(quiet, head);
            assert_eq!(told(&published(&message)), format!("{:?}", Told::Published(message)));
        }
    }
    let mine = || OwnPublished { sender: AgentKey(1), conversation: ConversationKey(2), seq: 3, frame: "own".into() };
    assert_eq!(told(&own(&mine())), format!("{:?}", Told::Own(mine())));
    for droppable in [false, true] {
        let it = Event { text: "text".into(), droppable };
        assert_eq!(told(&event(AgentKey(8), &it)), format!("{:?}", Told::Event(AgentKey(8), it.clone())));
        assert_eq!(told(&event_behind(AgentKey(8), 7, &it)), format!("{:?}", Told::EventBehind(AgentKey(8), 7, it)));
    }
    for rows in [0, 1, 500] {
        let expected = format!("{:?}", Told::Synced(AgentKey(1), "sdk".into(), page(rows, rows < 200)));
        assert_eq!(told(&synced(AgentKey(1), "sdk", &page(rows, rows < 200))), expected);
    }
    assert!(matches!(read(&acked(AgentKey(1), 77)), Ok(Told::Acked(AgentKey(1), 77))));
}

#[test]
fn each_change_of_an_account_is_read_as_itself() {
    let controls = [Control::KeyRotated, Control::Suspended, Control::Deleted, Control::PauseChanged].map(Some);
    for control in controls.into_iter().chain([None]) {
        assert!(matches!(
            read(&changed(AgentKey(5), control)),
            Ok(Told::Changed(AgentKey(5), read)) if read == control
        ));
    }
}

#[test]
fn other_versions_and_kinds_are_ignored() {
    let mut payload = acked(AgentKey(1), 2).to_vec();
    payload[1] = 200;
    assert_eq!(read(&payload).unwrap_err(), Unreadable::Kind(200));
    payload[0] = 2;
    assert_eq!(read(&payload).unwrap_err(), Unreadable::Version(2));
    assert_eq!(read(&[]).unwrap_err(), Unreadable::Damaged);
}

#[test]
fn what_a_later_release_adds_behind_is_ignored() {
    for payload in all() {
        let longer = [&payload[..], b"more"].concat();
        assert_eq!(told(&longer), told(&payload));
    }
}

#[test]
fn whatever_is_cut_short_is_damaged() {
    for payload in all() {
        for length in 2..payload.len() {
            assert_eq!(read(&payload[..length]).unwrap_err(), Unreadable::Damaged, "{length} of {payload:?}");
        }
    }
}

#[test]
fn a_list_that_claims_to_be_huge_is_damaged() {
    let mut payload = synced(AgentKey(1), "", &page(0, true)).to_vec();
    let end = payload.len();
    payload[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&payload).unwrap_err(), Unreadable::Damaged);
}

proptest! {
    #[test]
    fn garbage_is_never_more_than_an_error(kind in 0_u8..8, rest: Vec<u8>) {
        let _told_or_not = read(&[&[VERSION, kind], &rest[..]].concat());
    }
}
