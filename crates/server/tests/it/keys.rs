//! Keys that open nothing are all the same 401; the operator's token is another matter.

use agentchat_server::Secret;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::client::TestServer;

#[store_test]
async fn every_key_that_opens_nothing_gets_the_same_answer(engine: Engine) {
    let server = TestServer::on(engine).await;
    let missing = server.get("/v1/conversations").await;
    assert_eq!((missing.status, missing.error_code().as_str()), (401, "UNAUTHORIZED"));
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Basic abc",
        // A good checksum of a key that nobody has.
        "Bearer ac_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf45tWMh",
        "Bearer  ac_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf45tWMh",
    ] {
        let answer = server.request("GET", "/v1/conversations", &[("Authorization", value)], b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (401, missing.body.as_str()), "{value}");
    }
}

#[store_test]
async fn a_key_in_the_query_is_not_looked_at(engine: Engine) {
    let server = TestServer::on(engine).await;
    let path = "/v1/conversations?api_key=ac_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf45tWMh";
    assert_eq!(server.get(path).await.status, 401);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", Secret::new("hidden")), "***");
}
