//! `GET /v1/messages/{conversation_id}`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::stage::{Stage, assert_snapshot};

/// Six messages by turns, the first by alice; answers the conversation's path.
async fn talk(engine: Engine) -> (Stage, String) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    let mut path = String::new();
    for (number, text) in ["one", "two", "three", "four", "five", "six"].into_iter().enumerate() {
        let (from, to) = if number % 2 == 0 { ("alice", "bob") } else { ("bob", "alice") };
        let sent = stage.say(from, to, text).await;
        path = format!("/v1/messages/{}", sent["conversation_id"].as_str().unwrap());
    }
    (stage, path)
}

async fn seqs(stage: &Stage, path: &str) -> Vec<i64> {
    stage.get("bob", path).await.rows().iter().map(|row| row["seq"].as_i64().unwrap()).collect()
}

#[store_test]
async fn newest_first_but_oldest_first_after_a_cursor(engine: Engine) {
    let (stage, path) = talk(engine).await;
    let history = async |query: &str| seqs(&stage, &format!("{path}{query}")).await;
    assert_eq!(history("").await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(history("?limit=2").await, [6, 5]);
    assert_eq!(history("?before_seq=4").await, [3, 2, 1]);
    assert_eq!(history("?before_seq=4&limit=2").await, [3, 2]);
    assert_eq!(history("?before_seq=0").await, [0; 0]);
    assert_eq!(history("?after_seq=0&limit=2").await, [1, 2]);
    assert_eq!(history("?after_seq=4").await, [5, 6]);
    assert_eq!(history("?after_seq=6").await, [0; 0]);
    assert_eq!(history("?before_seq=&after_seq=4&around_message_id=").await, [5, 6]);
}

#[store_test]
async fn a_message_is_an_anchor_too(engine: Engine) {
    let (stage, path) = talk(engine).await;
    let fourth = stage.get("bob", &path).await.rows()[2]["id"].as_str().unwrap().to_owned();
    assert_eq!(seqs(&stage, &format!("{path}?around_message_id={fourth}&limit=3")).await, [4, 3, 2]);
    assert_eq!(stage.delete("bob", &format!("/v1/messages/{fourth}")).await.status, 200);
    let unseen = ["msg_x", "msg_00000000000000000000000000", &fourth];
    for id in unseen {
        let refused = stage.get("bob", &format!("{path}?around_message_id={id}")).await;
        assert_eq!(refused.refusal(), (404, "MESSAGE_NOT_FOUND".to_owned()), "{id}");
    }
    assert_eq!(seqs(&stage, &format!("{path}?limit=3")).await, [6, 5, 3]);
}

#[store_test]
async fn each_side_sees_its_own_envelopes(engine: Engine) {
    let (stage, path) = talk(engine).await;
    let page = format!("{path}?limit=2");
    assert_snapshot!(stage.get("bob", &page).await.print(), @r#"
    200
    [
      {
        "id": "msg_1",
        "conversation_id": "conv_2",
        "sender": "bob",
        "client_msg_id": "six",
        "seq": 6,
        "type": "text",
        "content": {
          "text": "six"
        },
        "metadata": {},
        "context": {
          "sender": {
            "handle": "bob",
            "display_name": null,
            "kind": "agent"
          },
          "conversation": {
            "type": "direct",
            "group_name": null,
            "member_count": null
          },
          "mentions": []
        },
        "status": "stored",
        "created_at": "2026-01-15T09:30:05.000Z",
        "delivered_at": null,
        "read_at": null,
        "delivery_id": null,
        "is_own": true,
        "sender_handle": "bob"
      },
      {
        "id": "msg_3",
        "conversation_id": "conv_2",
        "sender": "alice",
        "client_msg_id": "five",
        "seq": 5,
        "type": "text",
        "content": {
          "text": "five"
        },
        "metadata": {},
        "context": {
          "sender": {
            "handle": "alice",
            "display_name": null,
            "kind": "agent"
          },
          "conversation": {
            "type": "direct",
            "group_name": null,
            "member_count": null
          },
          "mentions": []
        },
        "status": "stored",
        "created_at": "2026-01-15T09:30:04.000Z",
        "delivered_at": null,
        "read_at": null,
        "delivery_id": "del_4",
        "is_own": false,
        "sender_handle": "alice"
      }
    ]
    "#);
    let members = ["seq", "sender", "is_own", "delivery_id", "status"];
    assert_snapshot!(stage.get("alice", &page).await.table(&members), @r"
    6 bob false del_1 stored
    5 alice true null stored
    ");
}

#[store_test]
async fn reading_history_marks_nothing(engine: Engine) {
    let (stage, path) = talk(engine).await;
    seqs(&stage, &path).await;
    assert_eq!(stage.waiting("bob").await.len(), 3);
    assert_eq!(stage.get("bob", "/v1/conversations").await.rows()[0]["unread_count"], 3);
}

#[store_test]
async fn the_query_is_looked_at_before_the_conversation(engine: Engine) {
    let (stage, path) = talk(engine).await;
    let wrong = [
        "limit=0",
        "limit=-1",
        "limit=many",
        "limit=1.5",
        "before_seq=-1",
        "after_seq=x",
        "before_seq=1&after_seq=2",
        "after_seq=1&around_message_id=msg_x",
    ];
    for query in wrong {
        for path in [path.as_str(), "/v1/messages/conv_x"] {
            let refused = stage.get("bob", &format!("{path}?{query}")).await;
            assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()), "{query}");
        }
    }
    assert_eq!(seqs(&stage, &format!("{path}?limit=100000")).await.len(), 6);
}

#[store_test]
async fn a_conversation_of_others_is_not_there(engine: Engine) {
    let (stage, path) = talk(engine).await;
    let foreign = stage.get("eve", &path).await;
    assert_eq!(foreign.refusal(), (404, "CONVERSATION_NOT_FOUND".to_owned()));
    let lower = path.to_lowercase();
    for other in ["/v1/messages/conv_x", "/v1/messages/x", "/v1/messages/grp_01KF0FV2EWF5WA0HM5ZD1QSCP7", &lower] {
        assert_eq!(stage.get("bob", other).await.body, foreign.body, "{other}");
    }
}
