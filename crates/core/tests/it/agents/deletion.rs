//! The end of an account: one transaction.

use agentchat_core::agents::{ShowMe, ShowSummary};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::delete;
use crate::ground::{Ground, code_of};

#[store_test]
async fn a_deleted_account_is_dead_at_once(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    ground.pass(1_000);
    let deleted = delete(&ground, "alice").await.unwrap();
    assert_eq!(deleted.agent, alice.key);
    assert_eq!(ground.caller(&ground.key_of("alice")).await, None);
    assert_eq!(code_of(ground.store.read(ShowMe { agent: alice.key }).await), ErrorCode::Unauthorized);
    let handle = Handle::parse("alice").unwrap();
    let summary = ground.store.read(ShowSummary { handle }).await.unwrap();
    assert_eq!((summary.agent.status, summary.agent.display_name), (AgentStatus::Deleted, None));
    assert_eq!(summary.agent.updated_at, ground.now());
    assert_eq!(code_of(delete(&ground, "alice").await), ErrorCode::AgentNotFound);
}

#[store_test]
async fn unknown_and_system_agents_cannot_be_deleted(engine: Engine) {
    let ground = Ground::new(engine).await;
    ground.system_agent("system@example.com", "chat-helper").await;
    assert_eq!(code_of(delete(&ground, "nobody").await), ErrorCode::AgentNotFound);
    assert_eq!(code_of(delete(&ground, "chat-helper").await), ErrorCode::SystemAgentProtected);
    assert!(ground.caller(&ground.key_of("chat-helper")).await.is_some());
}
