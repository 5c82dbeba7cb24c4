//! Holes: found at any time, closed from history, never a false alarm (D-1, D-2, D-12 – D-16, D-31).

use agentchat::realtime::machine::{Input, Options};

use super::scenario::{Scenario, message, no_drain, options, rows};

#[test]
fn d01_a_a_hole_is_found_although_everything_before_was_handled() {
    let mut s = Scenario::connected(options());
    s.live([1, 2, 5]);
    s.expect("M 1 · A c1 · M 2 · A c2");
    s.at(1.999);
    s.expect("");
    s.at(2.0);
    s.expect("M 5 · A c5 · G(gap_fill_unavailable, false, 3, 5)");
}

#[test]
fn d01_b_and_d31_a_a_hole_is_closed_from_history_and_what_was_found_is_acknowledged() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((2, Some((0.0, Ok(rows([3, 4, 5]))))));
    s.live([1, 2, 5]);
    s.at(2.0);
    s.expect(
        "M 1 · A c1 · M 2 · A c2 · Q hist(2) · M 3 · A c3 · M 4 · A c4 · M 5 · A c5 · G(gap_filled, true, 3, none)",
    );
}

#[test]
fn d01_c_a_hole_is_found_after_a_long_pause() {
    let mut s = Scenario::connected(options());
    s.live([1, 2]);
    s.at(600.0);
    s.took();
    s.live([5]);
    s.at(601.9);
    s.expect("");
    s.at(602.0);
    s.expect("M 5 · A c5 · G(gap_fill_unavailable, false, 3, 5)");
}

#[test]
fn d02_a_reordered_messages_are_put_in_order() {
    let mut s = Scenario::connected(options());
    s.live([1, 2, 4, 3]);
    s.at(10.0);
    s.expect("M 1 · A c1 · M 2 · A c2 · M 3 · A c3 · M 4 · A c4");
}

#[test]
fn d02_b_what_comes_after_its_hole_was_given_up_comes_late() {
    let mut s = Scenario::connected(options());
    s.live([1, 2, 5]);
    s.at(2.0);
    s.took();
    s.live([3, 4]);
    s.at(10.0);
    s.expect("M 3 late · A c3 · M 4 late · A c4");
}

#[test]
fn d12_a_a_hole_given_up_while_handlers_run_is_reported_once_and_in_its_place() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (0.2, true));
    s.start();
    s.live([1, 3, 4]);
    s.at(2.35);
    s.live([2]);
    s.at(10.0);
    s.expect("M 1 · A c1 · M 3 · A c3 · M 4 · A c4 · G(gap_fill_unavailable, false, 2, 3) · M 2 late · A c2");
}

#[test]
fn d12_e_a_flood_behind_a_hole_that_is_being_filled_stays_in_order() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((0.4, Ok(rows([2]))))));
    s.live([1, 3]);
    s.at(2.1);
    s.live(4..=504);
    s.at(10.0);
    let expected: Vec<String> = (1..=504).map(|n| format!("M c{n}")).collect();
    assert_eq!(s.of("M"), expected);
    assert_eq!(s.of("G"), ["G(gap_filled, true, 2, none)"]);
}

#[test]
fn d12_g_too_much_behind_a_hole_is_released() {
    let mut s = Scenario::connected(options());
    s.live([1]);
    s.live(3..=502);
    assert_eq!(s.of("M"), ["M c1"]);
    s.live([503]);
    assert_eq!(s.of("M").len(), 502);
    assert_eq!(s.of("G"), ["G(buffer_overflow, false, 2, 3)"]);
}

#[test]
fn d13_a_a_hole_that_history_closes_in_part_is_not_recovered() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((0.0, Ok(rows([2, 4]))))));
    s.live([1, 3, 6]);
    s.at(2.0);
    s.expect(
        "M 1 · A c1 · Q hist(1) · M 2 · A c2 · M 3 · A c3 · M 4 · A c4 · M 6 · A c6 · G(gap_fill_failed, false, 2, 6)",
    );
}

#[test]
fn d13_b_a_long_hole_is_closed_page_by_page() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((0.0, Ok(rows(2..=201))))));
    s.history.push_back((201, Some((0.0, Ok(rows(202..=401))))));
    s.live([1, 402]);
    s.at(2.0);
    assert_eq!(s.of("M").len(), 402);
    assert_eq!(s.of("G"), ["G(gap_filled, true, 2, none)"]);
    assert_eq!(s.of("Q"), ["Q hist(1)", "Q hist(201)"]);
}

#[test]
fn d13_c_a_hole_whose_history_fails_is_given_up() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((0.0, Err("503")))));
    s.live([1, 3, 6]);
    s.at(2.0);
    s.expect("M 1 · A c1 · Q hist(1) · M 3 · A c3 · M 6 · A c6 · G(gap_fill_failed, false, 2, 3)");
}

#[test]
fn d13_d_history_that_does_not_advance_ends_the_fill() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((0.0, Ok(rows(2..=201))))));
    s.history.push_back((201, Some((0.0, Ok(rows(2..=201))))));
    s.live([1, 402]);
    s.at(2.0);
    assert_eq!(s.of("G"), ["G(gap_fill_failed, false, 2, 402)"]);
    assert_eq!(s.of("M").len(), 202);
}

