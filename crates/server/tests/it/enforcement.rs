//! wire.md §1.8, §1.9, §11.1, §22: what becomes of agents that bother others, as they and others see it.

use agentchat_server::{Config, Secret};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::accounts::call;
use crate::client::Answer;
use crate::nodes::{Nodes, until};
use crate::realtime::peer::{Agent, Peer};
use crate::stage::{Stage, assert_snapshot};

const TOKEN: &str = "operator-token-0123456789-0123456789";
const MINUTE: i64 = 60_000;

fn strict(config: &mut Config) {
    config.admin_token = Some(Secret::new(TOKEN));
    for limit in ["restrict_blocks=2", "suspend_reports=2", "restrict_window_s=600"] {
        config.limits.set(limit).unwrap();
    }
}

/// A server on which two blocks restrict and two reports suspend, and mallory, who wrote to bob and to carol.
async fn bothered(engine: Engine) -> Stage {
    let stage = Stage::with(engine, &["mallory", "bob", "carol", "dave"], strict).await;
    for other in ["bob", "carol"] {
        stage.say("mallory", other, &format!("buy now, {other}")).await;
    }
    stage
}

async fn block(stage: &Stage, blockers: &[&str]) {
    for blocker in blockers {
        let blocked = stage.post_text(blocker, "/v1/contacts/mallory/block", "").await;
        assert_eq!(blocked.status, 200, "{blocked:?}");
    }
}

async fn report(stage: &Stage, reporters: &[&str]) {
    for reporter in reporters {
        let reported = stage.post_text(reporter, "/v1/contacts/mallory/report", "").await;
        assert_eq!(reported.status, 200, "{reported:?}");
    }
}

async fn status(stage: &Stage) -> String {
    stage.get("mallory", "/v1/agents/me").await.json()["status"].as_str().unwrap().to_owned()
}

async fn operate(stage: &Stage, path: &str, body: &str) -> Answer {
    call(&stage.server, TOKEN, "POST", path, body).await
}

fn mallory(stage: &Stage) -> Agent {
    Agent { handle: "mallory", key: stage.key("mallory").to_owned() }
}

#[store_test]
async fn a_restricted_agent_opens_no_conversations_and_is_shown_as_restricted(engine: Engine) {
    let stage = bothered(engine).await;
    block(&stage, &["bob", "carol"]).await;
    assert_eq!(status(&stage).await, "restricted");
    Peer::legacy(&stage.server, &mallory(&stage)).await.nothing_more().await;
    let cold = stage.try_say("mallory", "dave", "buy now, dave").await;
    assert_eq!(cold.refusal(), (403, "RESTRICTED".to_owned()));
    assert_eq!(stage.get("dave", "/v1/agents/mallory").await.json()["status"], "restricted");
    let found = stage.get("dave", "/v1/directory?q=mallory").await.json();
    assert_eq!(found["agents"][0]["status"], "restricted");
    stage.say("dave", "mallory", "what is it?").await;
    stage.say("mallory", "dave", "a reply is no cold message").await;
}

#[store_test]
async fn a_restriction_is_looked_at_once_a_minute_and_lifts_when_a_block_is_taken_back(engine: Engine) {
    let stage = bothered(engine).await;
    block(&stage, &["bob", "carol"]).await;
    assert_eq!(status(&stage).await, "restricted");
    assert_eq!(stage.delete("bob", "/v1/contacts/mallory/block").await.status, 200);
    stage.clock.advance(MINUTE - 1);
    assert_eq!(status(&stage).await, "restricted");
    assert_eq!(stage.get("dave", "/v1/agents/mallory").await.json()["status"], "restricted");
    stage.clock.advance(1);
    stage.say("mallory", "dave", "the request that lifts it is served already").await;
    assert_eq!(stage.get("dave", "/v1/agents/mallory").await.json()["status"], "active");
}

#[store_test]
async fn a_restriction_lifts_with_time(engine: Engine) {
    let stage = bothered(engine).await;
    block(&stage, &["bob", "carol"]).await;
    stage.clock.advance(10 * MINUTE);
    assert_eq!(status(&stage).await, "restricted", "a block counts to the last moment of its window");
    stage.clock.advance(MINUTE);
    assert_eq!(status(&stage).await, "active");
    block(&stage, &["bob"]).await;
    assert_eq!(status(&stage).await, "active", "a block that is there already is not new");
}

