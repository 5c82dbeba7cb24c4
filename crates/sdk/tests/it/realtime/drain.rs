//! The backlog: a live frame never hides it, nothing in it is acknowledged before it was handled (D-3 – D-6, D-8, D-29).

use agentchat::realtime::machine::{DrainRow, Input, Options};

use super::scenario::{Scenario, message, no_drain, options, page, rows, with_rest};

#[test]
fn d03_a_a_live_frame_waits_for_the_backlog() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(Some((0.05, page([7, 8, 9]).unwrap().1)));
    s.start();
    s.live([10]);
    s.expect("Q sync(none)");
    s.at(10.0);
    s.expect("M 7 · M 8 · M 9 · M 10 · K del_9 · A c10");
}

#[test]
fn d03_b_a_row_that_comes_both_ways_is_handled_once() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(Some((0.05, page([1, 2, 3]).unwrap().1)));
    s.start();
    s.live([3]);
    s.at(10.0);
    s.expect("Q sync(none) · M 1 · M 2 · M 3 · A c3 · K del_3");
}

#[test]
fn d03_c_when_the_backlog_cannot_be_read_live_frames_go_on() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(Some((0.05, Err("503"))));
    s.pages.push_back(page([7, 8, 9]));
    s.start();
    s.live([10]);
    s.at(29.0);
    s.expect("Q sync(none) · E sync drain failed: 503 · M 10 · A c10");
    s.at(31.0);
    s.expect("Q sync(none) · M 7 late · M 8 late · M 9 late · K del_9");
}

#[test]
fn d03_d_the_wait_for_the_backlog_is_bounded() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(None);
    s.start();
    s.live([10]);
    s.at(9.9);
    s.expect("Q sync(none)");
    s.at(10.0);
    s.expect("M 10 · A c10");
}

#[test]
fn d03_e_an_explicit_drain_hands_out_late_what_was_passed() {
    let mut s = Scenario::connected(no_drain());
    s.pages.push_back(page([7, 8, 9]));
    s.live([10]);
    s.expect("M 10 · A c10");
    s.feed(Input::DrainRequested);
    s.expect("Q sync(none) · M 7 late · M 8 late · M 9 late · K del_9");
}

#[test]
fn d04_a_a_failed_row_is_never_acknowledged() {
    let mut s = Scenario::new(with_rest());
    s.fail_once("c2").pages.push_back(page([1, 2, 3]));
    s.pages.push_back(page([2]));
    s.start();
    s.at(29.0);
    s.expect("Q sync(none) · M 1 · M 2 · M 3 · K del_1 · A c3");
    s.at(60.0);
    s.expect("Q sync(none) · M 2 late · K del_2");
}

#[test]
fn d04_b_without_socket_acknowledgements_the_rest_waits_for_the_next_pass() {
    let mut s = Scenario::new(with_rest());
    s.legacy = true;
    s.fail_once("c2").pages.push_back(page([1, 2, 3]));
    s.pages.push_back(page([2, 3]));
    s.start();
    s.at(29.0);
    s.expect("Q sync(none) · M 1 · M 2 · M 3 · K del_1");
    s.at(60.0);
    s.expect("Q sync(none) · M 2 late · K del_3");
}

#[test]
fn d04_c_a_failure_freezes_the_cursor_for_the_rest_of_the_pass() {
    let mut s = Scenario::new(with_rest());
    s.fail_once("c50").pages.extend([page(1..=100), page([101])]);
    s.start();
    s.at(20.0);
    assert_eq!(s.of("M").len(), 101);
    assert_eq!(s.of("K"), ["K del_49"]);
    let expected: Vec<String> = (51..=101).map(|n| format!("A c{n}")).collect();
    assert_eq!(s.of("A"), expected);
}

#[test]
fn d05_a_holes_between_rows_were_settled_elsewhere() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(page([1, 3, 4]));
    s.start();
    s.expect("Q sync(none) · M 1 · M 3 · M 4 · K del_4");
    s.at(10.0);
    s.expect("");
}

