//! admin: seeding and accounts.

use std::time::{Duration, Instant};

use agentchat_testkit::TestServer;

use crate::world::World;

fn with_token<'a>(world: &World, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["admin", "--admin-token", world.server.admin_token()], arguments].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_seeded_into_profiles() {
    let world = World::start().await;
    let seeded = world.run(&with_token(&world, &["seed", "alice", "bob", "--save"])).await;
    insta::assert_snapshot!(seeded, @r"
    exit 0
    --- stdout
    alice: use it with --profile alice
    bob: use it with --profile bob
    ");
    assert_eq!(world.json(&["--profile", "bob", "whoami"]).await["handle"], "bob");
    let printed = world.run(&with_token(&world, &["seed", "CAROL"])).await;
    insta::assert_snapshot!(printed, @r"
    exit 0
    --- stdout
    TEST_CAROL_ID=agt_*
    TEST_CAROL_HANDLE=carol
    TEST_CAROL_API_KEY=ac_live_*
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_listed_shown_and_deleted() {
    let world = World::start().await;
    let arguments = ["agents", "create", "alice", "--email", "a@example.com", "--display-name", "Alice"];
    assert_eq!(world.json(&with_token(&world, &arguments)).await["agent"]["display_name"], "Alice");
    insta::assert_snapshot!(world.run(&with_token(&world, &["agents", "list", "--prefix", "al"])).await, @r"
    exit 0
    --- stdout
    alice  active  a@example.com  0 waiting  0 sockets
    --- stderr
    1 of 1
    ");
    insta::assert_snapshot!(world.run(&with_token(&world, &["agents", "show", "alice"])).await, @r"
    exit 0
    --- stdout
    handle       alice
    status       active
    e-mail       a@example.com
    name         Alice
    paused       none
    undelivered  0
    sockets      0
    last seen    –
    owner        –
    since        TIME
    ");
    world.json(&with_token(&world, &["agents", "delete", "alice"])).await;
    let gone = world.run(&with_token(&world, &["agents", "list", "--status", "active"])).await;
    insta::assert_snapshot!(gone, @r"
    exit 0
    --- stderr
    0 of 0
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_suspended_and_reinstated() {
    let world = World::with(&["alice"]).await;
    let suspended = world.run(&with_token(&world, &["agents", "suspend", "alice", "--reason", "spam"])).await;
    insta::assert_snapshot!(suspended, @r"
    exit 0
    --- stdout
    suspended alice
    ");
    let shown = world.json(&with_token(&world, &["agents", "show", "alice"])).await;
    assert_eq!(shown["status"], "suspended");
    insta::assert_snapshot!(world.run(&with_token(&world, &["agents", "reinstate", "alice"])).await, @r"
    exit 0
    --- stdout
    reinstated alice
    ");
    let missing = world.run(&with_token(&world, &["agents", "suspend", "nobody-here"])).await;
    insta::assert_snapshot!(missing, @r"
    exit 4
    --- stderr
    error: AGENT_NOT_FOUND: Agent not found
    hint: check the spelling of the handle
    ");
}

/// Reports something to the server's own agent, and waits until it is listed.
async fn reported(world: &World, text: &str) -> serde_json::Value {
    let sent = world.run(&["--profile", "alice", "send", "chatfather", text]).await;
    assert!(sent.starts_with("exit 0"), "{sent}");
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let page = world.json(&with_token(world, &["escalations", "list"])).await;
        if let Some(first) = page["escalations"].get(0) {
            return first.clone();
        }
        assert!(Instant::now() < deadline, "nothing is listed: {page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_listed_and_resolved() {
    let world = World::on(TestServer::start_with(|config| config.system_agent = true).await);
    world.sign_in("alice").await;
    insta::assert_snapshot!(world.run(&with_token(&world, &["escalations", "list"])).await, @r"
    exit 0
    --- stderr
    0 listed
    ");
    let report = reported(&world, "/report bug The stairs are too steep").await;
    insta::assert_snapshot!(world.run(&with_token(&world, &["escalations", "list"])).await, @r"
    exit 0
    --- stdout
    esc_*  open  bug  alice  TIME  The stairs are too steep
    --- stderr
    1 listed
    ");
    let id = report["id"].as_str().expect("an id");
    let resolve = ["escalations", "set", id, "resolved", "--operator", "olga", "--note", "a lift"];
    insta::assert_snapshot!(world.run(&with_token(&world, &resolve)).await, @r"
    exit 0
    --- stdout
    esc_*  resolved  bug  alice  TIME  The stairs are too steep
    ");
    let page = world.json(&with_token(&world, &["escalations", "list", "--status", "resolved"])).await;
    let resolved = &page["escalations"][0];
    assert_eq!((&resolved["id"], &resolved["resolved_by"]), (&report["id"], &"olga".into()));
    assert_eq!(resolved["resolution_note"], "a lift");
    insta::assert_snapshot!(world.run(&with_token(&world, &["escalations", "set", "esc_x", "open", "--operator", "o"])).await, @r"
    exit 4
    --- stderr
    error: NOT_FOUND: No such escalation
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_system_agents_that_somebody_runs_get_keys() {
    let world = World::on(TestServer::start_with(|config| config.system_agent = true).await);
    world.sign_in("alice").await;
    insta::assert_snapshot!(world.run(&with_token(&world, &["rotate-key", "alice"])).await, @r"
    exit 4
    --- stderr
    error: NOT_A_SYSTEM_AGENT: No system agent has this handle
    ");
    insta::assert_snapshot!(world.run(&with_token(&world, &["rotate-key", "@chatfather"])).await, @r"
    exit 4
    --- stderr
    error: NOT_A_SYSTEM_AGENT: This agent is run by the server and needs no key
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_counted() {
    let world = World::with(&["alice"]).await;
    let stats = world.json(&with_token(&world, &["stats"])).await;
    assert_eq!((&stats["agents"]["active"], &stats["webhook_queue"]), (&1.into(), &0.into()));
    let text = world.run(&with_token(&world, &["stats"])).await;
    for line in ["agents.active", "conversations", "messages", "stored_envelopes", "sockets", "webhook_queue", "nodes"]
    {
        assert!(text.contains(&format!("\n{line} ")), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_needed_and_must_be_right() {
    let world = World::start().await;
    insta::assert_snapshot!(world.run(&["admin", "seed", "alice"]).await, @r"
    exit 3
    --- stderr
    error: there is no admin token
    hint: give --admin-token or AGENTCHAT_ADMIN_TOKEN, the same as to `agentchat serve`
    ");
    let wrong =
        world.run(&["admin", "seed", "alice", "--admin-token", "a-wrong-token-of-forty-characters-or-so"]).await;
    assert!(wrong.starts_with("exit 4\n--- stderr\nerror: OPS_AUTH_REQUIRED: "), "{wrong}");
}
