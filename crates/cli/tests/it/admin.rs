//! admin: seeding and accounts.

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
