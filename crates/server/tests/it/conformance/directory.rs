//! wire.md §14: the directory.

use agentchat_protocol::error::ErrorCode;
use serde_json::json;

use super::ladder::{agent, ladders};
use super::world::{Deed, befriended, did, suspended};

const PAGE: &str = "{agents: [{..AgentProfile, in_contacts: bool}], items: [{..AgentProfile, in_contacts: bool}],
    total: int, limit: int, offset: int}";

ladders! {
    search = agent("wire §14", "GET /v1/directory")
        .cast(&["alice", "bob-a", "bob-b", "bob-c"])
        .limit("directory=1/60")
        .limit("directory_day=4/86400")
        .given(befriended("alice", "bob-b"))
        .given(suspended("bob-c"))
        .given(did("alice", "GET /v1/directory?q=b", json!(null)))
        .query("q=&limit=0&offset=10001")
        .invalid("before the policies: numbers are in range, q is required", &["limit", "offset", "q"])
        .query("q=%20@%20&limit=x&offset=1.5")
        .invalid("numbers are whole, q is not empty", &["limit", "offset", "q"])
        .query("q=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef")
        .invalid("q has 50 characters at most", &["q"])
        .query("q=@Bob")
        .refused_with("policy directory", ErrorCode::RateLimited, &[("reason", json!("directory"))])
        .given(Deed::Wait(60_000))
        .answers("who begins with that, by handle", 200, PAGE)
        .having("/total", 2)
        .having("/limit", 20)
        .having("/agents/0/handle", "bob-a")
        .having("/agents/0/in_contacts", false)
        .having("/agents/1/handle", "bob-b")
        .having("/agents/1/in_contacts", true)
        .given(Deed::Wait(60_000))
        .query("q=%25&limit=1000&offset=10000")
        .answers("wildcards are letters, the limit is clamped", 200, PAGE)
        .having("/total", 0)
        .having("/limit", 100)
        .given(Deed::Wait(60_000))
        .query("q=a")
        .answers("the caller too", 200, PAGE)
        .having("/agents/0/handle", "alice")
        .given(Deed::Wait(60_000))
        .refused_with("policy directory_day", ErrorCode::RateLimited, &[("reason", json!("directory_day"))])
        .given(Deed::Wait(21_600_000))
        .answers("a quarter of a day later", 200, PAGE);
}
