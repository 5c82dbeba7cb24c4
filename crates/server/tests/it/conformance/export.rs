//! extensions.md X7: everything of one agent. What is in it is proved in `export`.

use agentchat_protocol::error::ErrorCode;

use super::ladder::{agent, ladders, operator};

const LINES: &str = "application/x-ndjson";

ladders! {
    own = agent("extensions X7", "GET /v1/export").policies(&["export"]).answers("line by line", 200, LINES);

    of_an_agent = operator("wire §22", "GET /admin/agents/{handle}/export")
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "@Alice")
        .answers("line by line", 200, LINES);
}
