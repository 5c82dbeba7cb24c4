//! wire.md §1.8, the error prologues: what every endpoint answers before its own row begins, made from the ladders, so
//! that no endpoint can be without. Every request is wrong in all later ways too: its path names nobody, its body is no
//! JSON object.

use std::collections::BTreeSet;

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::api_key::ApiKey;
use agentchat_protocol::error::ErrorCode;
use agentchat_server::Config;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::answers::{check, same};
use super::ladder::{Auth, Ladder, anonymous};
use super::world::{TOKEN, configure};
use crate::client::Answer;
use crate::stage::{Stage, Standing};

/// Requests of one agent in an hour.
const API: usize = 4;
/// Bytes of a body.
const CAP: usize = 1_000;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const USED_KEY: &str = "used-before";

/// A server where each policy of a prologue grants one request an hour.
fn narrow(config: &mut Config) {
    let rows = super::all();
    let policies = rows.iter().flat_map(|row| row.policies).map(|policy| format!("{policy}=1/3600"));
    let mut limits: Vec<String> = policies.collect();
    limits.extend([format!("api={API}/3600"), format!("json_body={CAP}"), format!("avatar_bytes={CAP}")]);
    configure(config, &limits.iter().map(String::as_str).collect::<Vec<_>>());
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
}

/// The rows with this kind of caller, one a route.
fn rows(wanted: &[Auth]) -> Vec<Ladder> {
    let mut seen = BTreeSet::new();
    super::all().into_iter().filter(|row| wanted.contains(&row.auth) && seen.insert(row.route())).collect()
}

/// One endpoint, asked for wrongly.
struct Door<'a> {
    stage: &'a Stage,
    row: &'a Ladder,
}

