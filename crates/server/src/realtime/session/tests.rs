use agentchat_protocol::id::MessageId;
use agentchat_store::key::ConversationKey;

use super::*;

const ALICE_AND_BOB: ConversationKey = ConversationKey(1);
const SECOND: Duration = Duration::from_secs(1);

fn begin() -> Begin {
    Begin {
        ack: true,
        own: OwnMessages::JustInTime,
        epoch: 0,
        paused: false,
        lead: None,
        reoffer: Some(Duration::from_secs(300)),
        after: 0,
    }
}

fn led() -> Begin {
    Begin { lead: Some((SECOND, 30 * SECOND)), ..begin() }
}

fn row(position: u64, seq: u64) -> Row<u64> {
    let message = MessageId::from_bytes([position as u8; 16]);
    Row { position, conversation: ALICE_AND_BOB, seq, quiet: false, message, body: position }
}

fn quiet(position: u64, seq: u64) -> Row<u64> {
    Row { quiet: true, ..row(position, seq) }
}

fn page(rows: Vec<Row<u64>>, last_position: u64) -> Page<u64> {
    Page { rows, full: false, last_position, epoch: 0, status: AgentStatus::Active, paused: false }
}

fn fresh(row: Row<u64>) -> Fresh<u64> {
    Fresh::Received { row, epoch: 0 }
}

fn own(seq: u64) -> OwnRow<u64> {
    OwnRow { conversation: ALICE_AND_BOB, seq, body: 1_000 + seq }
}

/// Executes steps until there is nothing to write; returns what was written and the step that ended it.
fn run(session: &mut Session<u64>, now: Duration) -> (Vec<u64>, Step<u64>) {
    let mut written = Vec::new();
    loop {
        match session.next(now) {
            Step::Write(writing) => written.push(writing.body),
            step => return (written, step),
        }
    }
}

fn ask_page(after: u64) -> Step<u64> {
    Step::Ask(Ask::Page { after, limit: PAGE, pass: false })
}

fn pass_page(after: u64) -> Step<u64> {
    Step::Ask(Ask::Page { after, limit: PAGE, pass: true })
}

/// A session that has caught up with an empty log.
fn live(begin: &Begin) -> Session<u64> {
    let mut session = Session::new(begin, Duration::ZERO);
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(page(vec![], 0));
    assert_eq!(session.next(Duration::ZERO), Step::Take);
    session
}

#[test]
fn drains_page_by_page_then_turns_live() {
    let mut session = Session::new(&begin(), Duration::ZERO);
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    assert_eq!(session.next(Duration::ZERO), Step::Idle, "one question at a time");
    session.page(Page { full: true, ..page(vec![row(1, 1), row(2, 2)], 3) });
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1, 2], ask_page(2)));
    session.page(page(vec![row(3, 3)], 3));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![3], Step::Take));
}

#[test]
fn nothing_is_written_twice_or_lost_between_drain_and_live() {
    let mut session = Session::new(&begin(), Duration::ZERO);
    session.next(Duration::ZERO);
    session.page(page(vec![row(1, 1), row(2, 2)], 2));
    run(&mut session, Duration::ZERO);
    for position in 1..=3 {
        session.offer(fresh(row(position, position)));
    }
    assert_eq!(run(&mut session, Duration::ZERO), (vec![3], Step::Take));
}

#[test]
fn a_gap_makes_it_read_the_store() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    session.offer(fresh(row(3, 3)));
    assert_eq!(run(&mut session, Duration::ZERO).1, ask_page(0), "what was queued is read again");
    session.page(page(vec![row(1, 1), row(2, 2), row(3, 3)], 3));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1, 2, 3], Step::Take));
}

#[test]
fn lost_frames_make_it_read_from_the_last_written() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    run(&mut session, Duration::ZERO);
    session.lost();
    assert_eq!(session.next(Duration::ZERO), ask_page(1));
}

