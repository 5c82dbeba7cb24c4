//! export: to standard output, to a file, and what is left when it breaks off.

use serde_json::Value;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_a_line_and_a_file_is_whole() {
    let world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "hello"]).await;
    let output = world.command(&["--profile", "alice", "export"]).output().await.expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert_eq!(kinds, ["agent", "conversation", "message", "end"]);
    assert_eq!(lines[2]["content"]["text"], "hello");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "4 lines\n");

    let file = world.home.path().join("all.ndjson");
    let to_file = ["--profile", "alice", "export", "--output", file.to_str().expect("a path")];
    insta::assert_snapshot!(world.run(&to_file).await, @r"
    exit 0
    --- stderr
    4 lines in HOME/all.ndjson
    ");
    assert_eq!(std::fs::read_to_string(&file).expect("a file").lines().count(), 4);
    insta::assert_snapshot!(world.run(&to_file).await, @r"
    exit 2
    --- stderr
    error: HOME/all.ndjson exists already
    ");
    // Two an hour.
    let again = world.run(&["--profile", "alice", "export", "--output", "/nowhere/else"]).await;
    assert!(again.starts_with("exit 1\n"), "{again}");
    let refused = world.run(&["--profile", "alice", "export"]).await;
    assert!(refused.starts_with("exit 4\n--- stderr\nerror: RATE_LIMITED"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_exports_anybody() {
    let world = World::with(&["alice"]).await;
    let token = world.server.admin_token().to_owned();
    let export =
        |handle: &'static str| ["admin", "--admin-token", &token, "agents", "export", handle].map(str::to_owned);
    let run = async |handle| {
        let arguments = export(handle);
        world.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let text = run("alice").await;
    assert!(text.starts_with("exit 0\n") && text.contains(r#""kind":"end""#), "{text}");
    let text = run("nobody").await;
    assert!(text.starts_with("exit 4\n--- stderr\nerror: AGENT_NOT_FOUND"), "{text}");
}