impl Door<'_> {
    /// A path that names nobody and nothing.
    fn path(&self) -> String {
        anonymous(self.row.path).replace("{}", "nobody-here")
    }

    async fn ask(&self, method: &str, credentials: Option<&str>, more: &[(&str, &str)], body: &str) -> Answer {
        let mut headers = vec![("X-Forwarded-For", "198.51.100.1")];
        headers.extend(credentials.map(|credentials| ("Authorization", credentials)));
        headers.extend(more);
        let answer = self.stage.server.request(method, &self.path(), &headers, body.as_bytes()).await;
        check(&self.row.route(), &answer, self.row.kind());
        answer
    }

    /// The endpoint's own method with a body that is none.
    async fn knock(&self, credentials: Option<&str>, more: &[(&str, &str)]) -> Answer {
        self.ask(self.row.method, credentials, more, "[").await
    }

    /// The same as an agent.
    async fn knock_as(&self, agent: &str, more: &[(&str, &str)]) -> Answer {
        self.knock(Some(&format!("Bearer {}", self.stage.key(agent))), more).await
    }

    fn expect(&self, rule: &str, answer: &Answer, code: ErrorCode) {
        assert_eq!(answer.error_code(), code.as_str(), "{}: {rule}: {answer:?}", self.row.route());
    }

    /// P0: the path's methods, then the size of the body; both before anybody is known.
    async fn p0(&self) {
        let rows = super::all();
        let beside = rows.iter().filter(|row| anonymous(row.path) == anonymous(self.row.path)).map(|row| row.method);
        let mut allowed: BTreeSet<&str> = beside.collect();
        if allowed.contains("GET") {
            allowed.insert("HEAD");
        }
        let other = METHODS.into_iter().find(|method| !allowed.contains(method)).unwrap_or("TRACE");
        let huge = "[".repeat(CAP + 1);
        let answer = self.ask(other, None, &[], &huge).await;
        self.expect("P0: another method", &answer, ErrorCode::MethodNotAllowed);
        let header: BTreeSet<&str> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
        assert_eq!(header, allowed, "{}: Allow", self.row.route());
        let details = answer.json()["details"]["allow"].as_array().cloned().unwrap_or_default();
        assert_eq!(details.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), allowed, "{}", self.row.route());
        let answer = self.ask(self.row.method, None, &[], &huge).await;
        self.expect("P0: body cap", &answer, ErrorCode::PayloadTooLarge);
        assert_eq!(answer.json()["details"]["limit"], json!(CAP), "{}", self.row.route());
        self.other_verbs(&huge).await;
    }

    /// wire.md §1.1: `HEAD` is `GET` without its body, `OPTIONS` a preflight, the only 204; neither needs a key.
    async fn other_verbs(&self, huge: &str) {
        let server = &self.stage.server;
        if self.row.method == "GET" {
            let head = server.request("HEAD", &self.path(), &[], huge.as_bytes()).await;
            assert_eq!((head.status, head.body.as_str()), (413, ""), "HEAD of {}", self.row.route());
        }
        if self.row.path.starts_with("/v1/") {
            let preflight = server.request("OPTIONS", &self.path(), &[], b"").await;
            assert_eq!((preflight.status, preflight.body.as_str()), (204, ""), "OPTIONS of {}", self.row.route());
            assert!(preflight.header("x-request-id").is_some(), "N16: OPTIONS of {}", self.row.route());
        }
    }

    /// Whatever is no key of a living account is answered alike.
    async fn unknown_keys(&self) {
        let unknown = ApiKey::from_entropy([9; 32]).expose().to_owned();
        let (alice, erin) = (self.stage.key("alice"), self.stage.key("erin"));
        let wrong = [
            format!("Bearer {unknown}"),
            format!("Bearer {}x", &alice[..alice.len() - 1]),
            format!("Bearer  {alice}"),
            format!("Basic {alice}"),
            "Bearer".to_owned(),
            format!("Bearer {erin}"),
        ];
        let missing = self.knock(None, &[("Idempotency-Key", "no")]).await;
        self.expect("no key", &missing, ErrorCode::Unauthorized);
        for credentials in &wrong {
            let answer = self.knock(Some(credentials), &[("Idempotency-Key", "no")]).await;
            same(&format!("{}: {credentials}", self.row.route()), &missing, &answer);
        }
    }

    /// Keys under which answers are kept, on everything that changes something.
    async fn idempotency(&self) {
        let invalid = self.knock_as("spent", &[("Idempotency-Key", "no")]).await;
        self.expect("the key has its form", &invalid, ErrorCode::IdempotencyKeyInvalid);
        let used = self.knock_as("spent", &[("Idempotency-Key", USED_KEY)]).await;
        self.expect("the key was used for something else", &used, ErrorCode::IdempotencyKeyConflict);
    }

    async fn api_policy(&self) {
        let answer = self.knock_as("spent", &[]).await;
        let details = self.limited("policy api", &answer);
        assert_eq!((&details["reason"], &details["limit"]), (&json!("api"), &json!(API)), "{}", self.row.route());
    }

    /// The policies that the row names come before the request is looked at.
    async fn named_policies(&self, credentials: Option<&str>) {
        for policy in self.row.policies {
            let first = self.knock(credentials, &[]).await;
            assert_ne!(first.status, 429, "{}: {policy} grants one: {first:?}", self.row.route());
            let answer = self.knock(credentials, &[]).await;
            assert_eq!(self.limited(policy, &answer)["reason"], *policy, "{}", self.row.route());
            let announced = answer.header("ratelimit-policy").unwrap_or_default();
            assert!(announced.contains(&format!(r#""{policy}";q=1;w=3600"#)), "{}: {announced}", self.row.route());
            self.stage.clock.advance(3_600_000);
        }
    }

    fn limited(&self, rule: &str, answer: &Answer) -> Value {
        self.expect(rule, answer, ErrorCode::RateLimited);
        answer.json()["details"].clone()
    }
}

fn changes_something(row: &Ladder) -> bool {
    row.method != "GET"
}

/// Agents of the operator's making: registration is narrow too.
async fn narrow_stage(engine: Engine, agents: &[&'static str]) -> Stage {
    let mut stage = Stage::with(engine, &[], narrow).await;
    let authorization = format!("Bearer {TOKEN}");
    for agent in agents {
        let body = json!({ "email": format!("{agent}@example.com"), "handle": agent }).to_string();
        let headers = [("Authorization", authorization.as_str())];
        let made = stage.server.request("POST", "/admin/agents", &headers, body.as_bytes()).await.json();
        stage.know(agent, made["api_key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned());
    }
    stage
}

/// Alice may do everything, dave is suspended, erin deleted, and spent has no request left.
async fn agents(engine: Engine) -> Stage {
    let stage = narrow_stage(engine, &["alice", "dave", "erin", "spent"]).await;
    assert_eq!(stage.delete("erin", "/v1/agents/erin").await.status, 200);
    stage.meanwhile(Standing::Is("dave", AgentStatus::Suspended)).await
}

/// A request under a key: the first is kept, later ones are its replays.
async fn keep(stage: &Stage) -> Answer {
    let authorization = format!("Bearer {}", stage.key("spent"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", USED_KEY)];
    let kept = stage.server.request("PATCH", "/v1/agents/spent", &headers, b"{}").await;
    assert_eq!(kept.status, 200, "{kept:?}");
    kept
}

/// Keeps an answer under a key, and uses up policy `api`.
async fn spend(stage: &Stage) {
    keep(stage).await;
    for _ in 0..=API {
        if stage.get("spent", "/v1/agents/me").await.status == 429 {
            return;
        }
    }
    panic!("policy api grants more than {API} requests");
}

#[store_test]
async fn pa_comes_before_every_row_of_an_agent(engine: Engine) {
    let stage = agents(engine).await;
    for row in rows(&[Auth::Agent, Auth::SuspendedToo, Auth::Sender]) {
        spend(&stage).await;
        let door = Door { stage: &stage, row: &row };
        door.p0().await;
        door.unknown_keys().await;
        if row.auth != Auth::SuspendedToo {
            let suspended = door.knock_as("dave", &[("Idempotency-Key", "no")]).await;
            door.expect("suspended", &suspended, ErrorCode::Suspended);
            assert_eq!(suspended.json()["details"]["reason"], "community_enforcement");
        }
        if row.auth == Auth::Sender {
            // No `api` policy: the request itself is looked at.
            door.expect("its own errors", &door.knock_as("spent", &[]).await, ErrorCode::ValidationError);
            continue;
        }
        if changes_something(&row) {
            door.idempotency().await;
        }
        door.api_policy().await;
        door.named_policies(Some(&format!("Bearer {}", stage.key("alice")))).await;
        stage.clock.advance(3_600_000);
    }
}

#[store_test]
async fn pn_comes_before_every_public_row(engine: Engine) {
    let stage = Stage::with(engine, &[], narrow).await;
    for row in rows(&[Auth::Nobody]) {
        let door = Door { stage: &stage, row: &row };
        door.p0().await;
        // An Authorization header is ignored, whatever it says.
        door.named_policies(Some("Bearer nonsense")).await;
    }
}

#[store_test]
async fn the_operators_token_comes_before_every_row_of_the_operator(engine: Engine) {
    let stage = narrow_stage(engine, &["alice"]).await;
    let closed = Stage::with(engine, &[], |config| {
        narrow(config);
        config.admin_token = None;
    })
    .await;
    for row in rows(&[Auth::Operator]) {
        let door = Door { stage: &stage, row: &row };
        door.p0().await;
        let missing = door.knock(None, &[]).await;
        assert_eq!(missing.refusal(), (401, "OPS_AUTH_REQUIRED".to_owned()), "{}", row.route());
        for wrong in [format!("Bearer {TOKEN}x"), format!("Basic {TOKEN}"), format!("Bearer {}", stage.key("alice"))] {
            same(&row.route(), &missing, &door.knock(Some(&wrong), &[]).await);
        }
        let unset = Door { stage: &closed, row: &row }.knock(Some(&format!("Bearer {TOKEN}")), &[]).await;
        assert_eq!(unset.refusal(), (503, "OPS_AUTH_REQUIRED".to_owned()), "{}", row.route());
    }
}

#[store_test]
async fn a_replay_meets_no_policy(engine: Engine) {
    let stage = agents(engine).await;
    spend(&stage).await;
    assert_eq!(stage.get("spent", "/v1/agents/me").await.error_code(), "RATE_LIMITED");
    assert_eq!(keep(&stage).await.header("idempotent-replay"), Some("true"));
}

#[store_test]
async fn a_key_of_a_get_is_not_looked_at(engine: Engine) {
    let stage = agents(engine).await;
    let row = rows(&[Auth::SuspendedToo]).remove(0);
    let answer = Door { stage: &stage, row: &row }.knock_as("alice", &[("Idempotency-Key", "no")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
