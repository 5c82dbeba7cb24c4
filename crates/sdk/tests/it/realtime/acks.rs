//! Acknowledgements: after handling, for every copy, again after a failure (D-7, D-11, D-32).

use super::scenario::{Scenario, options, page, with_rest};

#[test]
fn d07_a_a_failed_message_is_handed_out_again_when_it_comes_again() {
    let mut s = Scenario::new(options());
    s.fail_once("c1");
    s.start();
    s.live([1, 1, 2]);
    s.expect("M 1 · M 1 late · A c1 · M 2 · A c2");
}

#[test]
fn d07_b_every_copy_of_a_handled_message_is_acknowledged() {
    let mut s = Scenario::connected(options());
    s.live([5, 5, 6, 6]);
    s.expect("M 5 · A c5 · A c5 · M 6 · A c6 · A c6");
}

#[test]
fn d07_c_a_copy_that_comes_while_the_handler_runs_is_the_same_message() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (1.0, true));
    s.start();
    s.live([1]);
    s.at(0.5);
    s.live([1]);
    s.at(10.0);
    s.expect("M 1 · A c1");
}

#[test]
fn d07_d_a_copy_does_not_disturb_a_hole() {
    let mut s = Scenario::connected(options());
    s.live([1, 3, 1]);
    s.expect("M 1 · A c1 · A c1");
    s.live([2]);
    s.expect("M 2 · A c2 · M 3 · A c3");
}

#[test]
fn d11_a_a_failed_handler_ends_nothing_but_its_message() {
    let mut s = Scenario::new(options());
    s.handler(|id, _| (0.0, id != "c1"));
    s.start();
    s.live([1, 2]);
    s.at(10.0);
    s.expect("M 1 · M 2 · A c2");
}

#[test]
fn d32_a_a_failure_is_tried_again_without_a_reconnect() {
    let mut s = Scenario::new(with_rest());
    s.fail_once("c1");
    s.start();
    s.pages.push_back(page([1]));
    s.live([1]);
    s.at(29.9);
    s.expect("Q sync(none) · M 1");
    s.at(30.0);
    s.expect("Q sync(none) · M 1 late · A c1 · K del_1");
}

#[test]
fn d32_c_a_failed_acknowledgement_is_tried_again_less_and_less_often() {
    let mut s = Scenario::new(with_rest());
    s.pages.extend([page([1]), page([1]), page([1])]);
    s.sync_acks.extend([Err("503"), Err("503")]);
    s.start();
    s.at(29.9);
    s.expect("Q sync(none) · M 1 · K del_1 · E sync ack failed: 503");
    s.at(89.9);
    s.expect("Q sync(none) · K del_1 · E sync ack failed: 503");
    s.at(90.0);
    s.expect("Q sync(none) · K del_1");
    s.at(3600.0);
    s.expect("");
}

#[test]
fn acknowledgements_of_a_lost_connection_follow_the_next_one() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (0.2, true));
    s.start();
    s.live([1]);
    s.at(0.1);
    s.close(1001, "");
    s.at(0.4);
    s.expect("M 1 · X 1001");
    s.at(0.7);
    s.expect("O · A c1");
}

#[test]
fn without_the_capability_nothing_is_acknowledged() {
    let mut s = Scenario::new(options());
    s.legacy = true;
    s.start();
    s.live([1, 1]);
    s.expect("M 1");
}
