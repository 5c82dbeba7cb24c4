//! `GET /v1/messages/sync?wait=…`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::client::Answer;
use crate::stage::Stage;

const HELD: &str = "/v1/messages/sync?wait=60";

/// Six requests of bob; answers what the first of them to end got, and the other five, all of them held.
async fn five_held(stage: &Stage) -> (Answer, FuturesUnordered<impl Future<Output = Answer>>) {
    let mut held: FuturesUnordered<_> = (0..6).map(|_| stage.get("bob", HELD)).collect();
    let ended = held.next().await.unwrap();
    (ended, held)
}

#[store_test]
async fn a_held_request_ends_with_the_row(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let (held, sent) = tokio::join!(stage.get("bob", HELD), stage.say("alice", "bob", "hello"));
    let rows = held.rows();
    assert_eq!((rows.len(), &rows[0]["id"]), (1, &sent["id"]));
}

#[store_test]
async fn nothing_is_held_when_there_is_a_row(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    assert_eq!(stage.get("bob", HELD).await.rows().len(), 1);
    let nobodys = stage.get("bob", "/v1/messages/sync?wait=60&after=x").await;
    assert_eq!(nobodys.rows().len(), 0);
}

#[store_test]
async fn a_cursor_waits_for_what_comes_behind_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "one").await;
    stage.say("bob", "alice", "answer").await;
    let first = stage.waiting("bob").await[0]["delivery_id"].as_str().unwrap().to_owned();
    let path = format!("{HELD}&after={first}");
    let (held, sent) = tokio::join!(stage.get("bob", &path), stage.say("alice", "bob", "two"));
    assert_eq!(held.rows()[0]["id"], sent["id"]);
}

#[store_test]
async fn a_sixth_request_ends_the_oldest(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let (ended, held) = five_held(&stage).await;
    assert_eq!(ended.rows().len(), 0);
    stage.say("alice", "bob", "hello").await;
    let answers: Vec<Answer> = held.collect().await;
    assert_eq!(answers.iter().map(|answer| answer.rows().len()).collect::<Vec<_>>(), [1; 5]);
}

#[store_test]
async fn a_dead_key_ends_them_all(engine: Engine) {
    let stage = Stage::of(engine, &["bob"]).await;
    let (_ended, held) = five_held(&stage).await;
    assert_eq!(stage.delete("bob", "/v1/agents/bob").await.status, 200);
    let answers: Vec<Answer> = held.collect().await;
    assert!(answers.iter().all(|answer| answer.refusal() == (401, "UNAUTHORIZED".to_owned())), "{answers:?}");
}

#[store_test]
async fn a_shutdown_ends_them_empty(engine: Engine) {
    let stage = Stage::of(engine, &["bob"]).await;
    let (_ended, held) = five_held(&stage).await;
    stage.server.running.shutdown();
    let answers: Vec<Answer> = held.collect().await;
    assert_eq!(answers.iter().map(|answer| answer.rows().len()).collect::<Vec<_>>(), [0; 5]);
}
