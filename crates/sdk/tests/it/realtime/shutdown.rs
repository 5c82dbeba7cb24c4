//! Leaving: prompt, complete, once (D-30).

use agentchat::realtime::machine::Input;

use super::scenario::{Opening, Scenario, options, page, with_rest};

#[test]
fn d30_a_a_peer_that_does_not_answer_the_close_is_left_after_a_second() {
    let mut s = Scenario::connected(options());
    s.feed(Input::Shutdown);
    s.expect("close 1000");
    s.at(1.0);
    s.expect("X 1000 · S 0");
    assert_eq!(s.machine.deadline(), None);
}

#[test]
fn a_peer_that_answers_the_close_ends_it_at_once() {
    let mut s = Scenario::connected(options());
    s.feed(Input::Shutdown);
    s.close(1000, "");
    s.expect("close 1000 · X 1000 · S 0");
}

#[test]
fn d30_c_what_waits_behind_a_hole_is_handled_before_leaving() {
    let mut s = Scenario::connected(options());
    s.live([1, 3, 5]);
    s.feed(Input::Shutdown);
    s.at(2.0);
    s.expect("M 1 · A c1 · M 3 · A c3 · M 5 · A c5 · G(gap_fill_unavailable, false, 2, 3) · close 1000 · X 1000 · S 0");
}

#[test]
fn d30_d_a_handler_that_never_returns_is_left_behind_unacknowledged() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (3600.0, true));
    s.start();
    s.live([1]);
    s.feed(Input::Shutdown);
    s.at(6.5);
    s.expect("M 1 · close 1000 · X 1000 · S 1");
    s.at(4000.0);
    s.expect("");
}

#[test]
fn d30_b_e_frames_after_the_shutdown_and_a_second_shutdown_change_nothing() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (0.5, true));
    s.start();
    s.live([1]);
    s.feed(Input::Shutdown);
    s.live([2]);
    s.feed(Input::Shutdown);
    s.at(10.0);
    s.expect("M 1 · A c1 · close 1000 · X 1000 · S 0");
    s.feed(Input::Shutdown);
    s.feed(Input::Connect);
    s.at(100.0);
    s.expect("");
}

#[test]
fn held_messages_go_back_to_a_server_that_offers_them_again() {
    let mut s = Scenario::new(with_rest());
    s.pages.push_back(None);
    s.start();
    s.live([1, 2]);
    s.feed(Input::Shutdown);
    s.at(2.0);
    assert_eq!((s.of("M").len(), s.of("A").len()), (0, 0));
}

#[test]
fn rows_that_were_handled_are_acknowledged_on_the_way_out() {
    let mut s = Scenario::new(with_rest());
    s.handler(|id, _| (if id == "c3" { 3600.0 } else { 0.5 }, true)).pages.push_back(page(1..=4));
    s.start();
    s.at(0.2);
    s.feed(Input::Shutdown);
    s.at(10.0);
    assert_eq!(s.of("M"), ["M c1", "M c2", "M c3"]);
    assert_eq!(s.of("K"), ["K del_2"]);
    assert_eq!(s.of("S"), ["S 2"]);
}

#[test]
fn an_attempt_that_is_under_way_is_given_up() {
    let mut s = Scenario::new(options());
    s.openings.push_back(Opening::Pending);
    s.start();
    s.feed(Input::Shutdown);
    s.expect("close 1000 · S 0");
}

#[test]
fn a_socket_that_ends_while_handlers_finish_is_reported_once() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (1.0, true));
    s.start();
    s.live([1]);
    s.feed(Input::Shutdown);
    s.close(1001, "");
    s.at(10.0);
    s.expect("M 1 · X 1001 · S 0");
}
