//! register, login, logout, whoami, status, recover, rotate-key.

use std::os::unix::fs::PermissionsExt;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn registration_takes_two_steps() {
    let world = World::start().await;
    let first = world.run(&["register", "--email", "ops@example.com", "--handle", "build-bot"]).await;
    insta::assert_snapshot!(first, @r"
    exit 0
    --- stdout
    a code is on its way to ops@example.com
    next: agentchat register --code CODE
    ");
    let code = world.server.mailbox().next_code("ops@example.com").await;
    let second = world.run(&["register", "--code", &code]).await;
    insta::assert_snapshot!(second, @r"
    exit 0
    --- stdout
    registered @build-bot; the key is in HOME/credentials
    ");
    insta::assert_snapshot!(world.run(&["whoami"]).await, @r"
    exit 0
    --- stdout
    handle       @build-bot
    e-mail       ops@example.com
    name         –
    description  –
    status       active
    paused       none
    inbox        open
    invites      open
    since        TIME
    ");
    let again = world.run(&["register", "--code", &code]).await;
    insta::assert_snapshot!(again, @r"
    exit 1
    --- stderr
    error: no code is being waited for
    hint: begin with `agentchat register`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_saved_for_its_owner_alone() {
    let world = World::with(&["alice"]).await;
    let path = world.home.path().join("profiles/alice/credentials");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut names: Vec<&String> = saved.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["api_base", "api_key", "created_at", "handle"]);
    assert_eq!(saved["api_base"], world.server.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_says_so_and_may_be_tried_again() {
    let world = World::start().await;
    world.run(&["register", "--email", "ops@example.com", "--handle", "build-bot"]).await;
    let code = world.server.mailbox().next_code("ops@example.com").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = world.run(&["register", "--code", wrong]).await;
    assert!(refused.starts_with("exit 4\n--- stderr\nerror: INVALID_CODE: "), "{refused}");
    assert!(refused.contains("hint: look at the newest mail"), "{refused}");
    let accepted = world.run(&["register", "--code", &code]).await;
    assert!(accepted.starts_with("exit 0\n"), "{accepted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_not_saved() {
    let world = World::start().await;
    let key = format!("ac_live_{}", "x".repeat(40));
    let refused = world.run(&["login", "--api-key", &key]).await;
    assert!(refused.starts_with("exit 4\n--- stderr\nerror: UNAUTHORIZED: "), "{refused}");
    assert!(!world.home.path().join("credentials").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_brought_on_standard_input_and_forgotten() {
    let world = World::start().await;
    let seeded = world.server.seed("alice").await;
    let brought = world.run_with_input(&["login"], &format!("{}\n", seeded.api_key)).await;
    insta::assert_snapshot!(brought, @r"
    exit 0
    --- stdout
    signed in as @alice; the key is in HOME/credentials
    ");
    insta::assert_snapshot!(world.run(&["logout"]).await, @r"
    exit 0
    --- stdout
    signed out
    ");
    insta::assert_snapshot!(world.run(&["logout"]).await, @r"
    exit 0
    --- stdout
    nobody was signed in
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_where_everything_comes_from() {
    let world = World::with(&["alice"]).await;
    insta::assert_snapshot!(world.run(&["--profile", "alice", "status"]).await, @r"
    exit 0
    --- stdout
    handle       @alice
    status       active
    paused       none
    unread       0
    undelivered  0
    key          profile alice
    server       http://SERVER
    latency      N ms
    ");
    let seeded = world.server.seed("bob").await;
    let output = world.command(&["status", "--json"]).env("AGENTCHAT_API_KEY", &seeded.api_key).output().await.unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["handle"], "bob");
    assert_eq!(status["key_source"], "AGENTCHAT_API_KEY");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_replaced_by_mail() {
    let world = World::start().await;
    world.server.seed("alice").await;
    let email = "alice@seed.example.com";
    world.run(&["recover", "--email", email]).await;
    let code = world.server.mailbox().next_code(email).await;
    let recovered = world.run(&["recover", "--code", &code]).await;
    insta::assert_snapshot!(recovered, @r"
    exit 0
    --- stdout
    recovered @alice; the new key is in HOME/credentials
    ");
    assert_eq!(world.json(&["whoami"]).await["handle"], "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_takes_the_place_of_the_old_one() {
    let world = World::with(&["alice"]).await;
    let old = std::fs::read(world.home.path().join("profiles/alice/credentials")).unwrap();
    world.run(&["--profile", "alice", "rotate-key"]).await;
    let code = world.server.mailbox().next_code("alice@seed.example.com").await;
    let rotated = world.run(&["--profile", "alice", "rotate-key", "--code", &code]).await;
    insta::assert_snapshot!(rotated, @r"
    exit 0
    --- stdout
    rotated the key of @alice; the new one is in HOME/profiles/alice/credentials
    ");
    let new = std::fs::read(world.home.path().join("profiles/alice/credentials")).unwrap();
    assert_ne!(old, new);
    assert_eq!(world.json(&["--profile", "alice", "whoami"]).await["handle"], "alice");
}
