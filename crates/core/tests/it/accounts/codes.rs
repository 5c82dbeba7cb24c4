//! One-time codes: the gate, the tries, the lifetime, what a code is bound to.

use agentchat_core::Error;
use agentchat_core::accounts::{Challenge, Code, Flow, Registered, ReleaseSlot, VerifyRegistration};
use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::AgentId;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::ground::{Ground, code_of, key, rejection, wrong};

const MAIL: &str = "ops@example.com";

async fn verify(ground: &Ground, challenge: &Challenge, code: Code) -> Result<Registered, Error> {
    let counted = ground.store.write(ground.try_of(challenge.pending, Flow::Register, None)).await?;
    let verify = VerifyRegistration {
        counted,
        code,
        code_key: key(),
        id: AgentId::from_bytes(ground.draw()),
        key_hash: ground.draw(),
        caps: ground.caps,
        now: ground.now(),
    };
    ground.store.write(verify).await
}

#[test]
fn a_code_is_six_digits_with_space_around() {
    assert_eq!(Code::parse(" 012345\n").unwrap().expose(), "012345");
    for bad in ["12345", "1234567", "12 456", "12345a", "", "１２３４５６"] {
        assert!(Code::parse(bad).is_none(), "{bad:?}");
    }
    assert_eq!(Code::from_entropy([0; 8]).expose(), "000000");
    assert_eq!(Code::from_entropy(1_999_999u64.to_be_bytes()).expose(), "999999");
    assert_eq!(format!("{:?}", Code::from_entropy([0; 8])), "***");
}

#[store_test]
async fn five_tries_then_exhausted_even_for_the_right_code(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    ground.pass(10_000);
    for _ in 0..5 {
        assert_eq!(code_of(verify(&ground, &challenge, wrong(challenge.code)).await), ErrorCode::InvalidCode);
    }
    let refusal = rejection(verify(&ground, &challenge, challenge.code).await);
    assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::OtpAttemptsExhausted, Some(50_000)));
    ground.pass(589_999);
    assert_eq!(code_of(verify(&ground, &challenge, challenge.code).await), ErrorCode::OtpAttemptsExhausted);
    ground.pass(1);
    assert_eq!(code_of(verify(&ground, &challenge, challenge.code).await), ErrorCode::Expired);
}

#[store_test]
async fn the_fifth_try_may_be_right(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    for _ in 0..4 {
        assert_eq!(code_of(verify(&ground, &challenge, wrong(challenge.code)).await), ErrorCode::InvalidCode);
    }
    verify(&ground, &challenge, challenge.code).await.unwrap();
}

#[store_test]
async fn tries_survive_a_restart(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    for _ in 0..5 {
        assert_eq!(code_of(verify(&ground, &challenge, wrong(challenge.code)).await), ErrorCode::InvalidCode);
    }
    let ground = ground.restart().await;
    assert_eq!(code_of(verify(&ground, &challenge, challenge.code).await), ErrorCode::OtpAttemptsExhausted);
}

#[store_test]
async fn concurrent_guesses_get_five_tries_together(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    let count = || ground.store.write(ground.try_of(challenge.pending, Flow::Register, None));
    let (a, b, c, d, e, f, g, h) = tokio::join!(count(), count(), count(), count(), count(), count(), count(), count());
    let outcomes = [a, b, c, d, e, f, g, h];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(code_of(refused), ErrorCode::OtpAttemptsExhausted);
    }
}

#[store_test]
async fn a_code_lives_600_seconds(engine: Engine) {
    let ground = Ground::new(engine).await;
    let first = ground.register(MAIL, "alice").await.unwrap();
    ground.pass(599_999);
    verify(&ground, &first, first.code).await.unwrap();
    let second = ground.register(MAIL, "bob").await.unwrap();
    ground.pass(600_000);
    assert_eq!(code_of(verify(&ground, &second, second.code).await), ErrorCode::Expired);
}

#[store_test]
async fn a_code_is_bound_to_its_pending_and_flow(engine: Engine) {
    let ground = Ground::new(engine).await;
    let first = ground.register(MAIL, "alice").await.unwrap();
    ground.pass(60_000);
    let second = ground.register(MAIL, "bob").await.unwrap();
    assert_ne!(first.code, second.code);
    assert_eq!(code_of(verify(&ground, &second, first.code).await), ErrorCode::InvalidCode);
    for flow in [Flow::Recover, Flow::Rotate] {
        assert_eq!(code_of(ground.store.write(ground.try_of(second.pending, flow, None)).await), ErrorCode::Expired);
    }
    // The other flows used none of its tries.
    for _ in 0..3 {
        assert_eq!(code_of(verify(&ground, &second, wrong(second.code)).await), ErrorCode::InvalidCode);
    }
    verify(&ground, &second, second.code).await.unwrap();
}

#[store_test]
async fn the_gate_waits_60_seconds_between_codes(engine: Engine) {
    let ground = Ground::new(engine).await;
    ground.register(MAIL, "alice").await.unwrap();
    ground.register("other@example.com", "alice").await.unwrap();
    ground.pass(59_999);
    let refusal = rejection(ground.register(MAIL, "bob").await);
    assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::OtpCooldown, Some(1)));
    ground.pass(1);
    ground.register(MAIL, "bob").await.unwrap();
}

#[store_test]
async fn the_gate_lets_twenty_codes_an_hour_through(engine: Engine) {
    let ground = Ground::new(engine).await;
    for _ in 0..20 {
        ground.register(MAIL, "alice").await.unwrap();
        ground.pass(60_000);
    }
    // The first slot is 1,200 s old now and leaves the window after 3,600 s.
    let refusal = rejection(ground.register(MAIL, "alice").await);
    assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::OtpHourlyCap, Some(2_400_000)));
    ground.pass(2_399_999);
    assert_eq!(code_of(ground.register(MAIL, "alice").await), ErrorCode::OtpHourlyCap);
    ground.pass(1);
    ground.register(MAIL, "alice").await.unwrap();
    ground.pass(59_999);
    assert_eq!(code_of(ground.register(MAIL, "alice").await), ErrorCode::OtpCooldown);
}

#[store_test]
async fn a_released_slot_was_never_taken(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    let release = ReleaseSlot { pending: challenge.pending, email: Email::parse(MAIL).unwrap() };
    ground.store.write(release).await.unwrap();
    assert_eq!(code_of(verify(&ground, &challenge, challenge.code).await), ErrorCode::Expired);
    ground.register(MAIL, "alice").await.unwrap();
}

#[store_test]
async fn of_two_right_verifies_one_wins(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    let (first, second) =
        tokio::join!(verify(&ground, &challenge, challenge.code), verify(&ground, &challenge, challenge.code));
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    won.unwrap();
    assert_eq!(code_of(lost), ErrorCode::Expired);
}