#[test]
fn d05_b_a_row_that_waits_behind_a_hole_is_not_acknowledged() {
    let mut options = with_rest();
    options.reconnect.enabled = false;
    let mut s = Scenario::new(options);
    s.legacy = true;
    s.pages.push_back(page([1, 3, 4]));
    s.history.push_back((1, Some((0.0, Ok(rows([2, 3, 4]))))));
    s.start();
    s.expect("Q sync(none) · M 1");
    s.at(1.0);
    s.close(1006, "");
    s.took();
    s.at(2.0);
    s.expect("Q hist(1) · M 2 · M 3 · M 4 · G(gap_filled, true, 2, none) · K del_4");
}

#[test]
fn d06_a_without_a_handler_nothing_is_consumed() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(page([1, 5]));
    s.feed(Input::Connect);
    s.live([5]);
    s.expect("O");
    s.at(1.0);
    s.handlers(true);
    s.expect("Q sync(none) · M 1 · M 5 · A c5 · K del_5");
}

#[test]
fn d06_b_without_a_client_a_message_waits_for_its_handler() {
    let mut s = Scenario::new(options());
    s.feed(Input::Connect);
    s.live([5]);
    s.expect("O");
    s.at(1.0);
    s.handlers(true);
    s.expect("M 5 · A c5");
}

#[test]
fn d06_c_a_handler_may_go_and_come_back() {
    let mut s = Scenario::connected(options());
    s.live([5]);
    s.handlers(false);
    s.live([6]);
    s.expect("M 5 · A c5");
    s.handlers(true);
    s.expect("M 6 · A c6");
}

#[test]
fn d06_d_a_closed_client_drains_nothing() {
    let mut s = Scenario::connected(with_rest());
    s.feed(Input::Shutdown);
    s.took();
    s.feed(Input::DrainRequested);
    assert_eq!(s.took(), ["D"]);
}

#[test]
fn d06_e_a_listener_without_a_message_handler_stays_bounded() {
    for options in [options(), with_rest()] {
        let mut s = Scenario::new(options);
        s.feed(Input::Connect);
        for n in 1..=20_000 {
            s.live([n]);
        }
        let presence = r#"{"type":"presence.update","payload":{}}"#;
        let raw = agentchat::RawJson::new(presence).unwrap();
        s.frame(agentchat::realtime::machine::Frame::Other { kind: "presence.update".into(), raw });
        assert!(s.machine.pending() <= 10_000);
        assert_eq!((s.of("A").len(), s.of("M").len(), s.of("V").len()), (0, 0, 1));
    }
}

#[test]
fn d08_d_an_invalid_row_is_skipped_and_never_acknowledged() {
    let mut s = Scenario::new(with_rest());
    let invalid = DrainRow::Invalid { delivery_id: None, reason: "its id is not a string".to_owned() };
    let rows = vec![DrainRow::Valid(message("c", 1)), invalid, DrainRow::Valid(message("c", 3))];
    s.pages.push_back(Some((0.0, Ok(rows))));
    s.start();
    s.at(600.0);
    s.expect("Q sync(none) · M 1 · E sync drain skipped row 1: its id is not a string · M 3 · K del_1 · A c3");
}

#[test]
fn d12_c_a_message_that_comes_both_ways_at_once_is_handled_once() {
    let mut s = Scenario::new(with_rest());
    s.handler(|_, _| (0.1, true)).pages.push_back(page([1, 2]));
    s.start();
    s.live([1, 2]);
    s.at(10.0);
    s.expect("Q sync(none) · M 1 · A c1 · M 2 · A c2 · K del_2");
}

#[test]
fn d12_d_a_reconnect_in_the_middle_of_a_drain_handles_nothing_twice() {
    let mut options = with_rest();
    options.reconnect.initial = std::time::Duration::from_millis(100);
    let mut s = Scenario::new(options);
    s.handler(|_, _| (0.1, true)).pages.extend([page(1..=5), page(1..=5)]);
    s.start();
    s.at(0.15);
    s.close(1006, "");
    s.at(10.0);
    assert_eq!(s.of("M"), ["M c1", "M c2", "M c3", "M c4", "M c5"]);
    assert_eq!(s.of("Q"), ["Q sync(none)", "Q sync(none)"]);
    assert_eq!(s.of("K"), ["K del_5"]);
}

#[test]
fn d12_f_two_drains_are_one() {
    let mut s = Scenario::connected(no_drain());
    s.handler(|_, _| (0.1, true)).pages.push_back(page([1]));
    s.feed(Input::DrainRequested);
    s.feed(Input::DrainRequested);
    s.at(10.0);
    assert_eq!(s.took(), ["Q sync(none)", "M c1", "K del_1", "D"]);
}

