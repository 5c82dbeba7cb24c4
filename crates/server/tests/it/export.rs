//! `GET /v1/export`: everything an agent may see, and how it ends when it cannot be told.

use agentchat_server::Secret;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::accounts::call;
use crate::client::Answer;
use crate::stage::{Stage, assert_snapshot, named};

const TOKEN: &str = "operator-token-0123456789-0123456789";

async fn stage(engine: Engine) -> Stage {
    Stage::with(engine, &["alice", "bob", "carol"], |config| config.admin_token = Some(Secret::new(TOKEN))).await
}

/// The lines of a body in chunks, and whether it came to its end.
fn unchunked(mut body: &str) -> (String, bool) {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (text, true);
        }
        let Some(chunk) = rest.get(..size) else { return (text + rest, false) };
        text.push_str(chunk);
        body = rest[size..].strip_prefix("\r\n").unwrap_or_default();
    }
    (text, false)
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let (text, complete) = unchunked(&answer.body);
    assert!(complete && text.ends_with('\n'), "{answer:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// Kind and a few words of each line.
fn shown(lines: &[Value]) -> String {
    let line = |line: &Value| {
        let words = ["handle", "target_id", "type", "conversation_id", "id", "seq", "url", "status", "counts"];
        let words = words.iter().map(|word| &line[*word]).filter(|word| !word.is_null());
        let text = line["content"]["text"].as_str().unwrap_or_default();
        format!("{} {} {text}", line["kind"], words.map(Value::to_string).collect::<Vec<_>>().join(" "))
    };
    named(&lines.iter().map(line).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n"))
}

async fn group_of(stage: &Stage, name: &str, others: &[&str]) -> String {
    let group = stage.post("alice", "/v1/groups", json!({ "name": name, "member_handles": others })).await.json();
    for other in others {
        for invite in stage.get(other, "/v1/groups/invites").await.rows() {
            let path = format!("/v1/groups/invites/{}/accept", invite["id"].as_str().unwrap());
            assert_eq!(stage.post(other, &path, json!({})).await.status, 200);
        }
    }
    group["group"]["id"].as_str().unwrap().to_owned()
}

#[store_test]
async fn everything_an_agent_may_see_is_in_it(engine: Engine) {
    let stage = stage(engine).await;
    stage.say("alice", "bob", "one").await;
    let two = stage.say("bob", "alice", "two").await;
    let hidden = stage.say("bob", "alice", "hidden").await;
    stage.say("bob", "carol", "not hers").await;
    let path = format!("/v1/messages/{}", hidden["id"].as_str().unwrap());
    assert_eq!(stage.delete("alice", &path).await.status, 200);
    for (path, body) in [
        ("/v1/contacts", json!({ "handle": "bob" })),
        ("/v1/contacts/carol/block", json!({})),
        ("/v1/mutes", json!({ "target_kind": "agent", "target_handle": "bob" })),
    ] {
        let answer = stage.post("alice", path, body).await;
        assert!(answer.status < 300, "{answer:?}");
    }
    let kept = group_of(&stage, "kept", &["bob"]).await;
    let body = json!({ "conversation_id": kept, "client_msg_id": "g", "content": { "text": "to all" } });
    assert_eq!(stage.post("bob", "/v1/messages", body).await.status, 201);
    let left = group_of(&stage, "left", &["bob"]).await;
    assert_eq!(stage.post("alice", &format!("/v1/groups/{left}/leave"), json!({})).await.status, 200);

    let exported = lines(&stage.get("alice", "/v1/export").await);
    assert_snapshot!(shown(&exported), @r#"
    "agent" "alice" "agt_1" "active"
    "contact" "bob" "active"
    "block" "carol"
    "mute" "bob"
    "conversation" "direct" "conv_2"
    "conversation" "group" "grp_3"
    "message" "text" "conv_2" "msg_4" 1 "stored" one
    "message" "text" "conv_2" "msg_5" 2 "stored" two
    "message" "system" "grp_3" "msg_6" 1 "stored"
    "message" "text" "grp_3" "msg_7" 2 "stored" to all
    "end" {"agent":1,"attachment":0,"block":1,"contact":1,"conversation":2,"message":4,"mute":1,"webhook":0}
    "#);
    assert_eq!(of_kind(&exported, "agent")[0]["email"], "alice@example.com");

    // Rows are those of history, conversations those of the list.
    let path = format!("/v1/messages/{}?after_seq=0", two["conversation_id"].as_str().unwrap());
    let history = stage.get("alice", &path).await.rows();
    let without_kind = |line: &Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("kind");
        line
    };
    let of_bob: Vec<Value> = of_kind(&exported, "message").into_iter().map(without_kind).collect();
    assert_eq!(of_bob[..2], history[..]);
    let mut listed = stage.get("alice", "/v1/conversations").await.rows();
    listed.sort_by_key(|row| row["id"].to_string());
    let mut conversations: Vec<Value> = of_kind(&exported, "conversation").into_iter().map(without_kind).collect();
    conversations.sort_by_key(|row| row["id"].to_string());
    assert_eq!(conversations, listed);

    let path = "/admin/agents/@Alice/export";
    let by_operator = lines(&call(&stage.server, TOKEN, "GET", path, "").await);
    assert_eq!(by_operator, exported);
}

#[store_test]
async fn two_an_hour_and_nobody_elses(engine: Engine) {
    let stage = stage(engine).await;
    for _ in 0..2 {
        assert_eq!(stage.get("alice", "/v1/export").await.status, 200);
    }
    let refused = stage.get("alice", "/v1/export").await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED".into()));
    assert_eq!(refused.json()["details"]["reason"], "export");
    assert_eq!(
        (refused.json()["details"]["limit"].as_u64(), refused.json()["details"]["window_s"].as_u64()),
        (Some(2), Some(3600))
    );
    assert_eq!(stage.get("bob", "/v1/export").await.status, 200);
    assert_eq!(stage.server.get("/v1/export").await.refusal(), (401, "UNAUTHORIZED".into()));
    let by_operator = |path| call(&stage.server, TOKEN, "GET", path, "");
    for path in ["/admin/agents/nobody/export", "/admin/agents/!/export"] {
        assert_eq!(by_operator(path).await.refusal(), (404, "AGENT_NOT_FOUND".into()));
    }
    assert_eq!(by_operator("/admin/agents/alice/export").await.status, 200);
    assert_eq!(stage.delete("bob", "/v1/agents/bob").await.status, 200);
    assert_eq!(by_operator("/admin/agents/bob/export").await.refusal(), (404, "AGENT_NOT_FOUND".into()));
    let wrong = call(&stage.server, "wrong", "GET", "/admin/agents/alice/export", "").await;
    assert_eq!(wrong.refusal(), (401, "OPS_AUTH_REQUIRED".into()));
}

/// More than the buffers between the two hold, so that the server is in the middle when it is stopped.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_to_its_end_does_not_look_complete() {
    let quiet = |config: &mut agentchat_server::Config| {
        for limit in ["send=off", "loop=off", "api=off"] {
            config.limits.set(limit).unwrap();
        }
    };
    let stage = Stage::with(Engine::Sqlite, &["alice", "bob"], quiet).await;
    let long = "x".repeat(32_000);
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hello yourself").await;
    for number in 0..1_000 {
        let body = json!({ "to": "bob", "client_msg_id": format!("{number}"), "content": { "text": long } });
        assert_eq!(stage.post("alice", "/v1/messages", body).await.status, 201);
    }
    let mut stream = TcpStream::connect(stage.server.running.addr()).await.unwrap();
    let head = format!(
        "GET /v1/export HTTP/1.1\r\nhost: here\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        stage.key("alice")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 64];
    stream.read_exact(&mut first).await.unwrap();
    stage.server.running.shutdown();
    let mut text = String::from_utf8(first.to_vec()).unwrap();
    // Whether it is a reset or an end in the middle is the system's.
    let _ended = stream.read_to_string(&mut text).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{}", &text[..100]);
    let (lines, complete) = unchunked(text.split_once("\r\n\r\n").unwrap().1);
    assert!(!complete && !lines.contains(r#""kind":"end""#), "{} bytes", lines.len());
}
