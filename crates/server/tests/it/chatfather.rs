//! `@chatfather` from outside: its welcome, its answers, what it survives and what nobody can do to it.

use std::time::{Duration, Instant};

use agentchat_server::{Config, Secret, ServeArgs, Server};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::accounts::{call, mails};
use crate::client::{Answer, Home, TestServer};
use crate::nodes::Nodes;

pub(crate) const TOKEN: &str = "operator-token-0123456789-0123456789";
const PATIENCE: Duration = Duration::from_secs(20);

fn with_desk(config: &mut Config) {
    config.system_agent = true;
    config.admin_token = Some(Secret::new(TOKEN));
}

/// A server with a system agent.
pub(crate) async fn start(engine: Engine) -> TestServer {
    TestServer::on_with(engine, with_desk).await
}

/// Waits until so many messages wait for an agent; what they say.
pub(crate) async fn heard(server: &TestServer, key: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows = call(server, key, "GET", "/v1/messages/sync", "").await.json();
        let rows = rows.as_array().unwrap().clone();
        if rows.len() >= count {
            assert_eq!(rows.len(), count, "{rows:?}");
            return rows;
        }
        assert!(Instant::now() < deadline, "not in time: {rows:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn tell(server: &TestServer, key: &str, text: &str) -> Answer {
    let body = json!({ "to": "@chatfather", "client_msg_id": format!("id-{text}"), "content": { "text": text } });
    call(server, key, "POST", "/v1/messages", &body.to_string()).await
}

fn text(row: &Value) -> &str {
    row["content"]["text"].as_str().unwrap()
}

#[store_test]
async fn who_registers_is_welcomed(engine: Engine) {
    let server = start(engine).await;
    let alice = server.register("alice").await;
    let welcome = &heard(&server, &alice, 1).await[0];
    assert_eq!(
        (&welcome["sender"], &welcome["type"], &welcome["seq"]),
        (&json!("chatfather"), &json!("text"), &json!(1))
    );
    assert_eq!(welcome["context"]["sender"]["kind"], "system");
    assert_eq!(welcome["context"]["sender"]["display_name"], "ChatFather");
    for told in [
        "@alice",
        "60 messages per second",
        "100 such conversations per 24 hours",
        "until the other side answers",
        "/help",
    ] {
        assert!(text(welcome).contains(told), "{told}: {}", text(welcome));
    }
    let id = welcome["client_msg_id"].as_str().unwrap();
    assert!(id.starts_with("cf_") && id.len() == 35, "{id}");
    let made = call(&server, TOKEN, "POST", "/admin/agents", r#"{"email":"ops@example.com","handle":"bob"}"#).await;
    let bob = made.json()["api_key"].as_str().unwrap().to_owned();
    assert!(text(&heard(&server, &bob, 1).await[0]).contains("@bob"));
}

#[store_test]
async fn an_answer_to_its_welcome_establishes_the_conversation(engine: Engine) {
    let server = start(engine).await;
    let alice = server.register("alice").await;
    let welcome = heard(&server, &alice, 1).await.remove(0);
    assert_eq!(tell(&server, &alice, "/help").await.status, 201);
    assert_eq!(tell(&server, &alice, "hello").await.status, 201, "it is no cold conversation");
    let rows = heard(&server, &alice, 3).await;
    assert!(text(&rows[1]).contains("/report"), "{rows:?}");
    assert!(text(&rows[2]).starts_with("Hello"), "{rows:?}");
    assert!(rows.iter().all(|row| row["conversation_id"] == welcome["conversation_id"]));
    let contacts = call(&server, &alice, "GET", "/v1/contacts", "").await.json();
    assert_eq!(contacts["contacts"][0]["handle"], "chatfather");
    // Its own inbox is empty by now.
    let deadline = Instant::now() + PATIENCE;
    while call(&server, TOKEN, "GET", "/admin/agents/chatfather", "").await.json()["undelivered_count"] != 0 {
        assert!(Instant::now() < deadline, "something waits for it");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[store_test]
async fn what_came_while_it_was_not_there_is_answered_at_the_next_start(engine: Engine) {
    let home = Home::new(engine).await;
    let mut config = home.config();
    with_desk(&mut config);
    let server = TestServer { running: Server::start(config.clone()).await.unwrap(), home };
    let alice = server.register("alice").await;
    heard(&server, &alice, 1).await;
    let home = server.leave().await;
    config.system_agent = false;
    let server = TestServer { running: Server::start(config.clone()).await.unwrap(), home };
    for asked in ["/docs", "/help"] {
        assert_eq!(tell(&server, &alice, asked).await.status, 201);
    }
    let quiet = server.register("bob").await;
    assert_eq!(heard(&server, &alice, 1).await.len(), 1);
    let home = server.leave().await;
    config.system_agent = true;
    let server = TestServer { running: Server::start(config).await.unwrap(), home };
    let rows = heard(&server, &alice, 3).await;
    assert!(text(&rows[1]).contains("/v1/openapi.json") && text(&rows[2]).contains("/faq"), "{rows:?}");
    assert!(heard(&server, &quiet, 0).await.is_empty());
    let handles = call(&server, TOKEN, "GET", "/admin/agents", "").await.json();
    assert_eq!(handles["total"], 3, "there is one of it, however often the server starts");
}

#[store_test]
async fn nobody_gets_rid_of_it(engine: Engine) {
    let server = start(engine).await;
    let alice = server.register("alice").await;
    let profile = server.get("/v1/agents/chatfather").await.json();
    assert_eq!((&profile["is_system"], &profile["display_name"]), (&json!(true), &json!("ChatFather")));
    let deleted = call(&server, TOKEN, "DELETE", "/admin/agents/chatfather", "").await;
    assert_eq!((deleted.status, deleted.error_code()), (409, "SYSTEM_AGENT_PROTECTED".into()));
    for path in ["block", "report"] {
        let refused = call(&server, &alice, "POST", &format!("/v1/contacts/chatfather/{path}"), "{}").await;
        assert_eq!((refused.status, refused.error_code()), (409, "SYSTEM_AGENT_PROTECTED".into()), "{path}");
    }
    let before = mails(&server);
    let email = call(&server, TOKEN, "GET", "/admin/agents/chatfather", "").await.json()["email"].clone();
    let body = json!({ "email": email, "handle": "chatfather" }).to_string();
    let recovered = server.request("POST", "/v1/agents/recover", &[], body.as_bytes()).await;
    assert_eq!(recovered.status, 200);
    let home = server.leave().await;
    let written = std::fs::read_dir(home.folder.path().join("mail")).unwrap();
    let written = written.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "eml"));
    assert_eq!(written.count(), before, "a miss is not mailed");
}

#[tokio::test]
async fn two_nodes_greet_once_and_answer_once() {
    let nodes = Nodes::start_with(2, |_, config| with_desk(config)).await;
    let (first, second) = nodes.two();
    let alice = first.register("alice").await;
    heard(second, &alice, 1).await;
    for number in 0..4 {
        let node = if number % 2 == 0 { first } else { second };
        assert_eq!(tell(node, &alice, &format!("question {number}")).await.status, 201);
    }
    heard(first, &alice, 5).await;
    let listed = call(first, TOKEN, "GET", "/admin/agents", "").await.json();
    assert_eq!(listed["total"], 2);
    // Whatever the slower node still does: what is answered stays answered once.
    let deadline = Instant::now() + PATIENCE;
    while call(second, TOKEN, "GET", "/admin/agents/chatfather", "").await.json()["undelivered_count"] != 0 {
        assert!(Instant::now() < deadline, "something waits for it");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    heard(second, &alice, 5).await;
}

#[test]
fn a_server_may_do_without_it() {
    let resolved = |args: ServeArgs, env: Option<&'static str>| {
        let env = move |name: &str| (name == "AGENTCHAT_NO_SYSTEM_AGENT").then_some(env?).map(str::to_owned);
        args.resolve_with(env).map(|config| config.system_agent)
    };
    let args = |off| ServeArgs { data_dir: Some("data".into()), no_system_agent: off, ..ServeArgs::default() };
    assert!(resolved(args(false), None).unwrap());
    assert!(!resolved(args(true), None).unwrap());
    assert!(!resolved(args(false), Some("true")).unwrap());
    assert!(resolved(args(false), Some("false")).unwrap());
    let wrong = resolved(args(false), Some("perhaps")).unwrap_err().to_string();
    assert!(wrong.contains("--no-system-agent") && wrong.contains("perhaps"), "{wrong}");
}
