//! Lanes: one message of a conversation at a time, conversations beside each other (D-28).

use std::num::NonZeroUsize;

use agentchat::realtime::machine::Options;

use super::scenario::{Scenario, options};

#[test]
fn d28_b_a_slow_conversation_does_not_stop_another() {
    let mut s = Scenario::new(options());
    s.handler(|id, _| (if id.starts_with('a') { 10.0 } else { 0.1 }, true));
    s.start();
    s.live_in("a", [1, 2]);
    s.live_in("b", [1, 2]);
    s.at(1.0);
    s.expect("M a1 · M b1 · A b1 · M b2 · A b2");
    s.at(30.0);
    s.expect("A a1 · M a2 · A a2");
}

#[test]
fn d28_f_a_concurrency_of_one_handles_everything_one_after_another() {
    let mut s = Scenario::new(Options { concurrency: NonZeroUsize::MIN, ..options() });
    s.handler(|_, _| (1.0, true));
    s.start();
    s.live_in("a", [1]);
    s.live_in("b", [1]);
    s.live_in("a", [2]);
    s.at(10.0);
    s.expect("M a1 · A a1 · M b1 · A b1 · M a2 · A a2");
}

#[test]
fn d28_g_quick_handlers_run_in_the_order_of_arrival() {
    let mut s = Scenario::connected(options());
    for (conversation, n) in [("a", 1), ("b", 1), ("a", 2), ("b", 2)] {
        s.live_in(conversation, [n]);
    }
    assert_eq!(s.of("M"), ["M a1", "M b1", "M a2", "M b2"]);
}

#[test]
fn at_most_sixteen_conversations_run_and_a_long_jam_is_reported() {
    let mut s = Scenario::new(options());
    s.handler(|_, _| (40.0, true));
    s.start();
    for conversation in 0..20 {
        s.live_in(&format!("k{conversation:02}."), [1]);
    }
    assert_eq!(s.of("M").len(), 16);
    s.at(35.0);
    assert_eq!(s.of("W").len(), 1);
    s.at(41.0);
    assert_eq!(s.of("M").len(), 20);
}

#[test]
fn a_message_without_a_place_is_handed_out_at_once() {
    let mut s = Scenario::connected(options());
    let mut nowhere = super::scenario::message("c", 9);
    nowhere.meta.seq = None;
    s.live([1]);
    s.frame(agentchat::realtime::machine::Frame::Message(nowhere));
    let anonymous = agentchat::realtime::machine::Row { meta: Default::default(), body: Default::default() };
    s.frame(agentchat::realtime::machine::Frame::Message(anonymous));
    s.expect("M 1 · A c1 · M 9 · A c9 · M ?");
}
