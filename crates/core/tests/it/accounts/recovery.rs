//! Recovery: a fresh key by mail, and nothing to learn for others.

use agentchat_core::Error;
use agentchat_core::accounts::{BeginRecovery, Challenge, Code, Flow, Recovery, VerifyRecovery};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, Read, StoreError, Tx};
use agentchat_store_test::store_test;

use crate::agents::delete;
use crate::ground::{Ground, code_of, key, wrong};

const MAIL: &str = "ops@example.com";

/// Whether a code is mailed, and the challenge.
async fn begin(ground: &Ground, email: &str, handle: Option<&str>) -> (bool, Challenge) {
    let challenge = ground.challenge();
    let begin = BeginRecovery {
        email: Email::parse(email).unwrap(),
        handle: handle.map(str::to_owned),
        challenge: challenge.clone(),
        rules: ground.rules,
        now: ground.now(),
    };
    (ground.store.write(begin).await.unwrap(), challenge)
}

async fn verify(ground: &Ground, challenge: &Challenge, code: Code, fresh: &ApiKey) -> Result<Recovery, Error> {
    let counted = ground.store.write(ground.try_of(challenge.pending, Flow::Recover, None)).await?;
    let verify = VerifyRecovery {
        counted,
        code,
        code_key: key(),
        key_hash: hash_key(fresh.expose()),
        event: ground.draw(),
        now: ground.now(),
    };
    ground.store.write(verify).await
}

struct Audited(AgentKey);

impl Read for Audited {
    type Out = Vec<String>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
        tx.audit_actions(self.0).await
    }
}

#[store_test]
async fn a_right_code_replaces_the_key(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent(MAIL, "alice").await;
    let (mailed, challenge) = begin(&ground, " OPS@example.com ", None).await;
    assert!(mailed);
    let (old, fresh) = (ground.key_of("alice"), ground.key_of("fresh"));
    assert_eq!(code_of(verify(&ground, &challenge, wrong(challenge.code), &fresh).await), ErrorCode::InvalidCode);
    let recovered = verify(&ground, &challenge, challenge.code, &fresh).await.unwrap();
    assert_eq!(recovered, Recovery::Recovered { agent: alice.key, handle: alice.agent.handle });
    assert_eq!(ground.caller(&old).await, None);
    let caller = ground.caller(&fresh).await.unwrap();
    assert_eq!((caller.key, caller.epoch), (alice.key, 1));
    assert_eq!(ground.store.read(Audited(alice.key)).await.unwrap(), ["agent.key_rotated"]);
    assert_eq!(code_of(verify(&ground, &challenge, challenge.code, &fresh).await), ErrorCode::Expired);
}

#[store_test]
async fn several_agents_need_a_name_and_the_answer_spends_the_code(engine: Engine) {
    let ground = Ground::new(engine).await;
    for handle in ["zoe", "alice", "gone"] {
        ground.agent(MAIL, handle).await;
    }
    delete(&ground, "gone").await.unwrap();
    let (_, challenge) = begin(&ground, MAIL, None).await;
    let fresh = ground.key_of("fresh");
    let Recovery::HandleRequired(handles) = verify(&ground, &challenge, challenge.code, &fresh).await.unwrap() else {
        panic!("a key was replaced without a name");
    };
    assert_eq!(handles.iter().map(|handle| handle.as_str()).collect::<Vec<_>>(), ["alice", "zoe"]);
    assert_eq!(code_of(verify(&ground, &challenge, challenge.code, &fresh).await), ErrorCode::Expired);
    ground.pass(60_000);
    let (mailed, challenge) = begin(&ground, MAIL, Some("@Zoe")).await;
    assert!(mailed);
    verify(&ground, &challenge, challenge.code, &fresh).await.unwrap();
    assert_eq!(ground.caller(&fresh).await.unwrap().handle.as_str(), "zoe");
    assert!(ground.caller(&ground.key_of("alice")).await.is_some());
}

#[store_test]
async fn misses_look_like_hits_until_they_are_exhausted(engine: Engine) {
    let ground = Ground::new(engine).await;
    ground.agent(MAIL, "alice").await;
    ground.agent("gone@example.com", "gone").await;
    delete(&ground, "gone").await.unwrap();
    ground.system_agent("system@example.com", "chat-helper").await;
    for (email, handle) in [
        ("nobody@example.com", None),
        ("stranger@example.com", Some("alice")),
        (MAIL, Some("bob")),
        ("odd@example.com", Some("-no handle-")),
        ("gone@example.com", None),
        ("system@example.com", Some("chat-helper")),
    ] {
        let (mailed, challenge) = begin(&ground, email, handle).await;
        assert!(!mailed, "{email} {handle:?}");
        // A miss takes the e-mail's slot as a hit does.
        assert_eq!(code_of(ground.register(email, "somebody").await), ErrorCode::OtpCooldown);
        for _ in 0..5 {
            let outcome = verify(&ground, &challenge, challenge.code, &ground.key_of("fresh")).await;
            assert_eq!(code_of(outcome), ErrorCode::InvalidCode);
        }
        let outcome = verify(&ground, &challenge, challenge.code, &ground.key_of("fresh")).await;
        assert_eq!(code_of(outcome), ErrorCode::OtpAttemptsExhausted);
        ground.pass(60_000);
    }
    assert!(ground.caller(&ground.key_of("alice")).await.is_some());
}

#[store_test]
async fn a_suspended_agent_recovers_its_key_and_stays_suspended(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent(MAIL, "alice").await;
    ground.set_status(alice.key, AgentStatus::Suspended).await;
    let (mailed, challenge) = begin(&ground, MAIL, None).await;
    assert!(mailed);
    verify(&ground, &challenge, challenge.code, &ground.key_of("fresh")).await.unwrap();
    assert_eq!(ground.caller(&ground.key_of("fresh")).await.unwrap().status, AgentStatus::Suspended);
}

#[store_test]
async fn a_closed_gate_gives_a_decoy(engine: Engine) {
    let ground = Ground::new(engine).await;
    ground.agent(MAIL, "alice").await;
    let (first, challenge) = begin(&ground, MAIL, None).await;
    let (second, decoy) = begin(&ground, MAIL, None).await;
    assert_eq!((first, second), (true, false));
    assert_eq!(code_of(verify(&ground, &decoy, decoy.code, &ground.key_of("fresh")).await), ErrorCode::InvalidCode);
    verify(&ground, &challenge, challenge.code, &ground.key_of("fresh")).await.unwrap();
}

#[store_test]
async fn an_agent_deleted_meanwhile_is_an_invalid_code(engine: Engine) {
    let ground = Ground::new(engine).await;
    ground.agent(MAIL, "alice").await;
    let (_, challenge) = begin(&ground, MAIL, Some("alice")).await;
    delete(&ground, "alice").await.unwrap();
    let outcome = verify(&ground, &challenge, challenge.code, &ground.key_of("fresh")).await;
    assert_eq!(code_of(outcome), ErrorCode::InvalidCode);
    assert_eq!(ground.caller(&ground.key_of("fresh")).await, None);
}
