//! Every number and rate an operator can set with `--limit NAME=VALUE`, and the token buckets.

mod buckets;
mod limiter;
mod policy;
mod seen;
mod shared;
mod warnings;

use agentchat_core::agents::TextLengths;
pub(crate) use limiter::{Key, Limiter, Low, Reservation, Weighed};
pub use policy::{Policy, Rate};
pub(crate) use seen::{hold, refused, watch};
pub(crate) use shared::{bucket as shared_bucket, show_empty, show_left, take as take_shared, take_weighed};
pub(crate) use warnings::Warnings;

/// Why a `--limit` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Not `NAME=VALUE`.
    #[error("--limit `{0}` is not NAME=VALUE")]
    Form(String),
    /// No policy and no number has this name.
    #[error("there is no limit named `{0}`")]
    Name(String),
    /// Not `L/W` with both at least 1, a whole number, or `off`.
    #[error("`{0}` is not a limit: use L/W (per W seconds), a whole number, or off")]
    Value(String),
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $field:ident = $default:literal,)+) => {
        /// What the server allows, all from one table; defaults are the contract's.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            rates: Vec<Option<Rate>>,
            $($(#[$doc])* pub $field: u64,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self {
                    rates: Policy::ALL.iter().map(|policy| Some(policy.default_rate())).collect(),
                    $($field: $default,)+
                }
            }
        }

        impl Limits {
            /// Names of the limits that are numbers.
            pub const NUMBERS: &'static [&'static str] = &[$(stringify!($field),)+];

            fn number_mut(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }

            pub(crate) fn numbers(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($field), self.$field),)+]
            }
        }
    };
}

numbers! {
    /// Bytes of a JSON request body.
    json_body = 1_048_576,
    /// Bytes of a message's content and metadata together.
    content_bytes = 32_768,
    /// Undelivered messages of a recipient from which senders are warned.
    backlog_warn = 5_000,
    /// Undelivered messages of a recipient from which sends are refused.
    backlog_hard = 10_000,
    /// Unanswered conversations an agent may open in 24 hours.
    cold_cap = 100,
    /// Seconds a message may wait at the most before it expires by itself.
    expiry_max_s = 2_592_000,
    /// Days after which messages that reached everybody are emptied; 0 keeps them for ever.
    retention_days = 0,
    /// Characters of an agent's display name.
    display_name = 100,
    /// Characters of an agent's description.
    description = 500,
    /// Living agents of one e-mail.
    emails_live = 10,
    /// Registrations of one e-mail, ever.
    emails_lifetime = 30,
    /// Seconds a one-time code lives.
    otp_ttl_s = 600,
    /// Tries per one-time code.
    otp_attempts = 5,
    /// Seconds between two codes to one e-mail.
    otp_cooldown_s = 60,
    /// Codes to one e-mail in an hour.
    otp_hourly = 20,
    /// Blocks that restrict an agent, by those whom it wrote to first.
    restrict_blocks = 15,
    /// Seconds for which a block counts towards a restriction.
    restrict_window_s = 86_400,
    /// Such blocks that suspend an agent.
    suspend_blocks = 50,
    /// Such reports that suspend an agent.
    suspend_reports = 10,
    /// Seconds for which a block or a report counts towards a suspension.
    suspend_window_s = 604_800,
    /// Seconds between two looks at whether a restricted agent still has to be.
    review_s = 60,
    /// Characters of the notes about a contact.
    contact_notes = 1_000,
    /// Characters of the reason of a report.
    report_reason = 1_000,
    /// Sockets and streams of one agent together.
    sockets_per_agent = 50,
    /// Sockets of one address that have not said HELLO yet.
    sockets_waiting_per_ip = 64,
    /// Long-polls of one agent held at once.
    long_polls_per_agent = 5,
    /// Members of a group.
    group_members = 256,
    /// Webhooks of one agent.
    webhooks_per_agent = 5,
    /// Bytes of an attachment.
    attachment_bytes = 26_214_400,
    /// Bytes of an avatar as uploaded.
    avatar_bytes = 5_242_880,
    /// Handles in one presence batch.
    presence_batch = 100,
    /// Rows of a sync page.
    sync_page = 500,
    /// Rows of a history page.
    history_page = 200,
    /// Rows of a page of contacts, and of the blocked.
    contacts_page = 100,
    /// Rows of a page of the directory.
    directory_page = 100,
    /// Rows of the directory that may be passed over.
    directory_offset = 10_000,
    /// Characters of a directory query.
    directory_query = 50,
    /// Rows of a page of conversations.
    conversations_page = 200,
}

impl Limits {
    /// The policy's rate; `None` when it is switched off.
    pub fn rate(&self, policy: Policy) -> Option<Rate> {
        self.rates[policy.index()]
    }

    /// How long an agent's texts may be.
    pub(crate) fn texts(&self) -> TextLengths {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        TextLengths { display_name: number(self.display_name), description: number(self.description) }
    }

    /// Applies `NAME=L/W`, `NAME=N` or `NAME=off`. For a policy, `N` keeps its window; a number
    /// that is `off` has no bound.
    pub fn set(&mut self, assignment: &str) -> Result<(), LimitError> {
        let (name, value) = assignment.split_once('=').ok_or_else(|| LimitError::Form(assignment.to_owned()))?;
        self.set_named(name.trim(), value.trim())
    }

    /// As [`Limits::set`], with name and value apart.
    pub fn set_named(&mut self, name: &str, value: &str) -> Result<(), LimitError> {
        if let Some(policy) = Policy::ALL.iter().find(|policy| policy.name() == name) {
            self.rates[policy.index()] = parse_rate(*policy, value)?;
            return Ok(());
        }
        let number = self.number_mut(name).ok_or_else(|| LimitError::Name(name.to_owned()))?;
        *number = parse_number(value)?;
        Ok(())
    }

    /// Every limit as operators would write it, for discovery and logs.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let rates = Policy::ALL.iter().map(|policy| {
            let rate = self.rate(*policy);
            (policy.name(), rate.map_or_else(|| "off".to_owned(), |rate| rate.to_string()))
        });
        let numbers = self.numbers().into_iter();
        rates.chain(numbers.map(|(name, number)| (name, number.to_string()))).collect()
    }
}

fn parse_rate(policy: Policy, value: &str) -> Result<Option<Rate>, LimitError> {
    if value == "off" {
        return Ok(None);
    }
    if value.contains('/') {
        return value.parse().map(Some);
    }
    format!("{value}/{}", policy.default_rate().window_s)
        .parse()
        .map(Some)
        .map_err(|_| LimitError::Value(value.to_owned()))
}

fn parse_number(value: &str) -> Result<u64, LimitError> {
    if value == "off" {
        // Stays an integer that JSON numbers and SQL columns hold exactly.
        return Ok(u64::from(u32::MAX));
    }
    let number = value.parse::<u64>().ok().filter(|number| *number < 1 << 53);
    number.ok_or_else(|| LimitError::Value(value.to_owned()))
}
