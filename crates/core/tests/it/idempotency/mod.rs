//! Requests under an `Idempotency-Key`: begun once, answered once, also when the same operation runs twice.

use agentchat_core::Error;
use agentchat_core::agents::{AgentChanges, ShowMe, TextLengths, UpdateAgent};
use agentchat_core::idempotency::{
    Answer, Answered, BeginRun, Begun, CallerKind, FindAnswer, ForgetRun, IdempotencyScope, KeepAnswer, Keyed,
    PurgeAnswers, WithAnswer,
};
use agentchat_protocol::agent::Agent as Record;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, World, code, refusal};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn keyed(world: &World, caller: i64, fingerprint: u8) -> Keyed {
    let scope = IdempotencyScope { kind: CallerKind::Agent, caller };
    Keyed { scope, key: "key-00000001".to_owned(), fingerprint: [fingerprint; 32], run: world.id() }
}

fn answer(text: &str) -> Answer {
    Answer::json(200, &json!({ "said": text })).unwrap()
}

async fn begin(world: &World, keyed: &Keyed) -> Result<Begun, Error> {
    world.store.write(BeginRun { keyed: keyed.clone(), now: world.now() }).await
}

async fn find(world: &World, keyed: &Keyed) -> Result<Begun, Error> {
    world.store.read(FindAnswer { keyed: keyed.clone(), now: world.now() }).await
}

async fn keep(world: &World, keyed: &Keyed, text: &str) -> bool {
    world.store.write(KeepAnswer { keyed: keyed.clone(), answer: answer(text), now: world.now() }).await.unwrap()
}

#[store_test]
async fn a_key_stands_for_one_request_until_its_day_is_over(engine: Engine) {
    let world = World::new(engine).await;
    let first = keyed(&world, 1, 1);
    assert_eq!(begin(&world, &first).await.unwrap(), Begun::Fresh);
    let again = refusal(begin(&world, &keyed(&world, 1, 1)).await);
    assert_eq!((again.code, again.retry_after_ms), (ErrorCode::IdempotentInProgress, Some(1_000)));
    assert_eq!(code(begin(&world, &keyed(&world, 1, 2)).await), ErrorCode::IdempotencyKeyConflict);
    assert_eq!(begin(&world, &keyed(&world, 2, 2)).await.unwrap(), Begun::Fresh, "another caller's key is another key");
    let mut owner = keyed(&world, 1, 3);
    owner.scope.kind = CallerKind::Owner;
    assert_eq!(begin(&world, &owner).await.unwrap(), Begun::Fresh);

    assert!(keep(&world, &first, "hello").await);
    for wait in [DAY - 1, 1] {
        assert_eq!(begin(&world, &keyed(&world, 1, 1)).await.unwrap(), Begun::Answered(answer("hello")));
        assert_eq!(find(&world, &keyed(&world, 1, 1)).await.unwrap(), Begun::Answered(answer("hello")));
        assert_eq!(code(find(&world, &keyed(&world, 1, 2)).await), ErrorCode::IdempotencyKeyConflict);
        world.pass(wait);
    }
    assert_eq!(find(&world, &keyed(&world, 1, 2)).await.unwrap(), Begun::Fresh);
    assert_eq!(begin(&world, &keyed(&world, 1, 2)).await.unwrap(), Begun::Fresh);
}

#[store_test]
async fn a_run_that_leaves_no_answer_frees_its_key(engine: Engine) {
    let world = World::new(engine).await;
    let first = keyed(&world, 1, 1);
    begin(&world, &first).await.unwrap();
    world.store.write(ForgetRun(keyed(&world, 1, 1))).await.unwrap();
    assert_eq!(code(begin(&world, &first).await), ErrorCode::IdempotentInProgress, "another run frees nothing");
    world.store.write(ForgetRun(first.clone())).await.unwrap();
    assert_eq!(begin(&world, &keyed(&world, 1, 2)).await.unwrap(), Begun::Fresh);
    let answered = keyed(&world, 2, 1);
    begin(&world, &answered).await.unwrap();
    keep(&world, &answered, "kept").await;
    world.store.write(ForgetRun(answered.clone())).await.unwrap();
    assert_eq!(find(&world, &answered).await.unwrap(), Begun::Answered(answer("kept")));
}