#[test]
fn d29_a_a_backlog_larger_than_the_memory_of_ids_is_not_handled_twice() {
    let mut s = Scenario::connected(no_drain());
    s.live(1..=5000);
    s.pages.extend((0..50).map(|n| page(n * 100 + 1..=n * 100 + 100)));
    s.feed(Input::DrainRequested);
    s.at(10.0);
    assert_eq!(s.of("M").len(), 5000);
    let expected: Vec<String> = (1..=50).map(|n| format!("K del_{}", n * 100)).collect();
    assert_eq!(s.of("K"), expected);
}

#[test]
fn d29_b_without_memory_copies_are_handled_again_but_never_at_once() {
    let mut s = Scenario::connected(Options { dedup_capacity: 0, ..options() });
    s.live([1, 1]);
    s.expect("M 1 · A c1 · M 1 late · A c1");
    let mut s = Scenario::new(Options { dedup_capacity: 0, ..options() });
    s.handler(|_, _| (1.0, true));
    s.start();
    s.live([1, 1]);
    s.at(10.0);
    s.expect("M 1 · A c1");
}

#[test]
fn a_full_page_is_acknowledged_before_the_next_request_when_it_is_settled() {
    let mut s = Scenario::connected(no_drain());
    s.live(1..=100);
    s.took();
    s.pages.extend([page(1..=100), page([101])]);
    s.feed(Input::DrainRequested);
    s.expect("Q sync(none) · K del_100 · Q sync(del_100) · M 101 · K del_101");
}

#[test]
fn reading_stops_while_too_many_rows_are_unsettled() {
    let mut s = Scenario::new(with_rest());
    s.handler(|_, _| (0.01, true)).pages.extend((0..20).map(|n| page(n * 100 + 1..=n * 100 + 100)));
    s.start();
    assert_eq!(s.of("Q").len(), 10);
    s.at(60.0);
    assert_eq!(s.of("M").len(), 2000);
    assert_eq!(s.of("K").last().map(String::as_str), Some("K del_2000"));
}

#[test]
fn a_cursor_that_does_not_advance_ends_the_pass() {
    let mut s = Scenario::new(with_rest());
    s.pages.extend([page(1..=100), page(1..=100)]);
    s.start();
    assert_eq!(s.of("Q"), ["Q sync(none)", "Q sync(del_100)"]);
    assert_eq!(s.of("E").len(), 1);
}

#[test]
fn what_was_shed_is_read_again_once_there_is_room() {
    let mut options = with_rest();
    options.tuning.pending_limit = 10;
    let mut s = Scenario::new(options);
    s.handler(|_, _| (1.0, true));
    s.start();
    s.took();
    s.live(1..=15);
    assert_eq!(s.machine.pending(), 10);
    s.pages.push_back(page(1..=15));
    s.at(60.0);
    let expected: Vec<String> = (1..=15).map(|n| format!("M c{n}")).collect();
    assert_eq!(s.of("M"), expected);
    assert_eq!(s.of("K"), ["K del_15"]);
}

#[test]
fn without_a_way_to_read_again_reading_stops_when_too_much_is_in_hand() {
    let mut options = options();
    options.tuning.pending_limit = 10;
    let mut s = Scenario::new(options);
    s.legacy = true;
    s.handler(|_, _| (1.0, true));
    s.start();
    s.live(1..=10);
    assert!(!s.paused);
    s.live([11]);
    assert!(s.paused);
    s.at(7.0);
    assert!(!s.paused);
    s.at(60.0);
    assert_eq!(s.of("M").len(), 11);
}

#[test]
fn rows_behind_a_hole_do_not_keep_reading_and_themselves_waiting() {
    let mut options = with_rest();
    options.tuning.drain_page = 2;
    options.tuning.drain_window = 2;
    let mut s = Scenario::new(options);
    s.legacy = true;
    s.pages.extend([page([1, 3]), page([5, 7]), page([9, 11])]);
    s.history.extend([(1, Some((0.0, Ok(rows([2, 4, 6]))))), (7, Some((0.0, Ok(rows([8, 10])))))]);
    s.start();
    s.at(60.0);
    assert_eq!(s.of("M").len(), 11);
    assert_eq!(s.of("K").last().map(String::as_str), Some("K del_11"));
}
