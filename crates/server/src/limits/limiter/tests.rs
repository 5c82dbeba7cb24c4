//! The limiter against a plain token bucket, and its promises one by one.

use agentchat_protocol::timestamp::Timestamp;
use proptest::prelude::*;

use super::*;

const ALICE: Key = Key::Agent(1);
const BOB: Key = Key::Agent(2);

fn limiter(assignments: &[&str]) -> (Limiter, Clock) {
    let clock = Clock::manual(Timestamp::from_millis(1_768_469_400_000));
    let mut limits = Limits::default();
    for assignment in assignments {
        limits.set(assignment).unwrap();
    }
    (Limiter::new(&limits, clock.clone()), clock)
}

fn take(limiter: &Limiter, policy: Policy, key: Key) -> Result<(), u64> {
    let granted = limiter.reserve(policy, key).granted();
    granted.map(drop).map_err(|refusal| refusal.retry_after_ms)
}

/// What a bucket is: it holds `window` nanoseconds, a token costs `cost` of them, time pours them back.
struct Bucket {
    window: i64,
    cost: i64,
    level: i64,
}

impl Bucket {
    fn pour(&mut self, nanos: i64) {
        self.level = (self.level + nanos).min(self.window);
    }

    fn take(&mut self) -> Result<(), u64> {
        if self.level >= self.cost {
            self.level -= self.cost;
            return Ok(());
        }
        Err((self.cost - self.level).unsigned_abs().div_ceil(1_000_000).max(1))
    }

    fn give_back(&mut self) {
        self.pour(self.cost);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Take,
    TakeAndGiveBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..2_000_i64).prop_map(Step::Wait),
        Just(Step::Take),
        Just(Step::Take),
        Just(Step::TakeAndGiveBack),
    ];
    prop::collection::vec(step, 1..300)
}

proptest! {
    #[test]
    fn it_grants_what_a_token_bucket_grants(limit in 1..200_u32, window_s in 1..20_u32, steps in steps()) {
        let (limiter, clock) = limiter(&[&format!("send={limit}/{window_s}")]);
        let window = i64::from(window_s) * 1_000_000_000;
        let mut model = Bucket { window, cost: window / i64::from(limit), level: window };
        for step in steps {
            match step {
                Step::Wait(millis) => {
                    clock.advance(millis);
                    model.pour(millis * 1_000_000);
                }
                Step::Take => prop_assert_eq!(take(&limiter, Policy::Send, ALICE), model.take()),
                Step::TakeAndGiveBack => {
                    let reserved = limiter.reserve(Policy::Send, ALICE).granted();
                    prop_assert_eq!(reserved.is_ok(), model.take().is_ok());
                    if let Ok(reservation) = reserved {
                        reservation.release();
                        model.give_back();
                    }
                }
            }
        }
    }

    #[test]
    fn several_policies_give_from_all_or_none(rounds in 1..60_usize) {
        let (limiter, _clock) = limiter(&["send=20/1", "group_send=5/1"]);
        let both = [(Policy::Send, ALICE), (Policy::GroupSend, BOB)];
        let granted = (0..rounds).filter(|_| limiter.reserve_all(&both).granted().map(drop).is_ok()).count();
        prop_assert_eq!(granted, rounds.min(5));
        // What the refused rounds did not take is still there.
        let left = (0..30).filter(|_| take(&limiter, Policy::Send, ALICE).is_ok()).count();
        prop_assert_eq!(left, 20 - granted);
    }
}

#[test]
fn a_full_bucket_gives_its_limit_at_once_and_then_one_per_interval() {
    let (limiter, clock) = limiter(&[]);
    for _ in 0..60 {
        assert_eq!(take(&limiter, Policy::Send, ALICE), Ok(()));
    }
    assert_eq!(take(&limiter, Policy::Send, ALICE), Err(17));
    clock.advance(17);
    assert_eq!(take(&limiter, Policy::Send, ALICE), Ok(()));
    assert!(take(&limiter, Policy::Send, ALICE).is_err());
}

