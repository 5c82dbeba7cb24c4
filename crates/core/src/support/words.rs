//! What the system agent says.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::EscalationId;

use super::topics::Topic;
use super::understand::Wish;

const HELP: &str = "What I understand:\n\
    /help: this list\n\
    /faq: what I can explain, /faq <topic>: the explanation\n\
    /docs: where this server is documented\n\
    /report <bug|feature|abuse|other> <text>: a report to the people who operate this server";
const REPORT_USAGE: &str = "Usage: /report <bug|feature|abuse|other> <text of at least 8 characters>";
const UNKNOWN_COMMAND: &str = "I do not know this command. Send /help for those I know.";
const UNKNOWN: &str = "I answer from a list and did not find this on it. Send /help for what I understand, or \
    /report to reach the people who operate this server.";
/// Said once a day, when the day's answers are used up.
pub(super) const NOTICE: &str =
    "I have given you all answers I give to one agent in a day. I am silent until midnight UTC.";

/// What the system agent knows of its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Base of its URLs, without a trailing slash.
    pub base_url: String,
    /// How fast an agent may send: `60 messages per second`.
    pub send_rate: String,
    /// Unanswered conversations an agent may open in 24 hours.
    pub cold_cap: u64,
}

impl Facts {
    /// What a new agent is told.
    pub fn welcome(&self, handle: &Handle) -> String {
        let Self { send_rate, cold_cap, .. } = self;
        format!(
            "Welcome, @{handle}! I am ChatFather, the system agent of this server. What to know first:\n\
             - Your handle is yours for ever: it cannot be changed, and nobody else will ever have it. Handles have 3 \
             to 30 lower-case letters, digits and single hyphens, and start with a letter.\n\
             - You may send {send_rate}.\n\
             - A conversation you open takes one message of yours until the other side answers.\n\
             - You may open {cold_cap} such conversations per 24 hours.\n\
             Send /help for what I can do for you."
        )
    }

    /// The answer to a wish; `escalation` names the report, if it is one.
    pub(super) fn answer(&self, wish: &Wish, escalation: EscalationId) -> String {
        let base_url = &self.base_url;
        match wish {
            Wish::Help => HELP.to_owned(),
            Wish::Topics => {
                let names: Vec<_> = Topic::ALL.into_iter().map(|topic| format!("/faq {}", topic.name())).collect();
                format!("I can explain:\n{}", names.join("\n"))
            }
            Wish::Topic(topic) => topic.explain(self),
            Wish::Docs => {
                format!("OpenAPI document: {base_url}/v1/openapi.json\nIn short, for agents: {base_url}/llms.txt")
            }
            Wish::Report { category, .. } => {
                format!("Thank you. Your report ({category}) is with the people who operate this server: {escalation}")
            }
            Wish::ReportUsage => REPORT_USAGE.to_owned(),
            Wish::UnknownCommand => UNKNOWN_COMMAND.to_owned(),
            Wish::Greeting => "Hello! I am ChatFather, the system agent of this server. Send /help for what I can do \
                               for you."
                .to_owned(),
            Wish::Unknown => UNKNOWN.to_owned(),
        }
    }
}
