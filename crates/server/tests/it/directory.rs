//! `GET /v1/directory`.

use agentchat_store::{Engine, StoreError, Tx, Write};
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::nodes::Nodes;
use crate::stage::{Stage, assert_snapshot};

fn handles(page: &Value) -> Vec<String> {
    page["agents"].as_array().unwrap().iter().map(|row| row["handle"].as_str().unwrap().to_owned()).collect()
}

#[store_test]
async fn agents_are_found_by_the_beginning_of_their_handle(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bot-a", "bot-b", "not-a-bot"]).await;
    assert_eq!(stage.patch("bot-b", "/v1/agents/bot-b", json!({ "display_name": "Bot B" })).await.status, 200);
    assert_eq!(stage.post("alice", "/v1/contacts", json!({ "handle": "bot-b" })).await.status, 201);
    assert_snapshot!(stage.get("alice", "/v1/directory?q=%20@BOT&limit=1&offset=1").await.print(), @r#"
    200
    {
      "agents": [
        {
          "handle": "bot-b",
          "display_name": "Bot B",
          "description": null,
          "avatar_url": null,
          "status": "active",
          "is_system": false,
          "created_at": "2026-01-15T09:30:00.000Z",
          "in_contacts": true
        }
      ],
      "items": [
        {
          "handle": "bot-b",
          "display_name": "Bot B",
          "description": null,
          "avatar_url": null,
          "status": "active",
          "is_system": false,
          "created_at": "2026-01-15T09:30:00.000Z",
          "in_contacts": true
        }
      ],
      "total": 2,
      "limit": 1,
      "offset": 1
    }
    "#);
    let whole = stage.get("alice", "/v1/directory?q=b&limit=500").await.json();
    assert_eq!((handles(&whole), &whole["limit"]), (vec!["bot-a".to_owned(), "bot-b".to_owned()], &json!(100)));
    assert_eq!(stage.get("alice", "/v1/directory?q=alice").await.json()["limit"], 20);
    for wild in ["%25", "bot_", "b%25", "%00", "*", "Bot%20B"] {
        let page = stage.get("alice", &format!("/v1/directory?q={wild}")).await.json();
        assert_eq!((handles(&page).len(), &page["total"]), (0, &json!(0)), "{wild}");
    }
}

#[store_test]
async fn a_query_is_checked_before_it_is_counted(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], |config| config.limits.set("directory=1/3600").unwrap()).await;
    let (fits, too_long) = ("a".repeat(50), "a".repeat(51));
    for (query, field) in [
        ("".to_owned(), "q"),
        ("?q=".to_owned(), "q"),
        ("?q=@".to_owned(), "q"),
        ("?q=%20%20".to_owned(), "q"),
        (format!("?q={too_long}"), "q"),
        ("?q=a&limit=0".to_owned(), "limit"),
        ("?q=a&offset=-1".to_owned(), "offset"),
        ("?q=a&offset=10001".to_owned(), "offset"),
    ] {
        let refused = stage.get("alice", &format!("/v1/directory{query}")).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()), "{query}");
        assert!(refused.json()["details"]["fieldErrors"][field].is_array(), "{query}: {refused:?}");
    }
    let answered = stage.get("alice", &format!("/v1/directory?q=@{fits}&offset=10000")).await;
    assert_eq!((answered.status, &answered.json()["total"]), (200, &json!(0)));
    assert_eq!(stage.get("alice", "/v1/directory?q=a").await.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(stage.get("alice", "/v1/directory?q=").await.refusal(), (400, "VALIDATION_ERROR".to_owned()));
}

#[store_test]
async fn the_day_is_counted_over_a_restart_and_takes_nothing_of_the_minute_when_it_is_over(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| {
        config.limits.set("directory=3/60").unwrap();
        config.limits.set("directory_day=2/86400").unwrap();
    })
    .await;
    let first = stage.get("alice", "/v1/directory?q=a").await;
    let policies = first.header("ratelimit-policy").unwrap();
    assert!(policies.contains(r#""directory";q=3;w=60, "directory_day";q=2;w=86400"#), "{policies}");
    let left = first.header("ratelimit").unwrap();
    assert!(left.contains(r#""directory";r=2;t=20, "directory_day";r=1;t=43200"#), "{left}");
    assert_eq!(stage.get("alice", "/v1/directory?q=a").await.status, 200);
    let stage = stage.meanwhile(Nothing).await;
    for _ in 0..5 {
        let refused = stage.get("alice", "/v1/directory?q=a").await;
        let details = refused.json()["details"].clone();
        assert_eq!((refused.status, &details["reason"], &details["limit"]), (429, &json!("directory_day"), &json!(2)));
        assert_eq!((&details["window_s"], &details["retry_after_ms"]), (&json!(86_400), &json!(43_200_000)));
        assert!(refused.header("ratelimit").unwrap().contains(r#""directory";r=3;t=0"#), "{refused:?}");
    }
    assert_eq!(stage.get("bob", "/v1/directory?q=a").await.status, 200, "somebody else");
    stage.clock.advance(43_200_000);
    assert_eq!(stage.get("alice", "/v1/directory?q=a").await.status, 200);
}

#[store_test]
async fn a_full_minute_takes_nothing_of_the_day(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], |config| {
        config.limits.set("directory=1/60").unwrap();
        config.limits.set("directory_day=2/86400").unwrap();
    })
    .await;
    assert_eq!(stage.get("alice", "/v1/directory?q=a").await.status, 200);
    for _ in 0..5 {
        let refused = stage.get("alice", "/v1/directory?q=a").await;
        assert_eq!((refused.status, &refused.json()["details"]["reason"]), (429, &json!("directory")));
    }
    stage.clock.advance(60_000);
    assert_eq!(stage.get("alice", "/v1/directory?q=a").await.status, 200, "the day has one left");
}

#[tokio::test]
async fn the_day_is_counted_over_all_nodes() {
    let nodes = Nodes::start_with(2, |_, config| config.limits.set("directory_day=3/86400").unwrap()).await;
    let authorization = format!("Bearer {}", nodes.nodes[0].register("alice").await);
    let search = async |node: usize| {
        let headers = [("Authorization", authorization.as_str())];
        nodes.nodes[node].request("GET", "/v1/directory?q=a", &headers, b"").await.status
    };
    for (node, status) in [(0, 200), (1, 200), (0, 200), (0, 429), (1, 429)] {
        assert_eq!(search(node).await, status);
    }
}

struct Nothing;

impl Write for Nothing {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, _: &mut Tx<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}
