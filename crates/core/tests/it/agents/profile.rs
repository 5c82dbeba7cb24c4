//! Own records, public profiles, changes.

use agentchat_core::Error;
use agentchat_core::agents::{AgentChanges, ShowMe, ShowProfile, TextLengths, UpdateAgent};
use agentchat_protocol::agent::{Agent, AgentProfile, AgentStatus, GroupInvitePolicy, InboxMode};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_store::Engine;
use agentchat_store::key::AgentKey;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::delete;
use crate::ground::{Ground, code_of, rejection};

async fn update(ground: &Ground, agent: AgentKey, patch: Value) -> Agent {
    let changes = AgentChanges::parse(patch.to_string().as_bytes(), TextLengths::default()).unwrap();
    ground.store.write(UpdateAgent { agent, changes, now: ground.now() }).await.unwrap()
}

async fn profile(ground: &Ground, handle: &str) -> Result<AgentProfile, Error> {
    ground.store.read(ShowProfile { handle: Handle::parse(handle).unwrap() }).await
}

#[store_test]
async fn a_patch_changes_what_it_names(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    ground.pass(1_000);
    let first = json!({ "display_name": " Alice ", "description": "line\nline", "settings": { "inbox_mode": "contacts_only" } });
    let agent = update(&ground, alice.key, first).await;
    assert_eq!((agent.display_name.as_deref(), agent.description.as_deref()), (Some("Alice"), Some("line\nline")));
    assert_eq!(agent.settings.inbox_mode, InboxMode::ContactsOnly);
    assert_eq!(agent.settings.group_invite_policy, GroupInvitePolicy::Open);
    assert_eq!((agent.created_at, agent.updated_at), (alice.agent.created_at, ground.now()));

    let second =
        json!({ "display_name": "", "settings": { "group_invite_policy": "contacts_only", "inbox_mode": null } });
    let agent = update(&ground, alice.key, second).await;
    assert_eq!((agent.display_name, agent.description.as_deref()), (None, Some("line\nline")));
    assert_eq!(agent.settings.inbox_mode, InboxMode::ContactsOnly);
    assert_eq!(agent.settings.group_invite_policy, GroupInvitePolicy::ContactsOnly);

    let shown = profile(&ground, "alice").await.unwrap();
    assert_eq!((shown.handle.as_str(), shown.description.as_deref()), ("alice", Some("line\nline")));
}

#[store_test]
async fn a_patch_of_nothing_changes_nothing(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    ground.pass(1_000);
    let ignored = json!({ "status": "deleted", "discoverable": false, "display_name": null, "settings": {} });
    assert_eq!(update(&ground, alice.key, ignored).await, alice.agent);
    assert_eq!(AgentChanges::parse(b"", TextLengths::default()).unwrap(), AgentChanges::default());
    assert_eq!(ground.store.read(ShowMe { agent: alice.key }).await.unwrap(), alice.agent);
}

#[test]
fn a_bad_patch_names_the_field() {
    for (patch, field) in [
        (json!({ "display_name": 1 }), "display_name"),
        (json!({ "display_name": "a\tb" }), "display_name"),
        (json!({ "settings": [] }), "settings"),
        (json!({ "settings": { "inbox_mode": "closed" } }), "settings.inbox_mode"),
        (json!({ "settings": { "group_invite_policy": 1 } }), "settings.group_invite_policy"),
    ] {
        let refusal =
            rejection(AgentChanges::parse(patch.to_string().as_bytes(), TextLengths::default()).map_err(Error::from));
        assert_eq!(refusal.code, ErrorCode::ValidationError);
        assert!(refusal.details.unwrap()["fieldErrors"][field].is_array(), "{field}");
    }
}

#[store_test]
async fn unknown_suspended_and_deleted_agents_have_no_profile(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    assert_eq!(profile(&ground, "alice").await.unwrap().status, AgentStatus::Active);
    ground.set_status(alice.key, AgentStatus::Restricted).await;
    assert_eq!(profile(&ground, "alice").await.unwrap().status, AgentStatus::Restricted);
    ground.set_status(alice.key, AgentStatus::Suspended).await;
    assert_eq!(rejection(profile(&ground, "alice").await), rejection(profile(&ground, "nobody").await));
    assert_eq!(ground.store.read(ShowMe { agent: alice.key }).await.unwrap().status, AgentStatus::Suspended);
    delete(&ground, "alice").await.unwrap();
    assert_eq!(rejection(profile(&ground, "alice").await), rejection(profile(&ground, "nobody").await));
    assert_eq!(code_of(profile(&ground, "alice").await), ErrorCode::AgentNotFound);
}

#[test]
fn texts_are_as_long_as_the_operator_allows() {
    let lengths = TextLengths { display_name: 3, description: 5 };
    let parse = |patch: Value| AgentChanges::parse(patch.to_string().as_bytes(), lengths);
    parse(json!({ "display_name": "abc", "description": "abcde" })).unwrap();
    for patch in [json!({ "display_name": "abcd" }), json!({ "description": "abcdef" })] {
        assert_eq!(parse(patch).unwrap_err().code, ErrorCode::ValidationError);
    }
}