#[test]
fn quiet_rows_are_drained_if_they_were_there_before_and_passed_over_afterwards() {
    let mut session = Session::new(&begin(), Duration::ZERO);
    session.next(Duration::ZERO);
    session.page(page(vec![quiet(1, 1)], 1));
    assert_eq!(run(&mut session, Duration::ZERO).0, vec![1]);
    session.offer(fresh(quiet(2, 2)));
    session.offer(fresh(row(3, 3)));
    assert_eq!(run(&mut session, Duration::ZERO).0, vec![] as Vec<u64>, "a hole: own rows are asked for first");
    session.own_rows(vec![]);
    assert_eq!(run(&mut session, Duration::ZERO).0, vec![3]);
    session.lost();
    session.next(Duration::ZERO);
    session.page(page(vec![quiet(4, 4), row(5, 5)], 5));
    assert_eq!(
        run(&mut session, Duration::ZERO).1,
        Step::Ask(Ask::OwnRows { conversation: ALICE_AND_BOB, after_seq: 3, before_seq: 5 })
    );
    session.own_rows(vec![]);
    assert_eq!(run(&mut session, Duration::ZERO).0, vec![5]);
}

#[test]
fn another_epoch_makes_it_look_at_the_credentials_before_anything_is_written() {
    let mut session = live(&begin());
    session.offer(Fresh::Received { row: row(1, 1), epoch: 1 });
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(Page { epoch: 1, ..page(vec![row(1, 1)], 1) });
    assert_eq!(session.next(Duration::ZERO), Step::Ask(Ask::Credentials));
    session.credentials(None);
    assert_eq!(session.next(Duration::ZERO), Step::Close(close::API_KEY_ROTATED));
}

#[test]
fn a_new_epoch_with_a_key_that_still_opens_goes_on() {
    let mut session = live(&begin());
    session.key_changed();
    assert_eq!(session.next(Duration::ZERO), Step::Ask(Ask::Credentials));
    session.credentials(Some((1, AgentStatus::Restricted)));
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(Page { epoch: 1, status: AgentStatus::Restricted, ..page(vec![row(1, 1)], 1) });
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1], Step::Take));
}

#[test]
fn suspended_and_deleted_accounts_are_closed() {
    for (status, close) in
        [(AgentStatus::Suspended, close::ACCOUNT_SUSPENDED), (AgentStatus::Deleted, close::ACCOUNT_DELETED)]
    {
        let mut session = Session::new(&begin(), Duration::ZERO);
        session.next(Duration::ZERO);
        session.page(Page { status, ..page(vec![row(1, 1)], 1) });
        assert_eq!(session.next(Duration::ZERO), Step::Close(close));
    }
}

#[test]
fn own_rows_close_a_hole_just_in_time() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    session.offer(fresh(row(2, 4)));
    let hole = Ask::OwnRows { conversation: ALICE_AND_BOB, after_seq: 1, before_seq: 4 };
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1], Step::Ask(hole)));
    session.own_rows(vec![own(2), own(3)]);
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1_002, 1_003, 2], Step::Take));
}

#[test]
fn no_own_rows_before_the_first_row_of_a_conversation() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 5)));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1], Step::Take));
}

#[test]
fn no_own_rows_unless_asked_for() {
    let mut session = live(&Begin { own: OwnMessages::Never, ..begin() });
    session.offer(fresh(row(1, 1)));
    session.offer(fresh(row(2, 3)));
    session.offer(Fresh::Own(own(4)));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1, 2], Step::Take));
}

#[test]
fn echo_writes_own_rows_when_they_are_stored_and_leaves_them_out_of_a_drain() {
    let mut session = Session::new(&Begin { own: OwnMessages::Echo, ..begin() }, Duration::ZERO);
    session.next(Duration::ZERO);
    session.offer(Fresh::Own(own(1)));
    session.page(page(vec![row(1, 2)], 1));
    session.offer(Fresh::Own(own(3)));
    session.offer(fresh(row(2, 4)));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1, 1_003, 2], Step::Take));
}

