//! listen: live events, acknowledged only when they were handled.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

struct Listening {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Listening {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(&["--json", "listen"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("an event comes");
        serde_json::from_str(&line.unwrap().expect("the program goes on")).unwrap()
    }

    async fn next_text(&mut self) -> String {
        self.next().await["payload"]["content"]["text"].as_str().unwrap().to_owned()
    }

    /// Ends it as Ctrl-C does; its exit code.
    async fn interrupt(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.child.wait().await.unwrap().code()
    }
}

async fn undelivered(world: &World, name: &str) -> u64 {
    world.json(&["--profile", name, "status"]).await["undelivered_count"].as_u64().unwrap()
}

async fn wait_for_undelivered(world: &World, name: &str, count: u64) {
    let search = async { while undelivered(world, name).await != count {} };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("{name} has not {count} waiting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_and_what_comes_live_arrives_in_order() {
    let world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "stored"]).await;
    let mut bob = Listening::start(&world, &["--profile", "bob"]);
    assert_eq!(bob.next_text().await, "stored");
    world.json(&["--profile", "bob", "send", "alice", "go on"]).await;
    world.json(&["--profile", "alice", "send", "bob", "live"]).await;
    assert_eq!(bob.next_text().await, "live");
    wait_for_undelivered(&world, "bob", 0).await;
    assert_eq!(bob.interrupt().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_the_event_and_its_success_is_the_ack() {
    let world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "do it"]).await;
    let seen = world.home.path().join("seen");
    let command = format!("cat > {}", seen.display());
    let mut bob = Listening::start(&world, &["--profile", "bob", "--exec", &command]);
    assert_eq!(bob.next_text().await, "do it");
    wait_for_undelivered(&world, "bob", 0).await;
    let event: Value = serde_json::from_slice(&std::fs::read(&seen).unwrap()).unwrap();
    assert_eq!((&event["type"], &event["payload"]["sender"]), (&"message.new".into(), &"alice".into()));
    assert_eq!(bob.interrupt().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_command_leaves_the_message_in_the_queue() {
    let world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "do it"]).await;
    let mut bob = Listening::start(&world, &["--profile", "bob", "--exec", "exit 7"]);
    assert_eq!(bob.next_text().await, "do it");
    assert_eq!(bob.interrupt().await, Some(0));
    assert_eq!(undelivered(&world, "bob").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_no_ack_leave_messages_alone() {
    let world = World::with(&["alice", "bob", "carol"]).await;
    world.json(&["--profile", "alice", "send", "bob", "from alice"]).await;
    world.json(&["--profile", "carol", "send", "bob", "from carol"]).await;
    let mut bob = Listening::start(&world, &["--profile", "bob", "--from", "@Carol", "--no-ack"]);
    assert_eq!(bob.next_text().await, "from carol");
    assert_eq!(bob.interrupt().await, Some(0));
    assert_eq!(undelivered(&world, "bob").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_listens_on_after_the_server_was_restarted() {
    let mut world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "before"]).await;
    let mut bob = Listening::start(&world, &["--profile", "bob"]);
    assert_eq!(bob.next_text().await, "before");
    world.json(&["--profile", "bob", "send", "alice", "go on"]).await;
    world.server.restart().await;
    world.json(&["--profile", "alice", "send", "bob", "after"]).await;
    assert_eq!(bob.next_text().await, "after");
    assert_eq!(bob.interrupt().await, Some(0));
}
