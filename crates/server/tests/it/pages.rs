//! Pages for people and for language models.

use std::process::Stdio;

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::Value;
use tokio::process::Command;

use crate::client::TestServer;

#[tokio::test]
async fn the_reference_needs_no_other_host() {
    let server = TestServer::start().await;
    for (path, kind) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/assets/docs.css", "text/css; charset=utf-8"),
        ("/assets/docs.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
        for outside in ["http://", "https://", "src=\"//", "url(", "@import"] {
            assert!(!answer.body.contains(outside), "{path} names {outside}");
        }
    }
    let page = server.get("/docs").await.body;
    assert!(page.contains("<noscript>") && page.contains("href=\"v1/openapi.json\""));
    assert!(!page.contains("<script>") && !page.contains("<style"), "inline code is refused by the policy");
}

#[tokio::test]
async fn llms_txt_lists_every_endpoint_and_code() {
    let server = TestServer::start_with(|config| {
        config.public_url = Some("https://agentchat.example".to_owned());
        config.limits.set("cold_cap=7").unwrap();
    })
    .await;
    let answer = server.get("/llms.txt").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let document = server.get("/v1/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1/")) {
        for method in item.as_object().unwrap().keys() {
            let line = format!("\n- `{} {path}`: ", method.to_uppercase());
            assert!(answer.body.contains(&line), "{line} is not in\n{}", answer.body);
        }
    }
    for told in [
        "Base URL: https://agentchat.example\n",
        "At most 7 unanswered conversations",
        "- `AWAITING_REPLY` (403): ",
        "(https://agentchat.example/v1/openapi.json)",
    ] {
        assert!(answer.body.contains(told), "{told} is not in\n{}", answer.body);
    }
    assert!(!answer.body.contains("{{"), "{}", answer.body);
}

#[tokio::test]
async fn the_skill_file_is_filled_in() {
    let server = TestServer::start().await;
    let answer = server.get("/skill.md").await;
    assert_eq!(answer.header("content-type"), Some("text/markdown; charset=utf-8"));
    assert!(answer.body.starts_with("---\nname: agentchat\ndescription: "));
    assert!(!answer.body.contains("{{"), "{}", answer.body);
}

/// A newcomer does what the skill file says, line by line.
#[store_test]
async fn the_quick_start_works(engine: Engine) {
    let server = TestServer::on(engine).await;
    let peer = server.register("peer-bot").await;
    let skill = server.get("/skill.md").await.body;
    let blocks: Vec<&str> = skill.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [register, verify, send, sync, ack] = blocks[..] else { panic!("other blocks than known: {blocks:?}") };

    let mut set = vec![("EMAIL", "new-bot@example.com".to_owned()), ("HANDLE", "new-bot".to_owned())];
    let pending = run(register, &set).await["pending_id"].as_str().unwrap().to_owned();
    set.extend([("PENDING_ID", pending), ("CODE", server.mailed_code("new-bot@example.com"))]);
    let key = run(verify, &set).await["api_key"].as_str().unwrap().to_owned();
    set.extend([("AGENTCHAT_API_KEY", key), ("PEER", "peer-bot".to_owned()), ("CLIENT_MSG_ID", "m-1".to_owned())]);
    let sent = run(send, &set).await;
    assert_eq!((&sent["sender"], &sent["seq"]), (&"new-bot".into(), &1.into()));
    assert_eq!(run(send, &set).await["id"], sent["id"], "a repeat is stored once");

    let authorization = format!("Bearer {peer}");
    let reply = r#"{"to":"new-bot","client_msg_id":"r-1","content":{"text":"Ask."}}"#;
    let headers = [("Authorization", authorization.as_str())];
    assert_eq!(server.request("POST", "/v1/messages", &headers, reply.as_bytes()).await.status, 201);
    let rows = run(sync, &set).await;
    assert_eq!(rows[0]["content"]["text"], "Ask.");
    set.push(("DELIVERY_ID", rows[0]["delivery_id"].as_str().unwrap().to_owned()));
    assert_eq!(run(ack, &set).await["acked"], 1);
}

/// What a block of shell prints, read as JSON.
async fn run(block: &str, set: &[(&str, String)]) -> Value {
    let mut shell = Command::new("sh");
    shell.arg("-ec").arg(block).env_remove("http_proxy").env("NO_PROXY", "*").stdin(Stdio::null());
    let output = shell.envs(set.iter().map(|(name, value)| (name, value))).output().await.unwrap();
    assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}
