//! The connection: what ends it, what it comes back from, and when (D-9, D-10, D-24, D-26).

use agentchat::RawJson;
use agentchat::realtime::machine::{Frame, Input, OpenFailure, Phase};

use super::scenario::{Opening, Scenario, options, refused};

fn opening(first: Opening) -> Scenario {
    let mut s = Scenario::new(options());
    s.openings.push_back(first);
    s.start();
    s
}

fn is_online(s: &Scenario) -> bool {
    matches!(s.machine.phase(), Phase::Online { .. })
}

#[test]
fn d09_a_a_socket_that_is_closed_during_the_handshake_comes_back() {
    let mut s = opening(Opening::ClosedAtOnce(1013, "overload"));
    s.expect("E WebSocket error: closed with code 1013 overload · X 1013");
    s.at(0.5);
    s.expect("O");
    assert!(is_online(&s));
}

#[test]
fn d09_b_a_credential_that_is_refused_during_the_handshake_stops_the_client() {
    let mut s = opening(Opening::Deaf(Some((1008, "Invalid token"))));
    s.at(600.0);
    s.expect(
        "E HELLO send failed: broken pipe · X 1008 · T WebSocket closed with auth-terminal code 1008: Invalid token",
    );
}

#[test]
fn d09_c_a_hello_that_cannot_be_sent_is_one_error_and_a_reconnect() {
    let mut s = opening(Opening::Deaf(None));
    s.expect("E HELLO send failed: broken pipe · X 1006");
    s.at(0.5);
    s.expect("O");
}

#[test]
fn d10_a_a_late_hello_is_no_refusal() {
    let mut s = Scenario::connected(options());
    s.close(1008, "HELLO frame required");
    s.at(0.5);
    s.expect("E WebSocket error: closed with code 1008 HELLO frame required · X 1008 · O");
}

#[test]
fn d10_b_e_a_refused_credential_stops_until_connect() {
    for (code, reason) in
        [(1008, "Invalid token"), (1008, "API key rotated"), (1008, "Account suspended"), (4401, ""), (4403, "")]
    {
        let mut s = Scenario::connected(options());
        s.close(code, reason);
        s.at(600.0);
        let start = format!("T WebSocket closed with auth-terminal code {code}");
        assert!(s.of("T")[0].starts_with(&start), "{:?}", s.took());
        assert_eq!(s.of("O"), Vec::<String>::new());
        s.feed(Input::Connect);
        assert!(is_online(&s));
    }
}

#[test]
fn d10_c_an_unknown_policy_is_final_the_third_time_in_a_row() {
    let mut s = Scenario::connected(options());
    for time in [5.0, 10.0] {
        s.close(1008, "policy");
        s.at(time);
        assert!(is_online(&s));
    }
    s.close(1008, "policy");
    assert_eq!(s.of("T").len(), 1);

    let mut s = Scenario::connected(options());
    let mut time = 0.0;
    for _ in 0..5 {
        s.close(1008, "policy");
        time += 40.0;
        s.at(time);
        assert!(is_online(&s));
    }
}

#[test]
fn d10_d_an_upgrade_that_is_refused_for_good_is_not_repeated() {
    for status in [401, 403] {
        let mut s = opening(refused(status, None));
        s.at(600.0);
        s.expect(&format!(
            "E WebSocket connection failed: the server answered HTTP {status} · T WebSocket connection rejected with HTTP {status}"
        ));
    }
}

#[test]
fn d10_f_every_other_end_is_followed_by_a_reconnect() {
    for code in [4408, 1000, 1001, 1006, 1011, 1013, 3999] {
        let mut s = Scenario::connected(options());
        s.close(code, "");
        assert_eq!(s.of("E").len(), usize::from(code != 1000 && code != 1001), "{code}");
        s.at(0.5);
        assert!(is_online(&s), "{code}");
    }
}

#[test]
fn d10_g_the_server_may_ask_to_wait() {
    for (code, reason, wait) in [(4429, "retry after 7s", 7.0), (4429, "busy", 30.0), (4409, "replaced", 30.0)] {
        let mut s = Scenario::connected(options());
        s.close(code, reason);
        s.at(600.0);
        assert_eq!(s.opened_at, [0.0, wait], "{code} {reason}");
    }
    for status in [429, 503] {
        let mut s = opening(refused(status, Some(7)));
        s.at(600.0);
        assert_eq!(s.opened_at, [0.0, 7.0], "{status}");
    }
    let mut s = Scenario::connected(options());
    s.close(4429, "retry after 100000s");
    s.at(600.0);
    assert_eq!(s.opened_at, [0.0, 300.0]);
}

#[test]
fn d10_h_a_server_that_does_not_accept_in_time_is_left() {
    let mut s = opening(Opening::Silent);
    s.at(3.9);
    s.expect("");
    s.at(4.0);
    s.expect("E HELLO ack timeout · close 4408 · X 4408");
    s.at(4.5);
    s.expect("O");
}

