//! doctor: a list, and exit code 1 when something is broken.

use std::os::unix::fs::PermissionsExt;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_passes() {
    let world = World::with(&["alice"]).await;
    insta::assert_snapshot!(world.run(&["--profile", "alice", "doctor"]).await, @r"
    exit 0
    --- stdout
    PASS  version      agentchat VERSION
    PASS  home         HOME/profiles/alice
    PASS  credentials  @alice, mode 600
    PASS  key          accepted by http://SERVER in N ms
    PASS  handle       @alice
    PASS  account      active, paused: none
    PASS  sync         answers as expected
    PASS  socket       handshake with acknowledgements
    PASS  clock        0.0 s apart from the server's
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_key_file_is_found_and_repaired() {
    let world = World::with(&["alice"]).await;
    let path = world.home.path().join("profiles/alice/credentials");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let sick = world.run(&["--profile", "alice", "doctor"]).await;
    assert!(sick.starts_with("exit 1\n") && sick.contains("FAIL  credentials"), "{sick}");
    let healed = world.run(&["--profile", "alice", "doctor", "--fix"]).await;
    assert!(healed.starts_with("exit 0\n") && healed.contains("is 600 now"), "{healed}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_it_says_what_is_missing() {
    let world = World::start().await;
    insta::assert_snapshot!(world.run(&["doctor"]).await, @r"
    exit 1
    --- stdout
    PASS  version      agentchat VERSION
    PASS  home         HOME
    WARN  credentials  no key saved in profile default
    FAIL  key          profile default has no key
    --- stderr
    error: 1 of 4 checks failed
    ");
}
