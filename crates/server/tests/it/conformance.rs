//! Corners of the conventions that no single resource owns.

use crate::client::TestServer;
use crate::stage::Stage;

#[tokio::test]
async fn the_beginning_of_a_literal_route_is_no_id() {
    let server = TestServer::start().await;
    for path in ["/v1/messages/undelivered", "/v1/conversations/direct"] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = server.request(method, path, &[], b"").await;
            assert_eq!((answer.status, answer.error_code().as_str()), (404, "NOT_FOUND"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn literal_segments_win_over_handles_and_ids() {
    let stage = Stage::of(&["alice"]).await;
    for (path, allow) in
        [("/v1/agents/me", "GET,HEAD"), ("/v1/agents/recover", "POST"), ("/v1/messages/sync", "GET,HEAD")]
    {
        let refused = stage.delete("alice", path).await;
        assert_eq!((refused.refusal(), refused.header("allow")), ((405, "METHOD_NOT_ALLOWED".to_owned()), Some(allow)));
    }
}