#[test]
fn a_position_is_passed_once_everything_up_to_it_is_written() {
    let mut session = Session::new(&begin(), Duration::ZERO);
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    assert!(session.has_passed(0) && !session.has_passed(1));
    session.page(Page { full: true, ..page(vec![row(1, 1), row(2, 2)], 3) });
    assert!(!session.has_passed(1), "they wait to be written");
    assert!(matches!(session.next(Duration::ZERO), Step::Write(_)));
    assert!(session.has_passed(1) && !session.has_passed(2));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![2], ask_page(2)));
    session.page(page(vec![], 3));
    assert!(session.has_passed(3), "it was settled elsewhere");
    session.offer(fresh(row(4, 4)));
    assert!(!session.has_passed(4));
    session.lost();
    assert!(session.has_passed(3) && !session.has_passed(4), "it is read once more");
}

#[test]
fn full_pause_is_silent_and_the_log_is_drained_afterwards() {
    let mut session = live(&begin());
    session.pause_changed();
    assert!(!session.may_write_events());
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(Page { paused: true, ..page(vec![row(1, 1)], 1) });
    assert_eq!(run(&mut session, Duration::ZERO), (vec![], Step::Idle));
    assert!(session.is_paused() && !session.may_write_events());
    session.offer(fresh(quiet(2, 2)));
    session.pause_changed();
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(page(vec![row(1, 1), quiet(2, 2)], 2));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1, 2], Step::Take));
    assert!(session.may_write_events());
}

#[test]
fn a_page_asked_before_the_pause_changed_is_not_believed() {
    let mut session = live(&begin());
    session.lost();
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.pause_changed();
    session.page(page(vec![row(1, 1)], 1));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![], ask_page(0)));
}

#[test]
fn an_empty_backlog_means_no_wait() {
    let mut session = Session::new(&led(), Duration::ZERO);
    assert_eq!(session.next(Duration::ZERO), Step::Ask(Ask::Page { after: 0, limit: 1, pass: false }));
    session.page(page(vec![], 7));
    assert!(!session.is_led());
    session.offer(fresh(row(8, 1)));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![8], Step::Take));
}

/// A session that waits for the sync call, with a backlog.
fn waiting() -> Session<u64> {
    let mut session = Session::new(&led(), Duration::ZERO);
    session.next(Duration::ZERO);
    session.page(Page { full: true, ..page(vec![row(1, 1)], 3) });
    session
}

#[test]
fn without_a_sync_call_the_drain_starts_after_the_wait() {
    let mut session = waiting();
    assert_eq!(session.next(SECOND - Duration::from_millis(1)), Step::Idle);
    assert_eq!(session.deadline(), Some(SECOND));
    assert_eq!(session.next(SECOND), ask_page(0));
    session.page(page(vec![row(1, 1), row(2, 2)], 3));
    assert_eq!(run(&mut session, SECOND), (vec![1, 2], Step::Take));
}

#[test]
fn a_short_sync_page_ends_the_wait_once_it_is_acked_and_is_left_out() {
    let mut session = waiting();
    let rows = vec![(ALICE_AND_BOB, 1), (ALICE_AND_BOB, 2)];
    session.synced(SECOND / 2, &SyncedPage { span: Some((1, 2)), rows, short: true });
    assert_eq!(session.next(2 * SECOND), Step::Idle);
    session.acked_through(2 * SECOND, 1);
    assert_eq!(session.next(2 * SECOND), Step::Idle, "the client still works on the second row");
    session.acked_through(2 * SECOND, 2);
    assert_eq!(session.next(2 * SECOND), ask_page(0));
    session.page(page(vec![row(1, 1), row(2, 2), row(3, 4)], 3));
    let hole = Ask::OwnRows { conversation: ALICE_AND_BOB, after_seq: 2, before_seq: 4 };
    assert_eq!(run(&mut session, SECOND), (vec![], Step::Ask(hole)), "what was synced counts as written");
    session.own_rows(vec![own(3)]);
    assert_eq!(run(&mut session, SECOND), (vec![1_003, 3], Step::Take));
}

#[test]
fn a_sync_page_that_is_never_acked_holds_the_drain_thirty_seconds_at_most() {
    let mut session = waiting();
    session.synced(SECOND / 2, &SyncedPage { span: Some((1, 3)), rows: vec![], short: true });
    assert_eq!(session.deadline(), Some(30 * SECOND));
    assert_eq!(session.next(30 * SECOND), ask_page(0));
}

