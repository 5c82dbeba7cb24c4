//! Limits of groups are configuration; the quota of invitations outlives a restart.

use agentchat_server::Server;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{done, text};
use crate::client::{Home, TestServer};
use crate::realtime::peer::Agent;
use crate::stage::Stage;

#[store_test]
async fn a_group_takes_as_many_as_the_operator_allows(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob", "carol"], |config| {
        config.limits.set("group_members=2").unwrap();
    })
    .await;
    let body = json!({ "name": "ops", "member_handles": ["bob", "carol"] });
    let created = stage.post("alice", "/v1/groups", body).await.json();
    let accept = |at: usize| format!("/v1/groups/invites/{}/accept", text(&created["add_results"][at]["invite_id"]));
    assert_eq!(stage.post_text("bob", &accept(0), "").await.status, 200);
    let full = stage.post_text("carol", &accept(1), "").await;
    assert_eq!((full.refusal(), &full.json()["details"]), ((409, "GROUP_FULL".to_owned()), &json!({ "limit": 2 })));
    assert_eq!(stage.get("carol", "/v1/groups/invites").await.rows().len(), 1, "it is kept");
}

#[store_test]
async fn groups_are_made_at_a_rate(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], |config| config.limits.set("group_create=1/60").unwrap()).await;
    assert_eq!(stage.post("alice", "/v1/groups", json!({ "name": "one" })).await.status, 201);
    let refused = stage.post("alice", "/v1/groups", json!({ "name": 2 })).await;
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((429, "RATE_LIMITED".to_owned()), Some("60")));
    assert_eq!(refused.json()["details"]["reason"], "group_create");
    stage.clock.advance(60_000);
    assert_eq!(stage.post("alice", "/v1/groups", json!({ "name": "two" })).await.status, 201);
}

#[store_test]
async fn the_quota_of_invitations_outlives_a_restart(engine: Engine) {
    let home = Home::new(engine).await;
    let mut config = home.config();
    config.limits.set("group_invite=2/86400").unwrap();
    let server = TestServer { running: Server::start(config.clone()).await.unwrap(), home };
    let alice = Agent::new(&server, "alice").await;
    for handle in ["bobby", "carol", "davey"] {
        Agent::new(&server, handle).await;
    }
    let body = json!({ "name": "ops", "member_handles": ["bobby", "carol", "davey"] });
    let made = alice.post(&server, "/v1/groups", &body).await;
    let created = made.json();
    assert!(made.header("ratelimit").unwrap().contains("\"group_invite\";r=0"), "{made:?}");
    assert_eq!(created["add_errors"], json!([{ "handle": "davey", "code": "RATE_LIMITED" }]));
    let group = text(&created["group"]["id"]);
    let home = server.leave().await;
    let server = TestServer { running: Server::start(config).await.unwrap(), home };
    let refused = alice.post(&server, &format!("/v1/groups/{group}/members"), &json!({ "handle": "davey" })).await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert!(refused.header("ratelimit").unwrap().contains("\"group_invite\";r=0"), "{refused:?}");
    let details = &refused.json()["details"];
    assert_eq!(
        (&details["reason"], &details["limit"], &details["window_s"]),
        (&json!("group_invite"), &json!(2), &json!(86_400))
    );
    assert!(details["retry_after_ms"].as_u64().unwrap() > 40_000_000, "{details}");
    done(&server, &alice, "GET", &format!("/v1/groups/{group}")).await;
}
