//! extensions.md X1: search.

use std::time::{Duration, Instant};

use agentchat_server::ServeArgs;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::stage::Stage;

/// Searches until the last message said, which holds `marker`, can be found.
async fn indexed(stage: &Stage, agent: &str, marker: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while items(&stage.get(agent, &format!("/v1/search?q={marker}")).await).is_empty() {
        assert!(Instant::now() < deadline, "{marker} is not found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn items(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().expect("items").clone()
}

async fn found(stage: &Stage, agent: &str, query: &str) -> Vec<String> {
    let rows = items(&stage.get(agent, &format!("/v1/search?{query}")).await);
    rows.iter().map(|row| row["message"]["content"]["text"].as_str().unwrap_or("-").to_owned()).collect()
}

async fn stage(engine: Engine) -> Stage {
    Stage::with(engine, &["alice", "bob", "carol"], |config| {
        config.limits.set("search=off").expect("a limit");
        config.limits.set("send=off").expect("a limit");
    })
    .await
}

#[store_test]
async fn words_phrases_prefixes_senders_and_times(engine: Engine) {
    let stage = stage(engine).await;
    let first = stage.say("alice", "bob", "Red apples, green pears").await;
    stage.say("bob", "alice", "the crème is green and red").await;
    stage.say("carol", "bob", "red things of others").await;
    stage.say("bob", "carol", "zzlast red").await;
    indexed(&stage, "bob", "zzlast").await;
    let both = ["the crème is green and red", "Red apples, green pears"];
    assert_eq!(found(&stage, "alice", "q=RED").await, both);
    assert_eq!(found(&stage, "alice", "q=red+-apples").await, both[..1]);
    assert_eq!(found(&stage, "alice", "q=%22green+pears%22").await, both[1..]);
    assert_eq!(found(&stage, "alice", "q=%22pears+green%22").await, [""; 0]);
    assert_eq!(found(&stage, "alice", "q=cre*").await, both[..1]);
    assert_eq!(found(&stage, "alice", "q=red&from=@Alice").await, both[1..]);
    assert_eq!(found(&stage, "alice", "q=red&from=nobody-here").await, [""; 0]);
    assert_eq!(found(&stage, "alice", "q=zzlast").await, [""; 0], "other people's messages");
    let at = first["created_at"].as_str().expect("a time");
    assert_eq!(found(&stage, "alice", &format!("q=red&after={at}")).await, both[..1]);
    let second = "2026-01-15T09:30:01.000Z";
    assert_eq!(found(&stage, "alice", &format!("q=red&before={second}")).await, both[1..]);
    let one = first["conversation_id"].as_str().expect("an id");
    assert_eq!(found(&stage, "bob", &format!("q=red&conversation_id={one}")).await, both);
    assert_eq!(found(&stage, "bob", "q=red").await.len(), 4);
    let foreign = stage.get("carol", &format!("/v1/search?q=red&conversation_id={one}")).await;
    assert_eq!(foreign.refusal(), (404, "CONVERSATION_NOT_FOUND".to_owned()));
    let row = items(&stage.get("alice", "/v1/search?q=apples").await).remove(0);
    assert_eq!((&row["snippet"], &row["highlights"]), (&json!("Red apples, green pears"), &json!([[4, 10]])));
    assert_eq!((&row["message"]["is_own"], &row["message"]["delivery_id"]), (&json!(true), &Value::Null));
}

#[store_test]
async fn pages_do_not_move_when_something_new_comes(engine: Engine) {
    let stage = stage(engine).await;
    stage.say("alice", "bob", "note 0").await;
    stage.say("bob", "alice", "welcome").await;
    for number in 1..7 {
        stage.say("alice", "bob", &format!("note {number}")).await;
    }
    stage.say("alice", "bob", "zzlast").await;
    indexed(&stage, "bob", "zzlast").await;
    let first = stage.get("bob", "/v1/search?q=note&limit=3").await.json();
    stage.say("alice", "bob", "note new zznew").await;
    indexed(&stage, "bob", "zznew").await;
    let mut texts = Vec::new();
    let mut page = first;
    loop {
        let rows = page["items"].as_array().expect("items").clone();
        texts.extend(rows.iter().map(|row| row["message"]["content"]["text"].as_str().unwrap_or("-").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let foreign = stage.get("alice", &format!("/v1/search?q=note&cursor={cursor}")).await;
        assert_eq!(foreign.refusal(), (400, "VALIDATION_ERROR".to_owned()), "a cursor is its reader's");
        page = stage.get("bob", &format!("/v1/search?q=note&limit=3&cursor={cursor}")).await.json();
    }
    assert_eq!(texts, ["note 6", "note 5", "note 4", "note 3", "note 2", "note 1", "note 0"]);
}

#[store_test]
async fn what_is_hidden_from_the_caller_is_not_found(engine: Engine) {
    let stage = stage(engine).await;
    let hidden = stage.say("alice", "bob", "secret one").await;
    stage.say("bob", "alice", "secret zzlast").await;
    indexed(&stage, "bob", "zzlast").await;
    let path = format!("/v1/messages/{}", hidden["id"].as_str().expect("an id"));
    assert_eq!(stage.delete("bob", &path).await.status, 200);
    assert_eq!(found(&stage, "bob", "q=secret").await, ["secret zzlast"]);
    assert_eq!(found(&stage, "alice", "q=secret").await, ["secret zzlast", "secret one"]);
}

#[store_test]
async fn a_node_may_leave_the_index_alone(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| {
        config.index_words = false;
        config.limits.set("search=off").expect("a limit");
    })
    .await;
    stage.say("alice", "bob", "harbour").await;
    // Longer than a node that indexes takes.
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        assert_eq!(found(&stage, "bob", "q=harbour").await, [""; 0]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let home = stage.server.leave().await;
    assert_eq!(home.store().await.unindexed().await.expect("a count"), 1);
}

#[test]
fn indexing_is_switched_off_by_flag_or_environment() {
    let resolved = |off, env: Option<&'static str>| {
        let args = ServeArgs { data_dir: Some("data".into()), no_search: off, ..ServeArgs::default() };
        let env = move |name: &str| (name == "AGENTCHAT_NO_SEARCH").then_some(env?).map(str::to_owned);
        args.resolve_with(env).map(|config| config.index_words)
    };
    assert!(resolved(false, None).unwrap() && resolved(false, Some("false")).unwrap());
    assert!(!resolved(true, None).unwrap() && !resolved(false, Some("true")).unwrap());
    let wrong = resolved(false, Some("perhaps")).unwrap_err().to_string();
    assert!(wrong.contains("--no-search") && wrong.contains("perhaps"), "{wrong}");
}