#[test]
fn who_acks_less_than_a_page_holds_the_drain_a_second_more() {
    let mut session = waiting();
    session.synced(SECOND / 2, &SyncedPage { span: Some((1, 3)), rows: vec![], short: true });
    session.acked_through(SECOND, 1);
    assert_eq!(session.deadline(), Some(2 * SECOND));
    session.acked_through(2 * SECOND - SECOND / 2, 2);
    assert_eq!(session.next(2 * SECOND), Step::Idle);
    assert_eq!(session.next(3 * SECOND), ask_page(0));
    // An ack that ends where a page ended is that page's: the next one is still worked on.
    let mut session = waiting();
    session.synced(SECOND / 2, &SyncedPage { span: Some((1, 2)), rows: vec![], short: false });
    session.synced(SECOND / 2, &SyncedPage { span: Some((3, 3)), rows: vec![], short: true });
    session.acked_through(SECOND, 2);
    assert_eq!(session.next(20 * SECOND), Step::Idle);
}

#[test]
fn acks_by_frames_end_the_wait_as_well() {
    let mut session = waiting();
    let rows = vec![(ALICE_AND_BOB, 1), (ALICE_AND_BOB, 2)];
    session.synced(SECOND / 2, &SyncedPage { span: Some((1, 2)), rows, short: true });
    session.acked_by_frame(1);
    assert_eq!(session.next(SECOND), Step::Idle);
    session.acked_by_frame(1);
    assert_eq!(session.next(SECOND), ask_page(0));
}

#[test]
fn an_ack_between_two_sync_pages_does_not_end_the_wait() {
    let mut session = waiting();
    session.synced(SECOND / 2, &SyncedPage { span: Some((1, 2)), rows: vec![], short: false });
    session.acked_through(SECOND / 2, 2);
    assert_eq!(session.next(SECOND / 2), Step::Idle);
    session.synced(SECOND, &SyncedPage { span: None, rows: vec![], short: true });
    assert_eq!(session.next(SECOND), ask_page(0), "all that was given is acked");
}

#[test]
fn a_full_sync_page_extends_the_wait_thirty_seconds_at_most() {
    let mut session = waiting();
    let full = |first, last| SyncedPage { span: Some((first, last)), rows: vec![], short: false };
    session.synced(SECOND / 2, &full(1, 1));
    assert_eq!(session.next(2 * SECOND), Step::Idle);
    session.synced(2 * SECOND, &full(2, 2));
    assert_eq!(session.deadline(), Some(30 * SECOND));
    assert_eq!(session.next(30 * SECOND), ask_page(0));
    session.page(page(vec![row(1, 1), row(2, 2), row(3, 3)], 3));
    assert_eq!(run(&mut session, 30 * SECOND), (vec![3], Step::Take));
}

#[test]
fn unsettled_deliveries_are_offered_again_and_again() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    session.offer(fresh(row(2, 2)));
    run(&mut session, 5 * SECOND);
    assert_eq!(session.deadline(), Some(305 * SECOND));
    assert_eq!(session.next(304 * SECOND), Step::Take);
    for pass in 1..=3_u32 {
        let now = (300 * pass + 5) * SECOND;
        assert_eq!(session.next(now), pass_page(0));
        session.page(page(vec![row(2, 2)], 2));
        assert_eq!(run(&mut session, now), (vec![2], Step::Take));
        assert_eq!(session.deadline(), Some(now + 300 * SECOND));
    }
    let now = 1_205 * SECOND;
    assert_eq!(session.next(now), pass_page(0));
    session.page(page(vec![], 2));
    assert_eq!(run(&mut session, now), (vec![], Step::Take));
    assert_eq!(session.deadline(), None, "all settled");
}

#[test]
fn what_was_written_later_is_offered_again_later() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    run(&mut session, Duration::ZERO);
    session.offer(fresh(row(2, 2)));
    run(&mut session, 100 * SECOND);
    assert_eq!(session.next(300 * SECOND), pass_page(0));
    session.page(page(vec![row(2, 2)], 2));
    assert_eq!(run(&mut session, 300 * SECOND), (vec![], Step::Take), "written 200 s ago; the oldest is settled");
    assert_eq!(session.deadline(), Some(400 * SECOND), "the passes start over");
    assert_eq!(session.next(400 * SECOND), pass_page(0));
    session.page(page(vec![row(2, 2)], 2));
    assert_eq!(run(&mut session, 400 * SECOND), (vec![2], Step::Take));
}

