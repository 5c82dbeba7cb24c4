//! `/admin`: the operator's agents and numbers.

use agentchat_core::jobs::UnfinishedJobs;
use agentchat_server::{Config, Secret, Server};
use agentchat_store::{Engine, Store};
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::accounts::{call, mails};
use crate::client::{Answer, Home, TestServer};

const TOKEN: &str = "operator-token-0123456789-0123456789";

async fn start(engine: Engine) -> TestServer {
    TestServer::on_with(engine, |config: &mut Config| config.admin_token = Some(Secret::new(TOKEN))).await
}

async fn ask(server: &TestServer, method: &str, path: &str, body: &str) -> Answer {
    call(server, TOKEN, method, path, body).await
}

async fn create(server: &TestServer, handle: &str) -> Value {
    let body = json!({ "email": "ops@example.com", "handle": handle }).to_string();
    let created = ask(server, "POST", "/admin/agents", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.json()
}

#[store_test]
async fn without_a_token_nobody_is_the_operator(engine: Engine) {
    let closed = TestServer::on(engine).await;
    let unset = ask(&closed, "GET", "/admin/stats", "").await;
    assert_eq!((unset.status, unset.error_code().as_str()), (503, "OPS_AUTH_REQUIRED"));
    assert!(unset.json()["details"]["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0));
    assert!(unset.header("retry-after").is_some());
    let server = start(engine).await;
    for (method, path) in [
        ("GET", "/admin/stats"),
        ("GET", "/admin/agents"),
        ("POST", "/admin/agents"),
        ("GET", "/admin/agents/nobody"),
        ("DELETE", "/admin/agents/nobody"),
    ] {
        let refused = call(&server, "wrong", method, path, "").await;
        assert_eq!((refused.status, refused.error_code().as_str()), (401, "OPS_AUTH_REQUIRED"), "{method} {path}");
    }
}

#[store_test]
async fn the_operator_makes_agents_without_mail(engine: Engine) {
    let server = start(engine).await;
    let created = create(&server, "@Build-Bot").await;
    assert_eq!(created["agent"]["handle"], "build-bot");
    let key = created["api_key"].as_str().unwrap();
    assert_eq!(call(&server, key, "GET", "/v1/agents/me", "").await.json(), created["agent"]);
    assert_eq!(mails(&server), 0);
    for (body, code) in [
        (json!({ "handle": "bob" }), "VALIDATION_ERROR"),
        (json!({ "email": "ops@example.com", "handle": "admin" }), "INVALID_HANDLE"),
        (json!({ "email": "ops@example.com", "handle": "build-bot" }), "HANDLE_TAKEN"),
    ] {
        assert_eq!(ask(&server, "POST", "/admin/agents", &body.to_string()).await.error_code(), code);
    }
}

#[store_test]
async fn the_operator_lists_agents_with_what_waits_for_them(engine: Engine) {
    let server = start(engine).await;
    for handle in ["bot-a", "bot-b", "carol"] {
        create(&server, handle).await;
    }
    let sender = create(&server, "dave").await["api_key"].as_str().unwrap().to_owned();
    let hello = json!({ "to": "bot-b", "client_msg_id": "m-1", "content": { "text": "hello" } }).to_string();
    assert_eq!(call(&server, &sender, "POST", "/v1/messages", &hello).await.status, 201);

    let page = ask(&server, "GET", "/admin/agents?q=@Bot&limit=1&offset=1", "").await.json();
    assert_eq!((page["total"].as_u64(), page["limit"].as_u64(), page["offset"].as_u64()), (Some(2), Some(1), Some(1)));
    let row = &page["agents"][0];
    assert_eq!((row["handle"].as_str(), row["email"].as_str()), (Some("bot-b"), Some("ops@example.com")));
    assert_eq!((row["undelivered_count"].as_u64(), row["sockets"].as_u64()), (Some(1), Some(0)));
    assert_eq!((&row["last_seen"], &row["owner_email"]), (&Value::Null, &Value::Null));
    assert_eq!(ask(&server, "GET", "/admin/agents/@bot-b", "").await.json(), *row);
    assert_eq!(ask(&server, "GET", "/admin/agents?limit=1000", "").await.json()["limit"], 200);
    for bad in ["status=gone", "limit=0", "limit=x", "offset=-1"] {
        assert_eq!(ask(&server, "GET", &format!("/admin/agents?{bad}"), "").await.error_code(), "VALIDATION_ERROR");
    }
}

#[store_test]
async fn the_operator_deletes_agents(engine: Engine) {
    let server = start(engine).await;
    let key = create(&server, "alice").await["api_key"].as_str().unwrap().to_owned();
    assert_eq!(call(&server, &key, "GET", "/v1/agents/me", "").await.status, 200);
    assert_eq!(ask(&server, "DELETE", "/admin/agents/Alice", "").await.json()["ok"], true);
    assert_eq!(call(&server, &key, "GET", "/v1/agents/me", "").await.status, 401);
    for path in ["/admin/agents/alice", "/admin/agents/nobody", "/admin/agents/x"] {
        let refused = ask(&server, "DELETE", path, "").await;
        assert_eq!((refused.status, refused.error_code().as_str()), (404, "AGENT_NOT_FOUND"), "{path}");
    }
    assert_eq!(ask(&server, "GET", "/admin/agents/alice", "").await.json()["status"], "deleted");
    let deleted = ask(&server, "GET", "/admin/agents?status=deleted", "").await.json();
    assert_eq!((deleted["total"].as_u64(), deleted["agents"][0]["handle"].as_str()), (Some(1), Some("alice")));
    let stats = ask(&server, "GET", "/admin/stats", "").await.json();
    assert_eq!(stats["agents"], json!({ "active": 0, "restricted": 0, "suspended": 0, "deleted": 1 }));
    assert_eq!((stats["messages"].as_u64(), stats["stored_envelopes"].as_u64()), (Some(0), Some(0)));
    assert!(stats["store"]["bytes"].as_u64().is_some_and(|bytes| bytes > 0));
}

#[store_test]
async fn a_start_finishes_what_the_last_run_left(engine: Engine) {
    let mut home = Home::new(engine).await;
    let store = home.store().await;
    leave_a_job(&store).await;
    store.close().await;
    drop(store);
    // A shutdown may come before the job is done; then the next start goes on with it.
    for _ in 0..50 {
        let server = TestServer { running: Server::start(home.config()).await.unwrap(), home };
        for _ in 0..5 {
            assert_eq!(server.get("/v1/ready").await.status, 200);
        }
        home = server.leave().await;
        let store = home.store().await;
        let left = store.read(UnfinishedJobs).await.unwrap();
        store.close().await;
        if left.is_empty() {
            return;
        }
    }
    panic!("the job is never taken up");
}

/// An account that was deleted by a process which ended right after.
async fn leave_a_job(store: &Store) {
    use agentchat_core::accounts::{EmailCaps, NewAccount};
    use agentchat_core::agents::{CreateAgent, DeleteAgent};
    use agentchat_protocol::{id::AgentId, timestamp::Timestamp};
    use agentchat_store::tables::Actor;

    let account = NewAccount::parse(
        br#"{"email": "alice@example.com", "handle": "alice"}"#,
        agentchat_core::agents::TextLengths::default(),
    )
    .unwrap();
    let (now, handle) = (Timestamp::from_millis(1_768_469_400_000), account.handle.clone());
    let create = CreateAgent {
        account,
        id: AgentId::from_bytes([1; 16]),
        key_hash: [1; 32],
        is_system: false,
        caps: EmailCaps::default(),
        now,
    };
    store.write(create).await.unwrap();
    store.write(DeleteAgent { handle, actor: Actor::Agent, event: [2; 16], now }).await.unwrap();
    assert_eq!(store.read(UnfinishedJobs).await.unwrap().len(), 1);
}