#[test]
fn d13_e_history_that_never_answers_ends_the_fill_after_ten_seconds() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((60.0, Ok(rows([2]))))));
    s.live([1, 3]);
    s.at(11.9);
    s.expect("M 1 · A c1 · Q hist(1)");
    s.at(12.0);
    s.expect("M 3 · A c3 · G(gap_fill_failed, false, 2, 3)");
    s.at(70.0);
    s.expect("M 2 late · A c2");
}

#[test]
fn d14_a_a_hole_that_closes_by_itself_during_the_fill_is_no_alarm() {
    let mut s = Scenario::connected(no_drain());
    s.history.push_back((1, Some((0.2, Ok(rows([2, 3]))))));
    s.live([1, 3]);
    s.at(2.1);
    s.live([2]);
    s.at(30.0);
    s.expect("M 1 · A c1 · Q hist(1) · M 2 · A c2 · M 3 · A c3");
}

#[test]
fn d14_b_a_hole_that_closes_in_time_asks_nothing() {
    let mut s = Scenario::connected(no_drain());
    s.live([1, 3]);
    s.at(1.9);
    s.live([2]);
    s.at(30.0);
    s.expect("M 1 · A c1 · M 2 · A c2 · M 3 · A c3");
}

#[test]
fn d15_a_a_redelivery_does_not_move_the_place() {
    let mut s = Scenario::connected(options());
    s.live(1..=6);
    s.took();
    s.live([2, 7]);
    s.at(10.0);
    s.expect("A c2 · M 7 · A c7");
}

#[test]
fn d16_a_idle_conversations_are_bounded() {
    let mut s = Scenario::connected(options());
    for conversation in 0..5000 {
        s.live_in(&format!("k{conversation}."), [1]);
    }
    assert!(s.machine.conversations() <= 4096);
    for conversation in 0..5000 {
        s.live_in(&format!("k{conversation}."), [2]);
    }
    s.at(10.0);
    assert_eq!(s.of("M").len(), 10_000);
    assert_eq!(s.of("G"), Vec::<String>::new());
}

#[test]
fn d16_b_what_waits_behind_holes_is_bounded_in_all() {
    let mut s = Scenario::connected(options());
    for conversation in 0..100 {
        let name = format!("k{conversation}.");
        s.live_in(&name, [1]);
        s.live_in(&name, 3..=152);
        assert!(s.machine.pending() <= 10_000);
    }
    let gaps = s.of("G");
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap == "G(buffer_overflow, false, 2, 3)"), "{gaps:?}");
    assert_eq!((s.of("M k0.152").len(), s.of("M k99.152").len()), (1, 0));
}

#[test]
fn own_sends_are_no_holes() {
    let mut s = Scenario::connected(options());
    s.live([1]);
    s.feed(Input::OwnSend { conversation: "c".into(), seq: 2 });
    s.live([3]);
    s.at(10.0);
    s.expect("M 1 · A c1 · M 3 · A c3");
}

#[test]
fn an_own_send_that_is_reported_after_the_answer_closes_the_hole() {
    let mut s = Scenario::connected(options());
    s.live([1, 3]);
    s.at(0.5);
    s.feed(Input::OwnSend { conversation: "c".into(), seq: 2 });
    s.expect("M 1 · A c1 · M 3 · A c3");
    s.at(10.0);
    s.expect("");
}

#[test]
fn the_echo_of_an_own_send_is_handed_out_too() {
    let mut s = Scenario::connected(options());
    s.live([1]);
    s.feed(Input::OwnSend { conversation: "c".into(), seq: 2 });
    s.live([3, 2]);
    s.expect("M 1 · A c1 · M 3 · A c3 · M 2 late · A c2");
}

#[test]
fn two_messages_at_one_place_are_both_handed_out() {
    let mut s = Scenario::connected(options());
    s.live([1, 3]);
    let mut twin = message("c", 3);
    twin.meta.id = Some("twin".into());
    s.frame(agentchat::realtime::machine::Frame::Message(twin));
    s.live([2]);
    s.expect("M 1 · A c1 · M 2 · A c2 · M 3 · A c3 · M twin · A twin");
}

#[test]
fn a_hole_survives_a_reconnect_without_acknowledgements() {
    let mut s = Scenario::new(Options { auto_drain: false, ..options() });
    s.legacy = true;
    s.start();
    s.live([1, 3]);
    s.at(0.5);
    s.close(1006, "");
    s.at(1.5);
    s.live([2]);
    assert_eq!(s.of("M"), ["M c1", "M c2", "M c3"]);
    assert_eq!(s.of("G"), Vec::<String>::new());
}

#[test]
fn after_a_reconnect_with_acknowledgements_a_hole_was_settled_elsewhere() {
    let mut s = Scenario::connected(options());
    s.live([1]);
    s.close(1006, "");
    s.at(0.5);
    s.took();
    s.live([4]);
    s.expect("M 4 · A c4");
}
