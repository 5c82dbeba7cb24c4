//! admin migrate-store: what agents see before and after, and when nothing is moved.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use agentchat_launch::{Postgres, TestDatabase};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::world::{World, bare};

/// A server on the database, gone with this value.
struct Served {
    base: String,
    _child: Child,
}

impl Served {
    async fn start(home: &Path, database: &str) -> Self {
        let mut command = bare(home, &["serve", "--listen", "127.0.0.1:0", "--database-url", database]);
        command.arg("--data-dir").arg(home.join("new")).env("RUST_LOG", "error").stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, output.read_line(&mut line)).await.expect("a server in time").expect("a line");
        let base = line.trim_end().strip_prefix("listening on ").expect("an address").to_owned();
        Self { base, _child: child }
    }
}

/// All that an agent can ask for, a JSON line each; without what counts time.
async fn seen_by(world: &World, base: &str, name: &str, other: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for arguments in [&["whoami"][..], &["inbox"], &["read", other], &["sync"]] {
        let mut command = world.command(&["--json", "--api-base", base, "--profile", name]);
        let output = command.args(arguments).output().await.expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        seen.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).map(without_age));
    }
    seen
}

fn without_age(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.remove("age_ms");
            members.values_mut().for_each(|member| *member = without_age(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_age(item.take())),
        _ => {}
    }
    value
}

async fn migrate(world: &World, to: &str) -> String {
    let from = world.server.data_dir().display().to_string();
    let shown = world.run(&["admin", "migrate-store", "--from", &from, "--to", to]).await;
    let port = Postgres::shared().port();
    let name = to.rsplit('/').next().and_then(|end| end.split('?').next()).expect("a name");
    shown.replace(&from, "DIR").replace(&format!("127.0.0.1:{port}/{name}"), "TARGET")
}

/// Two agents who know each other; three messages wait for bob, two he has settled.
async fn talk() -> World {
    let world = World::with(&["alice", "bob"]).await;
    world.json(&["--profile", "alice", "send", "bob", "one"]).await;
    world.json(&["--profile", "bob", "send", "alice", "two"]).await;
    world.json(&["--profile", "alice", "send", "bob", "three", "--client-msg-id", "number-3"]).await;
    world.run(&["--profile", "bob", "sync", "--ack"]).await;
    for text in ["four", "five", "six"] {
        world.json(&["--profile", "alice", "send", "bob", text]).await;
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_find_everything_as_it_was() {
    let mut world = talk().await;
    let to = TestDatabase::new().await;
    let old = world.server.url();
    let before = [seen_by(&world, &old, "alice", "bob").await, seen_by(&world, &old, "bob", "alice").await];
    let waiting = before[1].iter().filter(|line| line["delivery_id"].is_string()).count();
    assert_eq!(waiting, 3, "{:?}", before[1]);
    world.server.stop().await;
    let moved = migrate(&world, &to.url()).await;
    assert!(moved.starts_with("exit 0\n--- stdout\n"), "{moved}");
    for line in ["agent 2", "conversation 1", "envelope 6", "job 0", "message 6", "meta 5", "sent 6"] {
        let found = moved.lines().any(|found| found.split_whitespace().eq(line.split(' ')));
        assert!(found, "no line {line}: {moved}");
    }
    insta::assert_snapshot!(moved.split_once("--- stderr\n").expect("talk").1, @r"
    33 rows are in TARGET, compared with the folder's.
    Start every server with --database-url now. The file MIGRATED keeps servers off the old store in DIR;
    remove the folder once you need no way back.
    ");

    let new = Served::start(world.home.path(), &to.url()).await;
    let after = [seen_by(&world, &new.base, "alice", "bob").await, seen_by(&world, &new.base, "bob", "alice").await];
    assert_eq!(after, before);
    let on_new = |arguments: &[&'static str]| {
        let base = new.base.clone();
        let arguments = arguments.to_vec();
        let world = &world;
        async move { world.json(&[&["--api-base", base.as_str()][..], &arguments[..]].concat()).await }
    };
    let send = ["--profile", "alice", "send", "bob", "three", "--client-msg-id", "number-3"];
    assert_eq!(on_new(&send).await["replayed"], true);
    assert_eq!(on_new(&["--profile", "alice", "send", "bob", "seven"]).await["seq"], 7);
    // Delivery ids of the old server settle on the new one.
    let settle = ["--api-base", new.base.as_str(), "--profile", "bob", "sync", "--ack", "--quiet"];
    assert_eq!(world.run(&settle).await.lines().count(), 2 + 4);
    assert_eq!(world.run(&settle).await, "exit 0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_folder_is_not_served_any_more() {
    let mut world = World::with(&["alice"]).await;
    let to = TestDatabase::new().await;
    world.server.stop().await;
    assert!(migrate(&world, &to.url()).await.starts_with("exit 0\n"));
    let data = world.server.data_dir().display().to_string();
    let again = world.run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &data]).await;
    assert!(again.starts_with("exit 1\n"), "{again}");
    assert!(again.contains("was moved to the PostgreSQL database") && again.contains("MIGRATED"), "{again}");
    let explained = std::fs::read_to_string(world.server.data_dir().join("MIGRATED")).unwrap();
    assert!(explained.contains("delete this file"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_to_do() {
    let mut world = World::with(&["alice"]).await;
    let to = TestDatabase::new().await;
    insta::assert_snapshot!(migrate(&world, &to.url()).await, @r"
    exit 1
    --- stderr
    error: the data folder DIR is in use by another process; stop it first, or give this one a folder of its own
    hint: stop the server first (SIGTERM)
    ");
    world.server.stop().await;

    let from = world.server.data_dir().display().to_string();
    let missing = ["admin", "migrate-store", "--from", &from];
    insta::assert_snapshot!(world.run(&missing).await, @r"
    exit 2
    --- stderr
    error: say where to: --to postgres://user:password@host:port/database, or AGENTCHAT_DATABASE_URL
    ");
    let nowhere = ["admin", "migrate-store", "--from", "/nowhere/at/all", "--to", &to.url()];
    insta::assert_snapshot!(world.run(&nowhere).await, @r"
    exit 1
    --- stderr
    error: there is no store in /nowhere/at/all
    hint: --from is what the server had as --data-dir
    ");

    let name = to.url().rsplit('/').next().and_then(|end| end.split('?').next()).map(str::to_owned).unwrap();
    Postgres::shared().psql(&name, "INSERT INTO meta (key, value) VALUES ('delivery_ids', '1')");
    insta::assert_snapshot!(migrate(&world, &to.url()).await, @r"
    exit 1
    --- stderr
    error: the database TARGET is not empty: meta
    hint: give a database of its own, in which no server was started yet
    ");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = migrate(&world, &format!("postgres://user:secret-word@{closed}/chat")).await;
    assert!(absent.starts_with("exit 1\n--- stderr\nerror: the target cannot be used: "), "{absent}");
    assert!(absent.contains(&format!("{closed}/chat")) && !absent.contains("secret-word"), "{absent}");
    assert!(!world.server.data_dir().join("MIGRATED").exists());
    world.server.start_again().await;
}
