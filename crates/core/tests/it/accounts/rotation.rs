//! Key rotation: one's own key, by mail.

use agentchat_core::Error;
use agentchat_core::accounts::{BeginRotation, Challenge, Code, Flow, VerifyRotation};
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store::key::AgentKey;
use agentchat_store_test::store_test;

use crate::ground::{Ground, code_of, key, wrong};

async fn begin(ground: &Ground, agent: AgentKey) -> Result<Challenge, Error> {
    let challenge = ground.challenge();
    let begin = BeginRotation { agent, challenge: challenge.clone(), rules: ground.rules, now: ground.now() };
    ground.store.write(begin).await.map(|_| challenge)
}

async fn verify(
    ground: &Ground,
    agent: AgentKey,
    challenge: &Challenge,
    code: Code,
    fresh: &ApiKey,
) -> Result<(), Error> {
    let counted = ground.store.write(ground.try_of(challenge.pending, Flow::Rotate, Some(agent))).await?;
    let verify = VerifyRotation {
        agent,
        counted,
        code,
        code_key: key(),
        key_hash: hash_key(fresh.expose()),
        event: ground.draw(),
        now: ground.now(),
    };
    ground.store.write(verify).await
}

#[store_test]
async fn the_fresh_key_takes_over(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    let challenge = begin(&ground, alice.key).await.unwrap();
    let fresh = ground.key_of("fresh");
    assert_eq!(code_of(begin(&ground, alice.key).await), ErrorCode::OtpCooldown);
    let outcome = verify(&ground, alice.key, &challenge, wrong(challenge.code), &fresh).await;
    assert_eq!(code_of(outcome), ErrorCode::InvalidCode);
    verify(&ground, alice.key, &challenge, challenge.code, &fresh).await.unwrap();
    assert_eq!(ground.caller(&ground.key_of("alice")).await, None);
    let caller = ground.caller(&fresh).await.unwrap();
    assert_eq!((caller.key, caller.epoch), (alice.key, 1));
}

#[store_test]
async fn the_pending_of_another_agent_is_unknown_and_loses_no_try(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    let mallory = ground.agent("mallory@example.com", "mallory").await;
    let challenge = begin(&ground, alice.key).await.unwrap();
    for _ in 0..6 {
        let outcome = verify(&ground, mallory.key, &challenge, challenge.code, &ground.key_of("theirs")).await;
        assert_eq!(code_of(outcome), ErrorCode::Expired);
    }
    verify(&ground, alice.key, &challenge, challenge.code, &ground.key_of("fresh")).await.unwrap();
}

#[store_test]
async fn system_agents_are_protected(engine: Engine) {
    let ground = Ground::new(engine).await;
    let helper = ground.system_agent("system@example.com", "chat-helper").await;
    assert_eq!(code_of(begin(&ground, helper.key).await), ErrorCode::SystemAgentProtected);
}
