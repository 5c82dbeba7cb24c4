//! Who replies for an agent: leases, claims, pending reviews, the wake webhook.

use agentchat_core::agents::DeleteAgent;
use agentchat_core::replies::{
    ClaimReplies, Claims, ClearWake, Fleeting, HasLease, KeepReviews, PurgeFleeting, ReleaseLease, SetWake, TakeLease,
};
use agentchat_protocol::review::PendingReviews;
use agentchat_store::tables::{Actor, WakeWebhook};
use agentchat_store::{Engine, Read, StoreError, Tx};
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, World};

const SECOND: i64 = 1_000;
const HOLD: i64 = 900 * SECOND;

impl World {
    async fn lease(&self, agent: &Agent, session: Option<&str>, seconds: i64) {
        let until = self.now().plus_millis(seconds * SECOND);
        let lease = TakeLease { agent: agent.key, session: session.map(str::to_owned), until };
        self.store.write(lease).await.unwrap();
    }

    async fn release(&self, agent: &Agent, session: Option<&str>) -> bool {
        let release = ReleaseLease { agent: agent.key, session: session.map(str::to_owned), now: self.now() };
        self.store.write(release).await.unwrap()
    }

    async fn is_active(&self, agent: &Agent) -> bool {
        self.store.read(HasLease { agent: agent.key, now: self.now() }).await.unwrap()
    }

    fn claiming(&self, agent: &Agent, holder: &str, messages: &[&str]) -> ClaimReplies {
        let messages = messages.iter().map(|&message| message.to_owned()).collect();
        ClaimReplies { agent: agent.key, messages, holder: holder.to_owned(), defer_if_active: false, now: self.now() }
    }

    async fn claim(&self, agent: &Agent, holder: &str, messages: &[&str]) -> usize {
        let claims = self.store.write(self.claiming(agent, holder, messages)).await.unwrap();
        assert!(!claims.deferred);
        claims.count
    }

    async fn defer(&self, agent: &Agent, holder: &str, messages: &[&str]) -> Claims {
        let claim = ClaimReplies { defer_if_active: true, ..self.claiming(agent, holder, messages) };
        self.store.write(claim).await.unwrap()
    }
}

#[store_test]
async fn leases_are_of_sessions_and_one_has_no_name(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    assert!(!world.is_active(&alice).await);
    world.lease(&alice, Some("desk"), 60).await;
    world.lease(&alice, None, 30).await;
    assert!(world.is_active(&alice).await && !world.is_active(&bob).await);
    assert!(world.release(&alice, Some("other")).await);
    assert!(world.release(&alice, Some("desk")).await, "the unnamed marker remains");
    assert!(!world.release(&alice, None).await);
    assert!(!world.release(&alice, None).await);
    world.lease(&alice, Some("desk"), 60).await;
    world.pass(59 * SECOND);
    world.lease(&alice, Some("desk"), 60).await;
    world.pass(60 * SECOND - 1);
    assert!(world.is_active(&alice).await, "repeats extend");
    world.pass(1);
    assert!(!world.is_active(&alice).await);
}

#[store_test]
async fn a_message_is_one_holders_until_its_claim_runs_out(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    assert_eq!(world.claim(&alice, "desk", &["m1"]).await, 1);
    assert_eq!(world.claim(&alice, "daemon", &["m1"]).await, 0);
    assert_eq!(world.claim(&bob, "daemon", &["m1"]).await, 1, "another agent's is another one");
    world.pass(HOLD - 1);
    assert_eq!(world.claim(&alice, "daemon", &["m1"]).await, 0);
    assert_eq!(world.claim(&alice, "desk", &["m1"]).await, 1, "the holder holds on");
    world.pass(HOLD - 1);
    assert_eq!(world.claim(&alice, "daemon", &["m1"]).await, 0);
    world.pass(1);
    assert_eq!(world.claim(&alice, "daemon", &["m1"]).await, 1);
}

