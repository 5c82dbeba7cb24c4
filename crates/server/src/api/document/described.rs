//! What is said of each operation beside its handler: requests, refusals, rate limits. The files under `operations/` hold it as data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use agentchat_protocol::error::ErrorCode;
use serde::Deserialize;
use serde_json::{Map, Value};

const FILES: [&str; 12] = [
    include_str!("operations/accounts.json"),
    include_str!("operations/admin.json"),
    include_str!("operations/agents.json"),
    include_str!("operations/conversations.json"),
    include_str!("operations/files.json"),
    include_str!("operations/groups.json"),
    include_str!("operations/messages.json"),
    include_str!("operations/people.json"),
    include_str!("operations/replies.json"),
    include_str!("operations/service.json"),
    include_str!("operations/sync.json"),
    include_str!("operations/webhooks.json"),
];

/// What is said of one operation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Described {
    /// Its `operationId`.
    pub(super) id: String,
    /// Rate limits beside `api`.
    #[serde(default)]
    pub(super) policies: Vec<String>,
    /// What it refuses with beside what all of its kind do.
    #[serde(default)]
    pub(super) errors: Vec<ErrorCode>,
    /// Parameters by name: what the handler's annotation does not say of them.
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
    /// The schema of its JSON body, with an `example`; every member that is not required may be null.
    #[serde(default)]
    pub(super) body: Option<Value>,
    /// Whether a suspended account may call it.
    #[serde(default)]
    pub(super) passes_suspended: bool,
}

/// By method and path: `post /v1/messages`.
pub(super) static DESCRIBED: LazyLock<BTreeMap<String, Described>> = LazyLock::new(|| {
    let files = FILES.iter().map(|file| serde_json::from_str::<BTreeMap<String, Described>>(file));
    files.flat_map(|file| file.expect("a file of operations that its type does not describe")).collect()
});

/// Schemas that several requests name.
pub(super) static SHARED: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("shared.json")).expect("an object of schemas"));

/// A text, and details where the code promises any, for each code that an operation of this server answers.
pub(super) static ERRORS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("errors.json")).expect("an object of bodies"));

/// What members of these names look like, for examples.
pub(super) static VALUES: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("values.json")).expect("an object of values"));
