//! Registration, from the body to the account.

use agentchat_core::accounts::{Flow, NewAccount, Registered, VerifyRegistration};
use agentchat_core::agents::TextLengths;
use agentchat_core::{Error, accounts::Challenge};
use agentchat_protocol::agent::{AgentSettings, AgentStatus, PausedByOwner};
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::AgentId;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::agents::delete;
use crate::ground::{Ground, code_of, key, rejection};

const MAIL: &str = "ops@example.com";

async fn verify(ground: &Ground, challenge: &Challenge, api_key: &ApiKey) -> Result<Registered, Error> {
    let counted = ground.store.write(ground.try_of(challenge.pending, Flow::Register, None)).await?;
    let verify = VerifyRegistration {
        counted,
        code: challenge.code,
        code_key: key(),
        id: AgentId::from_bytes(ground.draw()),
        key_hash: hash_key(api_key.expose()),
        caps: ground.caps,
        now: ground.now(),
    };
    ground.store.write(verify).await
}

fn parse(body: Value) -> Result<NewAccount, Error> {
    NewAccount::parse(body.to_string().as_bytes(), TextLengths::default()).map_err(Error::from)
}

#[store_test]
async fn a_right_code_makes_the_account(engine: Engine) {
    let ground = Ground::new(engine).await;
    let challenge = ground.register(" Ops@Example.com", "@Build-Bot").await.unwrap();
    let api_key = ground.key_of("fresh");
    assert_eq!(ground.caller(&api_key).await, None);
    ground.pass(1_000);
    let Registered { key, agent } = verify(&ground, &challenge, &api_key).await.unwrap();
    assert_eq!((agent.handle.as_str(), agent.email.as_str()), ("build-bot", MAIL));
    assert_eq!(
        (agent.status, agent.paused_by_owner, agent.is_system),
        (AgentStatus::Active, PausedByOwner::None, false)
    );
    assert_eq!(
        (agent.settings, agent.created_at, agent.updated_at),
        (AgentSettings::default(), ground.now(), ground.now())
    );
    let caller = ground.caller(&api_key).await.unwrap();
    assert_eq!((caller.key, caller.id, caller.handle), (key, agent.id, agent.handle));
    assert_eq!(code_of(verify(&ground, &challenge, &api_key).await), ErrorCode::Expired);
}

#[store_test]
async fn a_pending_reserves_no_handle_and_a_conflict_leaves_it_usable(engine: Engine) {
    let ground = Ground::new(engine).await;
    let slow = ground.register(MAIL, "alice").await.unwrap();
    let quick = ground.register("other@example.com", "alice").await.unwrap();
    verify(&ground, &quick, &ground.key_of("quick")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(code_of(verify(&ground, &slow, &ground.key_of("slow")).await), ErrorCode::HandleTaken);
    }
    assert_eq!(ground.caller(&ground.key_of("slow")).await, None);
}

#[store_test]
async fn caps_are_checked_again_when_the_code_comes_back(engine: Engine) {
    let mut ground = Ground::new(engine).await;
    let challenge = ground.register(MAIL, "alice").await.unwrap();
    ground.caps.live = 1;
    ground.agent(MAIL, "bob").await;
    assert_eq!(code_of(verify(&ground, &challenge, &ground.key_of("alice")).await), ErrorCode::EmailLimitReached);
    delete(&ground, "bob").await.unwrap();
    verify(&ground, &challenge, &ground.key_of("alice")).await.unwrap();
}

#[store_test]
async fn an_email_backs_ten_living_agents_and_thirty_ever(engine: Engine) {
    let ground = Ground::new(engine).await;
    for round in 0..3 {
        for number in 0..10 {
            ground.agent(MAIL, &format!("bot-{round}-{number}")).await;
        }
        let refusal = rejection(ground.register(MAIL, "one-more").await);
        assert_eq!((refusal.code, refusal.details), (ErrorCode::EmailLimitReached, Some(json!({ "limit": 10 }))));
        for number in 0..10 {
            delete(&ground, &format!("bot-{round}-{number}")).await.unwrap();
        }
    }
    let refusal = rejection(ground.register(MAIL, "one-more").await);
    assert_eq!((refusal.code, refusal.details), (ErrorCode::EmailExhausted, Some(json!({ "limit": 30 }))));
    ground.register("ops+alias@example.com", "one-more").await.unwrap();
}

#[store_test]
async fn refusals_come_in_their_order_and_take_no_slot(engine: Engine) {
    let mut ground = Ground::new(engine).await;
    ground.caps.live = 1;
    ground.agent(MAIL, "alice").await;
    assert_eq!(code_of(ground.register(MAIL, "alice").await), ErrorCode::HandleTaken);
    assert_eq!(code_of(ground.register(MAIL, "bob").await), ErrorCode::EmailLimitReached);
    delete(&ground, "alice").await.unwrap();
    // Deleted handles stay taken, and neither refusal above closed the gate.
    assert_eq!(code_of(ground.register(MAIL, "alice").await), ErrorCode::HandleTaken);
    ground.register(MAIL, "bob").await.unwrap();
    assert_eq!(code_of(ground.register(MAIL, "bob").await), ErrorCode::OtpCooldown);
}

#[test]
fn fields_are_named_before_the_handle_is_judged() {
    let refusal = rejection(parse(json!({ "handle": "admin", "display_name": "a\u{202e}b" })));
    assert_eq!(refusal.code, ErrorCode::ValidationError);
    let fields = refusal.details.unwrap()["fieldErrors"].clone();
    assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["display_name", "email"]);
    for (body, field) in [
        (json!({ "email": "no-at", "handle": "alice" }), "email"),
        (json!({ "email": MAIL, "handle": 7 }), "handle"),
        (json!({ "email": MAIL }), "handle"),
        (json!({ "email": MAIL, "handle": "alice", "display_name": "x".repeat(101) }), "display_name"),
        (json!({ "email": MAIL, "handle": "alice", "description": "x".repeat(501) }), "description"),
        (json!({ "email": MAIL, "handle": "alice", "description": "bell\u{7}" }), "description"),
    ] {
        let refusal = rejection(parse(body));
        assert_eq!(refusal.code, ErrorCode::ValidationError);
        assert!(refusal.details.unwrap()["fieldErrors"][field].is_array(), "{field}");
    }
}

#[test]
fn handles_are_refused_by_form_or_as_reserved() {
    for (handle, reason) in [
        ("al", "format"),
        ("a--b", "format"),
        ("9lives", "format"),
        ("ünî", "format"),
        ("blocked", "reserved"),
        ("@Admin", "reserved"),
    ] {
        let refusal = rejection(parse(json!({ "email": MAIL, "handle": handle })));
        assert_eq!(
            (refusal.code, refusal.details),
            (ErrorCode::InvalidHandle, Some(json!({ "reason": reason }))),
            "{handle}"
        );
    }
}

#[test]
fn nulls_are_absent_and_empty_texts_are_none() {
    let account =
        parse(json!({ "email": MAIL, "handle": "alice", "display_name": "  ", "description": null })).unwrap();
    assert_eq!((account.display_name, account.description), (None, None));
    let account =
        parse(json!({ "email": MAIL, "handle": "alice", "display_name": " Al ", "description": "a\nb" })).unwrap();
    assert_eq!((account.display_name.as_deref(), account.description.as_deref()), (Some("Al"), Some("a\nb")));
}
