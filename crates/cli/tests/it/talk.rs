//! send, inbox, read, sync.

use std::time::Duration;

use crate::world::World;

async fn acquainted() -> World {
    let world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "ready?"]).await;
    world.json(&["--profile", "bob", "send", "@Alice", "always"]).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_talk() {
    let world = World::with(&["alice", "bob"]).await;
    let sent = world.run(&["--profile", "alice", "send", "bob", "ready", "or", "not?"]).await;
    insta::assert_snapshot!(sent, @r"
    exit 0
    --- stdout
    msg_* conv_* #1 stored
    ");
    insta::assert_snapshot!(world.run(&["--profile", "bob", "inbox"]).await, @r"
    exit 0
    --- stdout
    conv_*  @alice  1 unread  TIME  ready or not?
    ");
    insta::assert_snapshot!(world.run(&["--profile", "bob", "read", "alice"]).await, @r"
    exit 0
    --- stdout
    TIME conv_* #1 @alice: ready or not?
    ");
    world.run_with_input(&["--profile", "bob", "send", "alice", "-"], "two\nlines\n").await;
    insta::assert_snapshot!(world.run(&["--profile", "alice", "read", "bob"]).await, @r"
    exit 0
    --- stdout
    TIME conv_* #1 @alice: ready or not?
    TIME conv_* #2 @bob: two lines
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_code_and_hint() {
    let world = World::with(&["alice", "bob"]).await;
    insta::assert_snapshot!(world.run(&["--profile", "alice", "send", "nobody-here", "hello"]).await, @r"
    exit 4
    --- stderr
    error: AGENT_NOT_FOUND: Agent not found
    hint: check the spelling of the handle
    ");
    world.json(&["--profile", "alice", "send", "bob", "first"]).await;
    insta::assert_snapshot!(world.run(&["--profile", "alice", "send", "bob", "second"]).await, @r"
    exit 4
    --- stderr
    error: AWAITING_REPLY: bob has not replied yet
    hint: they did not answer yet; only their reply opens the conversation
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_is_the_same_message() {
    let world = World::with(&["alice", "bob"]).await;
    let arguments = ["--profile", "alice", "send", "bob", "once", "--client-msg-id", "one"];
    let first = world.json(&arguments).await;
    let second = world.json(&arguments).await;
    assert_eq!(first["id"], second["id"]);
    assert_eq!((&first["replayed"], &second["replayed"]), (&false.into(), &true.into()));
    let other = world.run(&["--profile", "alice", "send", "bob", "twice", "--client-msg-id", "one"]).await;
    assert!(other.starts_with("exit 4\n--- stderr\nerror: IDEMPOTENCY_KEY_CONFLICT: "), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_and_references_travel_along() {
    let world = acquainted().await;
    let arguments = ["--profile", "alice", "send", "bob", "--data", r#"{"n":1.50}"#, "--reply-to", "msg_1"];
    let sent = world.json(&arguments).await;
    assert_eq!(sent["type"], "structured");
    assert_eq!(sent["metadata"]["reply_to"], "msg_1");
    let output = world.command(&["--profile", "bob", "sync", "--json"]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r#""data":{"n":1.50}"#), "digits are kept: {text}");
    let wrong = world.run(&["--profile", "alice", "send", "bob", "--data", "[1]"]).await;
    insta::assert_snapshot!(wrong, @r"
    exit 2
    --- stderr
    error: --data must be a JSON object
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_waited_for() {
    let world = acquainted().await;
    let mut asking = world.command(&["--profile", "alice", "send", "bob", "how many?", "--wait-reply", "30", "--json"]);
    let asking = asking.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let question = wait_for_unread(&world, "bob", 2).await;
    world.json(&["--profile", "bob", "send", &question, "seven"]).await;
    let output = asking.wait_with_output().await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["sent"]["content"]["text"], "how many?");
    assert_eq!(answer["reply"]["content"]["text"], "seven");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_is_a_failure_of_its_own() {
    let world = acquainted().await;
    let text = world.run(&["--profile", "alice", "--quiet", "send", "bob", "anybody?", "--wait-reply", "0"]).await;
    insta::assert_snapshot!(text, @r"
    exit 1
    --- stderr
    error: no reply within 0 s
    hint: the message was sent all the same
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_offers_again_until_it_is_settled() {
    let world = acquainted().await;
    let peeked = world.run(&["--profile", "bob", "sync"]).await;
    assert!(peeked.contains("@alice: ready?") && peeked.ends_with("1 waiting\n"), "{peeked}");
    let settled = world.run(&["--profile", "bob", "sync", "--ack"]).await;
    assert!(settled.ends_with("1 settled\n"), "{settled}");
    insta::assert_snapshot!(world.run(&["--profile", "bob", "sync", "--ack"]).await, @r"
    exit 0
    --- stderr
    nothing waiting
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn marking_moves_the_read_cursor() {
    let world = acquainted().await;
    assert_eq!(world.json(&["--profile", "bob", "status"]).await["unread_count"], 1);
    world.json(&["--profile", "bob", "read", "alice", "--mark"]).await;
    assert_eq!(world.json(&["--profile", "bob", "status"]).await["unread_count"], 0);
    let nothing = world.run(&["--profile", "bob", "inbox", "--unread"]).await;
    insta::assert_snapshot!(nothing, @r"
    exit 0
    --- stderr
    nothing unread
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_cannot_forge_lines_on_the_terminal() {
    let world = World::with(&["alice", "bob"]).await;
    world.run_with_input(&["--profile", "alice", "send", "bob", "-"], "a\u{1b}[2J\nerror: forged").await;
    let text = world.run(&["--profile", "bob", "read", "alice"]).await;
    assert!(text.ends_with("@alice: a [2J error: forged\n"), "{text:?}");
}

/// Waits until `name` has `count` unread messages in its newest conversation; that conversation.
async fn wait_for_unread(world: &World, name: &str, count: u64) -> String {
    let search = async {
        loop {
            let inbox = world.json(&["--profile", name, "inbox"]).await;
            if inbox[0]["unread_count"] == count {
                return inbox[0]["id"].as_str().unwrap().to_owned();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), search).await.expect("the message arrives")
}
