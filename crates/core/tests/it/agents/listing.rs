//! The operator's list.

use agentchat_core::agents::{CountAll, ListAgents};
use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::delete;
use crate::ground::Ground;

async fn list(
    ground: &Ground,
    prefix: &str,
    status: Option<AgentStatus>,
    limit: u64,
    offset: u64,
) -> (Vec<String>, i64) {
    let operation = ListAgents { prefix: prefix.to_owned(), status, limit, offset };
    let page = ground.store.read(operation).await.unwrap();
    (page.agents.into_iter().map(|summary| summary.agent.handle.to_string()).collect(), page.total)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[store_test]
async fn agents_are_found_by_prefix_and_status(engine: Engine) {
    let ground = Ground::new(engine).await;
    for handle in ["bot-a", "bot-b", "bot9", "alice", "zoe"] {
        ground.agent(&format!("{handle}@example.com"), handle).await;
    }
    delete(&ground, "bot-b").await.unwrap();
    assert_eq!(list(&ground, "bot", None, 50, 0).await, (names(&["bot-a", "bot-b", "bot9"]), 3));
    assert_eq!(list(&ground, "bot", Some(AgentStatus::Deleted), 50, 0).await, (names(&["bot-b"]), 1));
    assert_eq!(list(&ground, "", Some(AgentStatus::Active), 2, 1).await, (names(&["bot-a", "bot9"]), 4));
    assert_eq!(list(&ground, "", None, 50, 99).await, (names(&[]), 5));
    assert_eq!(list(&ground, "é", None, 50, 0).await, (names(&[]), 0));
    let counts = ground.store.read(CountAll).await.unwrap();
    assert_eq!((counts.agents.active, counts.agents.deleted, counts.agents.suspended), (4, 1, 0));
    assert!(counts.store_bytes > 0);
}