#[test]
fn a_refusal_names_the_policy_as_clients_know_it() {
    let (limiter, _clock) = limiter(&["send_system=1/10"]);
    assert_eq!(take(&limiter, Policy::SendSystem, ALICE), Ok(()));
    let refusal = limiter.reserve(Policy::SendSystem, ALICE).granted().unwrap_err();
    assert_eq!(refusal, Refusal { policy: "send", limit: 1, window_s: 10, retry_after_ms: 10_000 });
}

#[test]
fn keys_and_policies_do_not_share_buckets() {
    let (limiter, _clock) = limiter(&["send=1/60", "search=1/60"]);
    assert_eq!(take(&limiter, Policy::Send, ALICE), Ok(()));
    assert_eq!(take(&limiter, Policy::Send, BOB), Ok(()));
    assert_eq!(take(&limiter, Policy::Search, ALICE), Ok(()));
    assert!(take(&limiter, Policy::Send, ALICE).is_err());
}

#[test]
fn a_policy_that_is_off_grants_everything() {
    let (limiter, _clock) = limiter(&["send=off"]);
    assert!((0..10_000).all(|_| take(&limiter, Policy::Send, ALICE).is_ok()));
    assert_eq!(limiter.0.buckets.len(), 0);
}

#[test]
fn full_buckets_are_forgotten_and_the_rest_is_bounded() {
    let (limiter, clock) = limiter(&["send=1/1"]);
    for agent in 0..200_000 {
        let _taken = take(&limiter, Policy::Send, Key::Agent(agent));
        if agent % 1_000 == 0 {
            clock.advance(100);
        }
    }
    // 10,000 agents a second were seen, so only about that many buckets are not full.
    assert!(limiter.0.buckets.len() < 80_000, "{}", limiter.0.buckets.len());
    let (flooded, _clock) = super::tests::limiter(&["send=1/86400"]);
    for agent in 0..1_200_000 {
        let _taken = take(&flooded, Policy::Send, Key::Agent(agent));
    }
    assert!(flooded.0.buckets.len() <= 16 * 65_536, "{}", flooded.0.buckets.len());
}

#[test]
fn a_bucket_is_low_below_a_fifth() {
    let (limiter, clock) = limiter(&["send=60/1"]);
    let low = || limiter.reserve(Policy::Send, ALICE).granted().unwrap().low();
    for _ in 0..48 {
        assert_eq!(low(), None);
    }
    assert_eq!(low(), Some(Low { limit: 60, remaining: 11, full_in_ms: 816 }));
    clock.advance(1_000);
    assert_eq!(low(), None);
}

#[test]
fn one_ipv6_subscriber_is_one_key() {
    let key = |text: &str| Key::ip(text.parse().unwrap());
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
}

#[test]
fn a_request_may_cost_many_tokens() {
    let (limiter, clock) = limiter(&["upload_bytes=1000/10", "upload=3/60"]);
    let take = |bytes| {
        let wanted = [Weighed::one(Policy::Upload, ALICE), Weighed::of(Policy::UploadBytes, ALICE, bytes)];
        limiter.reserve_weighed(&wanted).granted().map_err(|refusal| (refusal.policy, refusal.retry_after_ms))
    };
    hold(take(900));
    assert_eq!(take(101).map(drop), Err(("upload_bytes", 10)));
    let reserved = take(100).unwrap();
    reserved.release();
    hold(take(100));
    hold({
        clock.advance(1_000);
        take(100)
    });
    clock.advance(10_000);
    assert_eq!(take(1).map(drop), Err(("upload", 9_000)), "what the bytes' policy refused cost no slot");
}

fn hold<E: std::fmt::Debug>(reserved: Result<Reservation, E>) {
    crate::limits::hold(reserved.unwrap());
}
