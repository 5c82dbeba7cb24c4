//! The directory: handles by their beginning, and nothing else.

use agentchat_core::directory::SearchDirectory;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::directory::DirectoryPage;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Agent, Change, World};

async fn search(world: &World, viewer: &Agent, prefix: &str, limit: u64, offset: u64) -> DirectoryPage {
    let operation = SearchDirectory { viewer: viewer.key, prefix: prefix.to_owned(), limit, offset };
    world.store.read(operation).await.expect("a page")
}

async fn handles(world: &World, viewer: &Agent, prefix: &str) -> Vec<String> {
    let page = search(world, viewer, prefix, 100, 0).await;
    assert_eq!(page.total, page.agents.len() as u64);
    page.agents.iter().map(|entry| entry.profile.handle.to_string()).collect()
}

#[store_test]
async fn handles_are_found_by_their_beginning_in_order(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for handle in ["bot", "bot-2", "bot-10", "bota", "boss", "robot", "b0t"] {
        world.agent(handle).await;
    }
    assert_eq!(handles(&world, &alice, "bot").await, ["bot", "bot-10", "bot-2", "bota"]);
    assert_eq!(handles(&world, &alice, "b").await, ["b0t", "boss", "bot", "bot-10", "bot-2", "bota"]);
    assert_eq!(handles(&world, &alice, "al").await, ["alice"], "the caller is there too");
    for wild in ["b%", "b_t", "%", "_", "bot*", "b?t", "[b]", "bot{", "b\u{0}t", "bót", "'", "bot "] {
        assert!(handles(&world, &alice, wild).await.is_empty(), "{wild}");
    }
}

#[store_test]
async fn a_page_knows_how_many_there_are_and_who_is_a_contact(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for number in 0..5 {
        let bot = world.agent(&format!("bot-{number}")).await;
        if number % 2 == 0 {
            world.add_contact(&alice, &bot).await.expect("added");
        }
    }
    let page = search(&world, &alice, "bot", 2, 1).await;
    let rows: Vec<_> = page.agents.iter().map(|row| (row.profile.handle.as_str(), row.in_contacts)).collect();
    assert_eq!(rows, [("bot-1", false), ("bot-2", true)]);
    assert_eq!((page.total, page.limit, page.offset), (5, 2, 1));
    assert_eq!(page.items, page.agents);
    let beyond = search(&world, &alice, "bot", 2, 10_000).await;
    assert_eq!((beyond.agents.len(), beyond.total), (0, 5));
}

#[store_test]
async fn who_is_suspended_or_deleted_is_not_found(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for (handle, status) in [
        ("bot-active", AgentStatus::Active),
        ("bot-restricted", AgentStatus::Restricted),
        ("bot-suspended", AgentStatus::Suspended),
        ("bot-deleted", AgentStatus::Deleted),
    ] {
        let bot = world.agent(handle).await;
        world.add_contact(&alice, &bot).await.expect("added");
        world.change(Change::Status(bot, status)).await;
    }
    let page = search(&world, &alice, "bot", 100, 0).await;
    let rows: Vec<_> =
        page.agents.iter().map(|row| (row.profile.handle.as_str(), row.profile.status.clone())).collect();
    assert_eq!(rows, [("bot-active", AgentStatus::Active), ("bot-restricted", AgentStatus::Restricted)]);
    assert_eq!(page.total, 2);
}
