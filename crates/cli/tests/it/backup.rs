//! admin backup under load, admin restore, and a server on what was restored.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::faults::served::call;
use crate::world::{bare, shown};

const OPERATOR: &str = "operator-token-0123456789abcdef-0123456789";
/// Senders, each with a recipient of its own.
const PAIRS: usize = 6;
/// Bytes of a text: the copy shall take a while.
const LONG: usize = 20_000;

/// The program as a server, gone with this value.
struct Served {
    address: SocketAddr,
    child: Child,
}

impl Served {
    async fn start(home: &TempDir, data: &Path) -> Self {
        let mut command = bare(home.path(), &["serve", "--listen", "127.0.0.1:0", "--no-system-agent"]);
        command.args(["--admin-token", OPERATOR, "--data-dir"]).arg(data);
        for policy in ["send", "api", "loop"] {
            command.arg("--limit").arg(format!("{policy}=100000/1"));
        }
        let mut child = command.env("RUST_LOG", "off").stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, output.read_line(&mut line)).await.expect("a server in time").expect("a line");
        let address = line.trim_end().strip_prefix("listening on http://").expect("an address");
        Self { address: address.parse().expect("an address"), child }
    }

    async fn seed(&self, handle: &str) -> String {
        let body = json!({ "handle": handle, "email": format!("{handle}@{handle}.example.com") });
        let made = call(self.address, "POST", "/admin/agents", OPERATOR, &body).await;
        made.body["api_key"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_owned()
    }

    async fn kill(mut self) {
        self.child.kill().await.expect("a server to kill");
    }
}

/// A sender and its recipient, who know each other.
#[derive(Clone)]
struct Pair {
    sender: String,
    recipient: String,
    conversation: String,
    to: String,
}

impl Pair {
    async fn make(served: &Served, number: usize) -> Self {
        let (from, to) = (format!("sender-{number}"), format!("reader-{number}"));
        let (sender, recipient) = (served.seed(&from).await, served.seed(&to).await);
        let mut pair = Self { sender, recipient, conversation: String::new(), to };
        pair.send(served.address, "hello", "hello").await.expect("a first message");
        let body = json!({ "to": from, "client_msg_id": "hi", "content": { "text": "hi" } });
        let answer = call(served.address, "POST", "/v1/messages", &pair.recipient, &body).await;
        pair.conversation = answer.body["conversation_id"].as_str().expect("a conversation").to_owned();
        pair
    }

    /// The seq that was acknowledged.
    async fn send(&self, address: SocketAddr, id: &str, text: &str) -> Option<u64> {
        let body = json!({ "to": self.to, "client_msg_id": id, "content": { "text": text } });
        let answer = call(address, "POST", "/v1/messages", &self.sender, &body).await;
        (answer.status == 201).then(|| answer.body["seq"].as_u64().expect("a seq"))
    }

    /// Every message of the conversation: its seq, and its sender's id for it.
    async fn history(&self, address: SocketAddr) -> BTreeMap<u64, String> {
        let mut found = BTreeMap::new();
        loop {
            let after = found.keys().last().copied().unwrap_or(0);
            let path = format!("/v1/messages/{}?after_seq={after}&limit=200", self.conversation);
            let page = call(address, "GET", &path, &self.recipient, &Value::Null).await.body;
            let rows = page.as_array().unwrap_or_else(|| panic!("{page}"));
            if rows.is_empty() {
                return found;
            }
            let id = |row: &Value| row["client_msg_id"].as_str().expect("an id").to_owned();
            found.extend(rows.iter().map(|row| (row["seq"].as_u64().expect("a seq"), id(row))));
        }
    }

    /// What waits, page after page, all of it acknowledged: the seqs.
    async fn receive(&self, address: SocketAddr) -> Vec<u64> {
        let mut seqs = Vec::new();
        loop {
            let page = call(address, "GET", "/v1/messages/sync?limit=100", &self.recipient, &Value::Null).await.body;
            let rows = page.as_array().unwrap_or_else(|| panic!("{page}"));
            let Some(last) = rows.last() else { return seqs };
            seqs.extend(rows.iter().map(|row| row["seq"].as_u64().expect("a seq")));
            let body = json!({ "last_delivery_id": last["delivery_id"] });
            let acked = call(address, "POST", "/v1/messages/sync/ack", &self.recipient, &body).await;
            assert_eq!(acked.body["acked"], rows.len(), "{}", acked.body);
        }
    }
}