#[store_test]
async fn a_suspended_agent_is_gone_for_others_and_locked_out(engine: Engine) {
    let stage = bothered(engine).await;
    let mut peer = Peer::legacy(&stage.server, &mallory(&stage)).await;
    peer.nothing_more().await;
    report(&stage, &["bob", "carol"]).await;
    assert_eq!(peer.closed().await, (4403, "Account suspended".to_owned()));
    let refused = stage.get("mallory", "/v1/conversations").await;
    assert_snapshot!(refused.print(), @r#"
    403
    {
      "code": "SUSPENDED",
      "message": "This account is suspended",
      "details": {
        "reason": "community_enforcement"
      }
    }
    "#);
    assert_eq!(status(&stage).await, "suspended", "its own record it may see");
    for path in ["/v1/agents/mallory", "/v1/agents/nobody"] {
        let hidden = stage.get("dave", path).await;
        assert_eq!(hidden.refusal(), (404, "AGENT_NOT_FOUND".to_owned()), "{path}");
    }
    assert_eq!(stage.get("dave", "/v1/directory?q=mallory").await.json()["total"], 0);
    assert_eq!(stage.try_say("dave", "mallory", "hello?").await.refusal(), (404, "AGENT_NOT_FOUND".to_owned()));
    let mut again = Peer::greet(&stage.server, &mallory(&stage), json!({})).await;
    assert_eq!(again.closed().await, (4403, "Account suspended".to_owned()));
    stage.clock.advance(30 * 24 * 60 * MINUTE);
    assert_eq!(status(&stage).await, "suspended", "it does not lift by itself");
}

#[store_test]
async fn the_operator_suspends_and_reinstates(engine: Engine) {
    let stage = bothered(engine).await;
    let mut peer = Peer::legacy(&stage.server, &mallory(&stage)).await;
    peer.nothing_more().await;
    let suspended = operate(&stage, "/admin/agents/@Mallory/suspend", r#"{"reason":"asked for it"}"#).await;
    assert_snapshot!(suspended.print(), @r#"
    200
    {
      "handle": "mallory",
      "status": "suspended"
    }
    "#);
    assert_eq!(peer.closed().await, (4403, "Account suspended".to_owned()));
    assert_eq!(stage.get("mallory", "/v1/contacts").await.refusal(), (403, "SUSPENDED".to_owned()));
    assert_eq!(operate(&stage, "/admin/agents/mallory/suspend", "").await.status, 200);
    let reinstated = operate(&stage, "/admin/agents/mallory/reinstate", "").await;
    assert_snapshot!(reinstated.print(), @r#"
    200
    {
      "handle": "mallory",
      "status": "active"
    }
    "#);
    stage.say("mallory", "dave", "back").await;
}

#[store_test]
async fn what_led_to_a_suspension_counts_no_more_after_it(engine: Engine) {
    let stage = bothered(engine).await;
    report(&stage, &["bob", "carol"]).await;
    assert_eq!(status(&stage).await, "suspended");
    assert_eq!(operate(&stage, "/admin/agents/mallory/reinstate", "").await.status, 200);
    stage.clock.advance(MINUTE);
    stage.say("mallory", "dave", "one more chance").await;
    report(&stage, &["dave"]).await;
    assert_eq!(status(&stage).await, "active");
}

#[store_test]
async fn the_operator_is_refused_in_order(engine: Engine) {
    let stage = bothered(engine).await;
    for verb in ["suspend", "reinstate"] {
        let path = format!("/admin/agents/mallory/{verb}");
        let stranger = call(&stage.server, "wrong", "POST", &path, "").await;
        assert_eq!(stranger.refusal(), (401, "OPS_AUTH_REQUIRED".to_owned()));
        for handle in ["nobody", "x", "no--body"] {
            let missing = operate(&stage, &format!("/admin/agents/{handle}/{verb}"), "").await;
            assert_eq!(missing.refusal(), (404, "AGENT_NOT_FOUND".to_owned()), "{handle} {verb}");
        }
    }
    for body in [r#"{"reason":7}"#, "[]"] {
        let invalid = operate(&stage, "/admin/agents/mallory/suspend", body).await;
        assert_eq!(invalid.refusal(), (400, "VALIDATION_ERROR".to_owned()), "{body}");
    }
    assert_eq!(stage.delete("mallory", "/v1/agents/mallory").await.status, 200);
    for verb in ["suspend", "reinstate"] {
        let deleted = operate(&stage, &format!("/admin/agents/mallory/{verb}"), "").await;
        assert_eq!(deleted.refusal(), (404, "AGENT_NOT_FOUND".to_owned()), "{verb}");
    }
}

#[tokio::test]
async fn who_is_suspended_on_one_node_is_locked_out_of_all() {
    let nodes = Nodes::start_with(2, |_, config| {
        config.admin_token = Some(Secret::new(TOKEN));
        config.timing.keep_callers = crate::nodes::NEVER;
    })
    .await;
    let (first, second) = nodes.two();
    let alice = Agent::new(first, "alice").await;
    let status =
        async || second.request("GET", "/v1/contacts", &[("Authorization", &alice.bearer())], b"").await.status;
    assert_eq!(status().await, 200, "from now on it is remembered there");
    let mut peer = Peer::acking(second, &alice).await;
    assert_eq!(call(first, TOKEN, "POST", "/admin/agents/alice/suspend", "").await.status, 200);
    assert_eq!(peer.closed().await, (4403, "Account suspended".to_owned()));
    until("it is refused everywhere", async || status().await == 403).await;
    assert_eq!(call(second, TOKEN, "POST", "/admin/agents/alice/reinstate", "").await.status, 200);
    until("it is let in everywhere", async || status().await == 200).await;
}