#[test]
fn a_refusal_before_hello_words_the_error() {
    let mut s = opening(Opening::Silent);
    let raw = RawJson::new(r#"{"type":"error","payload":{"code":"UNAUTHORIZED","message":"unknown key"}}"#).unwrap();
    s.frame(Frame::Other { kind: "error".into(), raw });
    s.live([1]);
    s.close(4401, "Invalid API key");
    assert_eq!(s.of("E"), ["E WebSocket error: closed with code 4401 UNAUTHORIZED: unknown key"]);
    assert_eq!(s.of("M"), Vec::<String>::new());
}

#[test]
fn d24_a_connecting_while_connected_opens_nothing() {
    let mut s = Scenario::connected(options());
    s.feed(Input::Connect);
    s.at(60.0);
    assert_eq!(s.opened_at.len(), 1);
}

#[test]
fn d24_b_connecting_while_waiting_opens_at_once_and_only_once() {
    let mut s = Scenario::connected(options());
    s.close(1006, "");
    s.at(0.2);
    s.feed(Input::Connect);
    s.at(60.0);
    assert_eq!(s.opened_at, [0.0, 0.2]);
}

#[test]
fn d24_c_connecting_twice_opens_one_socket() {
    let mut s = Scenario::new(options());
    s.openings.push_back(Opening::Pending);
    s.feed(Input::Connect);
    s.feed(Input::Connect);
    assert_eq!(s.opened_at.len(), 1);
}

#[test]
fn d24_d_the_end_of_an_older_socket_changes_nothing() {
    let mut s = Scenario::connected(options());
    s.close(1001, "");
    s.at(0.5);
    s.live([1]);
    s.took();
    s.feed(Input::Closed { generation: 1, code: Some(1001), reason: String::new() });
    s.live([3]);
    s.expect("");
    assert!(is_online(&s));
}

#[test]
fn d26_a_b_the_back_off_grows_with_connections_and_the_ceiling_counts_failures() {
    let mut options = options();
    options.reconnect.max_attempts = Some(2);
    let mut s = Scenario::connected(options);
    let mut time = 0.0;
    for wait in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0] {
        time += 1.0;
        s.at(time);
        s.close(1001, "");
        time += wait;
        s.at(time);
        assert!(is_online(&s), "after {wait}");
    }
    s.openings.extend([refused(502, None), refused(502, None)]);
    s.took();
    s.at(time + 1.0);
    s.close(1001, "");
    s.at(time + 600.0);
    assert_eq!(s.of("O").len(), 2);
    assert_eq!(s.of("T"), ["T WebSocket reconnect gave up after 2 attempts"]);
}

#[test]
fn d26_c_a_stable_connection_resets_the_back_off() {
    let mut s = Scenario::connected(options());
    s.close(1001, "");
    s.at(0.5);
    s.close(1001, "");
    s.at(1.5);
    s.at(32.5);
    s.close(1001, "");
    s.at(60.0);
    assert_eq!(s.opened_at, [0.0, 0.5, 1.5, 33.0]);
}

#[test]
fn d26_d_a_flapping_server_is_left_alone_and_reported_once() {
    let mut options = options();
    options.tuning.jitter = None;
    let mut s = Scenario::connected(options);
    let mut time = 0.0;
    for _ in 0..30 {
        time += 0.1;
        s.at(time);
        s.close(1001, "");
        time += 30.0;
        s.at(time);
    }
    let steady: Vec<f64> = s.opened_at.windows(2).skip(10).map(|pair| pair[1] - pair[0]).collect();
    assert!(!steady.is_empty() && steady.iter().all(|&pause| pause >= 22.5), "{steady:?}");
    assert_eq!(s.of("W").len(), 1);
}

#[test]
fn r38_a_ceiling_of_zero_gives_up_at_the_first_loss() {
    let mut options = options();
    options.reconnect.max_attempts = Some(0);
    let mut s = Scenario::connected(options);
    s.close(1001, "");
    s.at(60.0);
    s.expect("X 1001 · T WebSocket reconnect gave up after 0 attempts");
}

#[test]
fn a_frame_that_is_too_large_is_final_the_third_time() {
    let mut s = Scenario::connected(options());
    for time in [5.0, 10.0, 15.0] {
        assert_eq!(s.of("T"), Vec::<String>::new());
        s.close(1009, "");
        s.at(time);
    }
    assert!(s.of("T")[0].starts_with("T WebSocket closed with terminal code 1009"));
}

#[test]
fn d25_b_a_failed_first_attempt_is_repeated() {
    let mut s = Scenario::new(options());
    s.openings
        .extend(std::iter::repeat_n(Opening::Refused(OpenFailure { text: "refused".into(), ..Default::default() }), 4));
    s.start();
    s.at(30.0);
    assert_eq!(s.opened_at, [0.0, 0.5, 1.5, 3.5, 7.5]);
    assert!(is_online(&s));
    assert_eq!(s.of("E").len(), 4);
}

#[test]
fn nothing_is_due_once_the_client_has_stopped() {
    let mut s = Scenario::connected(options());
    s.close(4401, "");
    assert_eq!(s.machine.deadline(), None);
}