/// What all senders share.
#[derive(Clone)]
struct Load {
    /// What each sender was told: the seq of each of its messages.
    told: Arc<Vec<Mutex<BTreeMap<u64, String>>>>,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
}

impl Load {
    fn new() -> Self {
        Self {
            told: Arc::new((0..PAIRS).map(|_| Mutex::default()).collect()),
            stop: Arc::default(),
            count: Arc::default(),
        }
    }

    fn snapshot(&self) -> Vec<BTreeMap<u64, String>> {
        self.told.iter().map(|one| one.lock().expect("what was told").clone()).collect()
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Sends until it is told to stop.
async fn keep_sending(pair: Pair, number: usize, address: SocketAddr, load: Load) {
    let text = "x".repeat(LONG);
    for message in 0.. {
        let id = format!("{number}-{message}");
        let seq = pair.send(address, &id, &text).await.expect("an acknowledged send");
        load.told[number].lock().expect("what was told").insert(seq, id);
        load.count.fetch_add(1, Ordering::SeqCst);
        if load.stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

async fn until(count: &AtomicUsize, enough: usize) {
    let reached = async {
        while count.load(Ordering::SeqCst) < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("sends are acknowledged");
}

async fn run(home: &TempDir, arguments: &[&str]) -> (String, Value) {
    let output = bare(home.path(), arguments).arg("--json").output().await.expect("the program runs");
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (shown(&output), value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_holds_everything_that_was_acknowledged_before() {
    let (home, folder) = (tempfile::tempdir().expect("a home"), tempfile::tempdir().expect("a folder"));
    let old = Served::start(&home, &folder.path().join("old")).await;
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        pairs.push(Pair::make(&old, number).await);
    }
    let load = Load::new();
    let mut senders = JoinSet::new();
    for (number, pair) in pairs.iter().enumerate() {
        senders.spawn(keep_sending(pair.clone(), number, old.address, load.clone()));
    }
    until(&load.count, 1_000).await;
    let (before, sent_before) = (load.snapshot(), load.count());
    let base = format!("http://{}", old.address);
    let (text, made) = run(&home, &["--api-base", &base, "admin", "--admin-token", OPERATOR, "backup", "live"]).await;
    assert!(text.starts_with("exit 0\n"), "{text}");
    let during = load.count() - sent_before;
    assert!(during > 0, "sends went on during the backup");
    until(&load.count, sent_before + during + 100).await;
    load.stop.store(true, Ordering::SeqCst);
    senders.join_all().await;
    let after = load.snapshot();
    old.kill().await;

    let file = made["file"].as_str().expect("a file");
    let new_data = folder.path().join("new");
    let to = new_data.to_str().expect("a path");
    let (text, restored) = run(&home, &["admin", "restore", "--from", file, "--data-dir", to]).await;
    assert!(text.starts_with("exit 0\n"), "{text}");
    assert_eq!(restored["missing_objects"], json!([]));

    let new = Served::start(&home, &new_data).await;
    let mut kept = 0;
    for (number, pair) in pairs.iter().enumerate() {
        let history = pair.history(new.address).await;
        kept += history.len() as u64;
        for (seq, id) in &before[number] {
            assert_eq!(history.get(seq), Some(id), "acknowledged before the backup");
        }
        let last = history.len() as u64;
        assert!(history.keys().copied().eq(1..=last), "a hole in {:?}", history.keys());
        for (seq, id) in history.iter().filter(|(seq, _)| **seq > 2) {
            assert_eq!(after[number].get(seq), Some(id), "another message than was acknowledged");
        }
        // Nothing was received from the old server: all waits, but for the own `hi`.
        let waiting: Vec<u64> = (1..=last).filter(|seq| *seq != 2).collect();
        assert_eq!(pair.receive(new.address).await, waiting);
        assert_eq!(pair.send(new.address, "after", "goes on").await, Some(last + 1));
        assert_eq!(pair.receive(new.address).await, [last + 1]);
    }
    assert_eq!(restored["messages"], kept, "as the program said");
    new.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_says_what_is_wrong() {
    let (home, folder) = (tempfile::tempdir().expect("a home"), tempfile::tempdir().expect("a folder"));
    let data = folder.path().join("data");
    let served = Served::start(&home, &data).await;
    let base = format!("http://{}", served.address);
    let back_up = ["--api-base", &base, "admin", "--admin-token", OPERATOR, "backup", "one"];
    let (text, _) = run(&home, &back_up).await;
    assert!(text.starts_with("exit 0\n"), "{text}");
    let (text, _) = run(&home, &back_up).await;
    assert!(text.starts_with("exit 4\n") && text.contains("there is a backup of that name"), "{text}");
    let backup = data.join("backups/one");
    let restore = async |to: &Path| {
        let output = bare(home.path(), &["admin", "restore", "--from"]).arg(&backup).arg("--data-dir").arg(to).output();
        let text = shown(&output.await.expect("the program runs"));
        let text = text.replace(folder.path().to_str().expect("a path"), "FOLDER");
        match text.split_once(" messages (").and_then(|(before, rest)| Some((before, rest.split_once(' ')?.1))) {
            Some((before, after)) => format!("{before} messages (N {after}"),
            None => text,
        }
    };
    insta::assert_snapshot!(restore(&data).await, @r"
    exit 1
    --- stderr
    error: the data folder FOLDER/data is in use by another process; stop it first, or give this one a folder of its own
    ");
    served.kill().await;
    insta::assert_snapshot!(restore(&data).await, @r"
    exit 1
    --- stderr
    error: there is a store in FOLDER/data; restore into a folder of its own
    hint: give --data-dir a folder that does not exist yet
    ");
    insta::assert_snapshot!(restore(&folder.path().join("new")).await, @r"
    exit 0
    --- stdout
    FOLDER/new: 0 messages (N bytes)
    --- stderr
    Start it: agentchat serve --data-dir FOLDER/new
    ");
    std::fs::write(backup.join("objects.txt"), "attachments/att_1\navatars/x\n").expect("a change");
    insta::assert_snapshot!(restore(&folder.path().join("other")).await, @r"
    exit 1
    --- stderr
    error: FOLDER/data/backups/one/objects.txt was changed since the backup: its SHA-256 is not the one in SHA256SUMS
    hint: nothing was restored; try another backup
    ");
}

/// Five bytes from alice to bob, whose name in the object store this answers.
async fn send_hello(served: &Served) -> String {
    let alice = served.seed("alice").await;
    served.seed("bob").await;
    let slot = json!({
        "to": "bob", "filename": "a.txt", "content_type": "text/plain", "size": 5,
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    });
    let slot = call(served.address, "POST", "/v1/uploads", &alice, &slot).await.body;
    let url = slot["upload_url"].as_str().unwrap_or_else(|| panic!("{slot}"));
    let path = url.strip_prefix(&format!("http://{}", served.address)).expect("our own address");
    let mut stream = TcpStream::connect(served.address).await.expect("a server that accepts");
    let request = format!("PUT {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello");
    stream.write_all(request.as_bytes()).await.expect("a server that reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("a server that answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let id = slot["attachment_id"].as_str().expect("an id");
    let message = json!({ "to": "bob", "client_msg_id": "1", "type": "file", "content": { "attachment_id": id } });
    assert_eq!(call(served.address, "POST", "/v1/messages", &alice, &message).await.status, 201);
    format!("attachments/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_names_the_objects_that_are_missing() {
    let (home, folder) = (tempfile::tempdir().expect("a home"), tempfile::tempdir().expect("a folder"));
    let data = folder.path().join("data");
    let served = Served::start(&home, &data).await;
    let object = send_hello(&served).await;
    let base = format!("http://{}", served.address);
    let (text, _) = run(&home, &["--api-base", &base, "admin", "--admin-token", OPERATOR, "backup", "one"]).await;
    assert!(text.starts_with("exit 0\n"), "{text}");
    served.kill().await;
    let backup = data.join("backups/one");
    assert_eq!(std::fs::read_to_string(backup.join("objects.txt")).expect("a list"), format!("{object}\n"));
    let restore = async |name: &str, objects: &str| {
        let (to, objects) = (folder.path().join(name), folder.path().join(objects));
        let paths = [&backup, &to, &objects].map(|path| path.to_str().expect("a path"));
        let arguments = ["admin", "restore", "--from", paths[0], "--data-dir", paths[1], "--objects", paths[2]];
        run(&home, &arguments).await
    };
    let (text, restored) = restore("first", "nowhere").await;
    assert!(text.starts_with("exit 0\n") && text.contains("1 of 1 objects are not in"), "{text}");
    assert!(text.contains(&format!("  {object}")), "{text}");
    assert_eq!(restored["missing_objects"], json!([object]));
    let (_, restored) = restore("second", "data/objects").await;
    assert_eq!((&restored["objects"], &restored["missing_objects"]), (&json!(1), &json!([])));
}