#[test]
fn a_pass_leaves_fresh_frames_their_turn_and_passes_over_quiet_rows() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    session.offer(fresh(quiet(2, 2)));
    session.offer(fresh(row(3, 2)));
    run(&mut session, Duration::ZERO);
    assert_eq!(session.next(300 * SECOND), pass_page(0));
    session.page(Page { full: true, ..page(vec![row(1, 1), quiet(2, 2)], 3) });
    assert_eq!(run(&mut session, 300 * SECOND), (vec![1], Step::Take));
    session.offer(fresh(row(4, 3)));
    assert_eq!(run(&mut session, 300 * SECOND), (vec![4], pass_page(2)));
    session.page(page(vec![row(3, 2), row(4, 3)], 4));
    assert_eq!(run(&mut session, 300 * SECOND), (vec![3], Step::Take));
}

#[test]
fn sockets_without_ack_offer_nothing_again() {
    let mut session = live(&Begin { ack: false, reoffer: None, own: OwnMessages::Never, ..begin() });
    session.offer(fresh(row(1, 1)));
    run(&mut session, Duration::ZERO);
    assert_eq!(session.deadline(), None);
    assert_eq!(session.next(1_000 * SECOND), Step::Take);
}

/// A log, a ring and a store around a session.
struct World {
    session: Session<u64>,
    /// Whether each message was quiet; its position is its index + 1.
    log: Vec<bool>,
    ring: Vec<u64>,
    lost: bool,
    asked: Option<(u64, usize)>,
    written: Vec<u64>,
}

impl World {
    fn new(waiting: Vec<bool>) -> Self {
        let begin = Begin { own: OwnMessages::Never, ..begin() };
        let session = Session::new(&begin, Duration::ZERO);
        Self { session, log: waiting, ring: Vec::new(), lost: false, asked: None, written: Vec::new() }
    }

    fn row(&self, position: u64) -> Row<u64> {
        Row { quiet: self.log[position as usize - 1], ..row(position, position) }
    }

    fn commit(&mut self, is_quiet: bool) {
        self.log.push(is_quiet);
        self.ring.push(self.log.len() as u64);
    }

    fn run(&mut self) {
        loop {
            match self.session.next(Duration::ZERO) {
                Step::Write(writing) => self.written.push(writing.body),
                Step::Ask(Ask::Page { after, limit, .. }) => {
                    (self.ring, self.lost) = (Vec::new(), false);
                    self.asked = Some((after, limit));
                }
                Step::Take if self.lost => self.session.lost(),
                Step::Take if self.ring.is_empty() => return,
                Step::Take => {
                    for position in std::mem::take(&mut self.ring) {
                        let row = self.row(position);
                        self.session.offer(fresh(row));
                    }
                }
                Step::Idle => return,
                step => panic!("{step:?}"),
            }
        }
    }

    /// The store answers, as of now.
    fn answer(&mut self) {
        let Some((after, limit)) = self.asked.take() else { return };
        let last = self.log.len() as u64;
        let rows: Vec<_> = (after + 1..=last).take(limit).map(|position| self.row(position)).collect();
        self.session.page(Page { full: rows.len() == limit, ..page(rows, last) });
    }
}

proptest::proptest! {
    #[test]
    fn whatever_happens_everything_is_written_once_in_order(
        waiting in proptest::collection::vec(proptest::bool::ANY, 0..150),
        events in proptest::collection::vec(0..8_u8, 0..300),
    ) {
        let before = waiting.len() as u64;
        let mut world = World::new(waiting);
        // What is committed before the first page is read counts as waiting.
        world.run();
        world.answer();
        for event in events {
            match event {
                0..=2 => world.commit(false),
                3 => world.commit(true),
                4 => (world.lost, world.ring) = (true, Vec::new()),
                5 => world.answer(),
                _ => world.run(),
            }
        }
        while { world.run(); world.asked.is_some() } {
            world.answer();
        }
        let expected: Vec<u64> =
            (1..=world.log.len() as u64).filter(|position| *position <= before || !world.log[*position as usize - 1]).collect();
        proptest::prop_assert_eq!(world.written, expected);
    }
}