#[store_test]
async fn a_run_is_waited_for_a_minute_and_leaves_the_key_to_the_next(engine: Engine) {
    let world = World::new(engine).await;
    let (late, next) = (keyed(&world, 1, 1), keyed(&world, 1, 1));
    begin(&world, &late).await.unwrap();
    world.pass(MINUTE - 1);
    assert_eq!(code(begin(&world, &next).await), ErrorCode::IdempotentInProgress);
    world.pass(1);
    assert_eq!(begin(&world, &next).await.unwrap(), Begun::Fresh);
    assert!(!keep(&world, &late, "late").await);
    assert!(keep(&world, &next, "next").await);
    assert!(!keep(&world, &late, "late").await);
    assert_eq!(find(&world, &late).await.unwrap(), Begun::Answered(answer("next")));
}

#[store_test]
async fn a_late_run_that_nobody_followed_keeps_its_answer(engine: Engine) {
    let world = World::new(engine).await;
    let late = keyed(&world, 1, 1);
    begin(&world, &late).await.unwrap();
    world.pass(2 * MINUTE);
    assert!(keep(&world, &late, "late").await);
    assert_eq!(find(&world, &late).await.unwrap(), Begun::Answered(answer("late")));
}

/// Names an agent; the answer says so.
fn naming(
    world: &World,
    agent: &Agent,
    keyed: &Keyed,
    name: &str,
) -> WithAnswer<UpdateAgent, impl Fn(&Record) -> Result<Answer, Error> + use<>> {
    let body = json!({ "display_name": name }).to_string();
    let changes = AgentChanges::parse(body.as_bytes(), TextLengths::default()).unwrap();
    let operation = UpdateAgent { agent: agent.key, changes, now: world.now() };
    let render = |record: &Record| Answer::json(200, &json!({ "name": record.display_name }));
    WithAnswer { operation, render, keyed: keyed.clone(), now: world.now() }
}

async fn name(world: &World, agent: &Agent) -> Option<String> {
    world.store.read(ShowMe { agent: agent.key }).await.unwrap().display_name
}

#[store_test]
async fn an_answer_is_durable_with_what_it_says(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let run = keyed(&world, alice.key.0, 1);
    begin(&world, &run).await.unwrap();
    let Answered { answer, out } = world.store.write(naming(&world, &alice, &run, "Alice B.")).await.unwrap();
    assert_eq!((out.display_name.as_deref(), answer.body.as_str()), (Some("Alice B."), r#"{"name":"Alice B."}"#));
    // Whoever asks after a crash at this point, asks this.
    assert_eq!(begin(&world, &keyed(&world, alice.key.0, 1)).await.unwrap(), Begun::Answered(answer));
    assert_eq!(name(&world, &alice).await.as_deref(), Some("Alice B."));
}

#[store_test]
async fn a_run_that_lost_its_key_changes_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let (late, next) = (keyed(&world, alice.key.0, 1), keyed(&world, alice.key.0, 1));
    begin(&world, &late).await.unwrap();
    world.pass(MINUTE);
    begin(&world, &next).await.unwrap();
    let refused = world.store.write(naming(&world, &alice, &late, "Late")).await;
    assert_eq!(code(refused), ErrorCode::IdempotentInProgress);
    assert_eq!(name(&world, &alice).await.as_deref(), Some("ALICE"));
    world.store.write(naming(&world, &alice, &next, "Next")).await.unwrap();
    assert_eq!(code(world.store.write(naming(&world, &alice, &late, "Late")).await), ErrorCode::IdempotentInProgress);
    assert_eq!(name(&world, &alice).await.as_deref(), Some("Next"));
}

#[store_test]
async fn of_many_at_once_one_runs(engine: Engine) {
    let world = World::new(engine).await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, begin) = (world.store.clone(), BeginRun { keyed: keyed(&world, 1, 1), now: world.now() });
        runs.spawn(async move { store.write(begin).await });
    }
    let (fresh, others): (Vec<_>, Vec<_>) = runs.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(fresh.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [Begun::Fresh]);
    for other in others {
        assert_eq!(code(other), ErrorCode::IdempotentInProgress);
    }
}

#[store_test]
async fn what_is_over_is_purged_in_chunks(engine: Engine) {
    let world = World::new(engine).await;
    for caller in 0..5 {
        let run = keyed(&world, caller, 1);
        begin(&world, &run).await.unwrap();
        keep(&world, &run, "hello").await;
    }
    let purge = async |most| world.store.write(PurgeAnswers { now: world.now(), most }).await.unwrap();
    assert_eq!(purge(3).await, 0);
    world.pass(DAY);
    let fresh = keyed(&world, 9, 1);
    begin(&world, &fresh).await.unwrap();
    assert_eq!((purge(3).await, purge(3).await, purge(3).await), (3, 2, 0));
    assert_eq!(code(begin(&world, &fresh).await), ErrorCode::IdempotentInProgress);
}