#[store_test]
async fn a_batch_claims_the_prefix_that_is_free(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.claim(&alice, "desk", &["m3"]).await;
    assert_eq!(world.claim(&alice, "daemon", &["m1", "m2", "m3", "m4"]).await, 2);
    assert_eq!(world.claim(&alice, "desk", &["m4"]).await, 1, "what comes behind stayed untouched");
    assert_eq!(world.claim(&alice, "desk", &["m2"]).await, 0);
    assert_eq!(world.claim(&alice, "desk", &["m3", "m4", "m2", "m5"]).await, 2);
    assert_eq!(world.claim(&alice, "daemon", &["m5", "m5", "m5"]).await, 3, "the same one again is its own");
    assert_eq!(world.claim(&alice, "daemon", &["m3", "m6"]).await, 0);
    let odd = ["\"", "\\u0041", "ü", "[", "'; --"];
    assert_eq!(world.claim(&alice, "desk", &odd).await, 5);
    assert_eq!(world.claim(&alice, "daemon", &["A", "\"", "x"]).await, 1);
    let many: Vec<String> = (0..500).map(|number| format!("many-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.claim(&alice, "desk", &many).await, 500);
    assert_eq!(world.claim(&alice, "daemon", &many).await, 0);
}

#[store_test]
async fn whoever_asks_to_defer_does_while_a_session_is_there(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.claim(&alice, "daemon", &["m1"]).await;
    world.lease(&alice, Some("desk"), 60).await;
    let deferred = Claims { count: 0, deferred: true };
    assert_eq!(world.defer(&alice, "daemon", &["m1"]).await, deferred, "also who holds it");
    assert_eq!(world.defer(&alice, "daemon", &["m2", "m3"]).await, deferred);
    assert_eq!(world.claim(&alice, "desk", &["m2"]).await, 1, "nothing was claimed");
    world.pass(60 * SECOND);
    assert_eq!(world.defer(&alice, "daemon", &["m1", "m2"]).await, Claims { count: 1, deferred: false });
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_holders_at_once_one_gets_it(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let mut claims = tokio::task::JoinSet::new();
    for number in 0..30 {
        // Half of them go through the messages the other way round.
        let order = if number % 2 == 0 { ["m1", "m2"] } else { ["m2", "m1"] };
        let (store, claim) = (world.store.clone(), world.claiming(&alice, &format!("holder-{number}"), &order));
        claims.spawn(async move { store.write(claim).await.unwrap().count });
    }
    let mut counts = claims.join_all().await;
    counts.sort_unstable();
    assert_eq!((counts[29], counts[..29].iter().sum::<usize>()), (2, 0), "{counts:?}");
}

struct Reviews(Agent, agentchat_protocol::timestamp::Timestamp);

impl Read for Reviews {
    type Out = Vec<String>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
        tx.pending_reviews(self.0.key, self.1.as_millis()).await
    }
}

fn reviews(installation: u8, ids: &[&str]) -> PendingReviews {
    let review = |id: &&str| {
        json!({
            "id": id, "conversation_id": "conv_1", "peer_agents": ["bob"], "focus_message_id": "msg_1",
            "reason": "autonomy_off", "first_requested_at": "2026-01-15T09:30:00Z", "updated_at": "2026-01-15T09:30:00Z"
        })
    };
    let installation = format!("019bc0f0-a4c0-7a1b-8c2d-3e4f506172{installation:02x}");
    let body =
        json!({ "installation_id": installation, "pending_reviews": ids.iter().map(review).collect::<Vec<_>>() });
    PendingReviews::parse(body.to_string().as_bytes()).unwrap()
}

#[store_test]
async fn an_installation_replaces_its_own_reviews_and_is_forgotten_after_a_day(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let put =
        async |reviews| world.store.write(KeepReviews { agent: alice.key, reviews, now: world.now() }).await.unwrap();
    let ids = async || {
        let lists = world.store.read(Reviews(alice.clone(), world.now())).await.unwrap();
        let lists = lists.iter().map(|list| serde_json::from_str::<Vec<serde_json::Value>>(list).unwrap());
        lists.flatten().map(|review| review["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(put(reviews(1, &["a", "b"])).await, 2);
    world.pass(60 * SECOND);
    assert_eq!(put(reviews(2, &["c"])).await, 1);
    assert_eq!(ids().await, ["a", "b", "c"]);
    assert_eq!(put(reviews(2, &["d"])).await, 1);
    assert_eq!(ids().await, ["a", "b", "d"]);
    world.pass(24 * 3_600 * SECOND - 60 * SECOND);
    assert_eq!(ids().await, ["d"]);
    assert_eq!(put(reviews(2, &[])).await, 0);
    assert!(ids().await.is_empty());
}

#[store_test]
async fn what_is_over_is_purged_in_chunks(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for number in 0..3 {
        world.lease(&alice, Some(&format!("session-{number}")), 1).await;
        world.claim(&alice, "desk", &[&format!("m{number}")]).await;
        let reviews = reviews(number, &["a"]);
        world.store.write(KeepReviews { agent: alice.key, reviews, now: world.now() }).await.unwrap();
    }
    let purge = async |what| world.store.write(PurgeFleeting { what, now: world.now(), most: 2 }).await.unwrap();
    for what in Fleeting::ALL {
        assert_eq!(purge(what).await, 0, "{what:?}");
    }
    world.pass(24 * 3_600 * SECOND);
    world.lease(&alice, None, 60).await;
    for what in Fleeting::ALL {
        assert_eq!((purge(what).await, purge(what).await, purge(what).await), (2, 1, 0), "{what:?}");
    }
    assert!(world.is_active(&alice).await);
}

struct Wake(Agent);

impl Read for Wake {
    type Out = Option<WakeWebhook>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<WakeWebhook>, StoreError> {
        tx.wake_webhook(self.0.key).await
    }
}

#[store_test]
async fn an_agent_is_woken_in_one_place_and_nowhere_once_it_is_deleted(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let set = async |url: &str| {
        let set = SetWake { agent: alice.key, url: url.into(), secret: "s".into(), now: world.now() };
        world.store.write(set).await.unwrap();
    };
    let url = async || world.store.read(Wake(alice.clone())).await.unwrap().map(|wake| wake.url);
    set("https://one.example").await;
    set("https://two.example").await;
    assert_eq!(url().await.as_deref(), Some("https://two.example"));
    for _ in 0..2 {
        world.store.write(ClearWake(alice.key)).await.unwrap();
        assert_eq!(url().await, None);
    }
    set("https://one.example").await;
    let delete = DeleteAgent { handle: alice.handle.clone(), actor: Actor::Agent, event: world.id(), now: world.now() };
    world.store.write(delete).await.unwrap();
    assert_eq!(url().await, None);
}
