//! extensions.md X1: search.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{agent, ladders};
use super::world::{Deed, did, said};

const PAGE: &str = "{items: [Found], next_cursor|null}";

ladders! {
    search = agent("extensions X1", "GET /v1/search")
        .cast(&["alice", "bob", "carol"])
        .given(said("alice", "bob", "the harbour at dawn").keep("conversation", "/conversation_id"))
        .founded("alice", "ended")
        .given(did("alice", "DELETE /v1/groups/$ended", Value::Null))
        .given(said("bob", "carol", "the harbour of others").keep("foreign", "/conversation_id"))
        // Whoever is indexed last is found last.
        .given(
            did("carol", "GET /v1/search?q=harbour", Value::Null)
                .keep("indexed", "/items/0/message/id")
                .until_it_is_there(),
        )
        .query("limit=0&after=soon&before=later&conversation_id=x")
        .invalid("q is required, numbers and times are what they are", &["after", "before", "limit", "q"])
        .query("q=%20&limit=x&conversation_id=x")
        .invalid("q says something, numbers are numbers", &["limit", "q"])
        .query("q=harbour&cursor=nonsense&conversation_id=x")
        .invalid("a cursor is one that was given out", &["cursor"])
        .query("q=harbour&conversation_id=x")
        .refused("no such conversation", ErrorCode::ConversationNotFound)
        .query("q=harbour&conversation_id=$foreign")
        .refused("somebody else's conversation", ErrorCode::ConversationNotFound)
        .query("q=harbour&conversation_id=$ended")
        .refused("a group that ended", ErrorCode::GroupDeleted)
        .query("q=HARB*%20-night&limit=1000&from=@Alice&conversation_id=$conversation")
        .answers("what the caller may see", 200, PAGE)
        .having("/items/0/message/content/text", "the harbour at dawn")
        .having("/items/0/highlights/0", json!([4, 11]))
        .having("/items/1", Value::Null)
        .having("/next_cursor", Value::Null)
        .query("q=harbour%20-dawn")
        .answers("nothing of others", 200, PAGE)
        .having("/items", json!([]));

    too_often = agent("extensions X1, wire §1.13", "GET /v1/search")
        .limit("search=1/60")
        .query("q=harbour")
        .answers("once a minute", 200, PAGE)
        .query("q=")
        .invalid("before the policy: q is required", &["q"])
        .query("q=harbour&conversation_id=x")
        .refused_with("policy search", ErrorCode::RateLimited, &[("reason", json!("search"))])
        .given(Deed::Wait(60_000))
        .refused("no such conversation, a minute later", ErrorCode::ConversationNotFound);
}