fn seen(position: u64) -> Head {
    Head { position, epoch: 0, paused: false }
}

#[test]
fn a_log_that_reaches_further_is_read_and_one_that_does_not_is_left_alone() {
    let mut session = live(&begin());
    session.offer(fresh(row(1, 1)));
    run(&mut session, Duration::ZERO);
    assert!(!session.look(seen(1)));
    assert_eq!(session.next(Duration::ZERO), Step::Take);
    assert!(session.look(seen(3)));
    assert_eq!(session.next(Duration::ZERO), ask_page(1));
    session.page(page(vec![row(2, 2), row(3, 3)], 3));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![2, 3], Step::Take));
}

#[test]
fn a_page_that_is_older_than_what_is_known_is_not_the_end_of_the_drain() {
    let mut session = Session::new(&begin(), Duration::ZERO);
    session.next(Duration::ZERO);
    session.look(seen(3));
    session.page(page(vec![row(1, 1)], 1));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1], ask_page(1)));
    session.page(page(vec![row(3, 2)], 3));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![3], Step::Take));
    // The first look into an empty log, before a sync call leads.
    let mut session = Session::new(&led(), Duration::ZERO);
    session.next(Duration::ZERO);
    session.look(seen(1));
    session.page(page(vec![], 0));
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(page(vec![], 0));
    assert_eq!(session.next(Duration::ZERO), Step::Take, "it is not asked for ever");
}

#[test]
fn another_epoch_in_the_store_makes_it_look_at_account_and_credentials() {
    let rotated = Head { epoch: 1, ..seen(0) };
    let mut session = live(&begin());
    assert!(session.look(rotated));
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(Page { epoch: 1, ..page(vec![row(1, 1)], 1) });
    assert_eq!(session.next(Duration::ZERO), Step::Ask(Ask::Credentials));
    session.credentials(None);
    assert_eq!(session.next(Duration::ZERO), Step::Close(close::API_KEY_ROTATED));

    let mut session = live(&begin());
    session.look(rotated);
    session.next(Duration::ZERO);
    session.page(Page { epoch: 1, status: AgentStatus::Deleted, ..page(vec![], 0) });
    assert_eq!(session.next(Duration::ZERO), Step::Close(close::ACCOUNT_DELETED));
}

#[test]
fn a_look_that_came_late_costs_a_page_and_nothing_more() {
    let mut session = Session::new(&Begin { epoch: 2, ..begin() }, Duration::ZERO);
    session.next(Duration::ZERO);
    session.page(Page { epoch: 2, ..page(vec![], 0) });
    assert!(session.look(Head { epoch: 1, ..seen(0) }));
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(Page { epoch: 2, ..page(vec![], 0) });
    assert_eq!(session.next(Duration::ZERO), Step::Take);
}

#[test]
fn a_pause_seen_in_the_store_silences_and_its_end_drains() {
    let mut session = live(&begin());
    assert!(session.look(Head { paused: true, ..seen(1) }));
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(Page { paused: true, ..page(vec![quiet(1, 1)], 1) });
    assert_eq!(session.next(Duration::ZERO), Step::Idle);
    assert!(!session.look(Head { paused: true, ..seen(2) }));
    assert!(session.look(seen(2)));
    assert_eq!(session.next(Duration::ZERO), ask_page(0));
    session.page(page(vec![quiet(1, 1), row(2, 2)], 2));
    assert_eq!(run(&mut session, Duration::ZERO), (vec![1, 2], Step::Take));
}

#[test]
fn a_lead_goes_on_when_the_log_does() {
    let mut session = Session::new(&led(), Duration::ZERO);
    session.next(Duration::ZERO);
    session.page(page(vec![row(1, 1)], 1));
    assert!(!session.look(seen(2)));
    assert_eq!(session.next(Duration::ZERO), Step::Idle, "the sync call is waited for");
    assert_eq!(session.next(SECOND), ask_page(0));
}
