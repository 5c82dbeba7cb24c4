//! The ladder: one endpoint's row of the contract as a table that runs.
//!
//! It begins with a request that is wrong in every way the row lists. Each rung mends one thing, in the request or in
//! the world, and the answer must be the next error of the row; the last rung succeeds. So an order that is swapped,
//! a check that is missing and a check that is invented all fail. What comes before the row, the prologues of
//! wire.md §1.8, is made for every endpoint from its ladder by `prologues`.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::world::{Deed, did};

/// How an endpoint knows its caller, wire.md §1.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    /// Public: PN.
    Nobody,
    /// An agent: PA.
    Agent,
    /// An agent, suspended or not.
    SuspendedToo,
    /// An agent without policy `api` and without kept answers: sending alone.
    Sender,
    /// The operator's token.
    Operator,
    /// The endpoint looks at credentials in its own way; its ladder says how.
    Own,
}

/// One endpoint's row.
#[derive(Debug)]
pub(super) struct Ladder {
    /// `POST`.
    pub(super) method: &'static str,
    /// `/v1/contacts/{handle}/report`.
    pub(super) path: &'static str,
    /// Where the row stands: `wire §10`.
    pub(super) section: &'static str,
    pub(super) auth: Auth,
    /// The policies that follow the prologue at once: before the request is looked at.
    pub(super) policies: &'static [&'static str],
    /// Agents of the world.
    pub(super) cast: &'static [&'static str],
    /// `--limit`s; policies that are not named are off.
    pub(super) limits: Vec<&'static str>,
    /// Whether the platform's own agent is there.
    pub(super) attended: bool,
    /// Whether there is no success but where the store is a folder.
    pub(super) of_folders: bool,
    /// Whether the caller's key is dead after a success.
    pub(super) ends_the_key: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    Mend(Mend),
    Refused(Refused),
    Answers(Answers),
    /// A member of the last answer has this value.
    Where(&'static str, Value),
    /// The last answer has this header.
    Headed(&'static str, &'static str),
}

/// What changes between two rungs. `$name` in any text stands for what was kept under that name.
#[derive(Debug)]
pub(super) enum Mend {
    /// Who asks; nobody when empty.
    By(&'static str),
    /// A parameter of the path.
    At(&'static str, &'static str),
    Query(&'static str),
    /// An address that the server gave out, in place of the path.
    Url(&'static str),
    Body(String),
    Bytes(&'static [u8]),
    Header(&'static str, &'static str),
    World(Deed),
}

/// A rung that is refused.
#[derive(Debug)]
pub(super) struct Refused {
    /// What is still wrong, in words.
    pub(super) rule: &'static str,
    pub(super) code: ErrorCode,
    /// Members of `details` and their values; those that errors.md promises are always looked for.
    pub(super) details: Vec<(&'static str, Value)>,
    /// For `VALIDATION_ERROR`: the fields complained of, exactly; none stands for a complaint about the whole.
    pub(super) fields: Option<&'static [&'static str]>,
}

/// A rung that succeeds.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) rule: &'static str,
    pub(super) status: u16,
    /// The body, as `shapes` writes it; its content type, when that is another than JSON; or [`REDIRECT`].
    pub(super) shape: &'static str,
}

/// The shape of the one answer that leads elsewhere, wire.md §15.
pub(super) const REDIRECT: &str = "redirect";
/// How content types begin that are not JSON.
const KINDS: [&str; 3] = ["text/", "image/", "application/"];

impl Answers {
    /// The content type.
    pub(super) fn kind(&self) -> &'static str {
        let is_kind = self.shape == REDIRECT || KINDS.iter().any(|kind| self.shape.starts_with(kind));
        if is_kind { self.shape } else { super::answers::JSON }
    }
}

/// A row with agent auth.
pub(super) fn agent(section: &'static str, endpoint: &'static str) -> Ladder {
    Ladder::of(section, endpoint, Auth::Agent)
}

/// A row without auth.
pub(super) fn nobody(section: &'static str, endpoint: &'static str) -> Ladder {
    Ladder::of(section, endpoint, Auth::Nobody)
}

/// A row of the operator's.
pub(super) fn operator(section: &'static str, endpoint: &'static str) -> Ladder {
    Ladder::of(section, endpoint, Auth::Operator).by("operator")
}

impl Ladder {
    pub(super) fn of(section: &'static str, endpoint: &'static str, auth: Auth) -> Self {
        let (method, path) = endpoint.split_once(' ').unwrap_or_else(|| panic!("{endpoint} has no method"));
        Self {
            method,
            path,
            section,
            auth,
            policies: &[],
            cast: &["alice", "bob"],
            limits: Vec::new(),
            attended: false,
            of_folders: false,
            ends_the_key: false,
            steps: Vec::new(),
        }
        .by("alice")
    }

    /// Policies that are checked right after the prologue.
    pub(super) fn policies(mut self, names: &'static [&'static str]) -> Self {
        self.policies = names;
        self
    }

    /// The agents of the world, in place of alice and bob.
    pub(super) fn cast(mut self, agents: &'static [&'static str]) -> Self {
        self.cast = agents;
        self
    }

    /// A `--limit`.
    pub(super) fn limit(mut self, assignment: &'static str) -> Self {
        self.limits.push(assignment);
        self
    }

    /// With `@chatfather`, who greets everybody.
    pub(super) fn attended(mut self) -> Self {
        self.attended = true;
        self
    }

    /// Where a database server has the store, the first success is refused instead.
    pub(super) fn of_folders(mut self) -> Self {
        self.of_folders = true;
        self
    }

    /// A success leaves the caller without its key.
    pub(super) fn ends_the_key(mut self) -> Self {
        self.ends_the_key = true;
        self
    }

    /// The content type of its successes.
    pub(super) fn kind(&self) -> &'static str {
        let mut kinds = self.steps.iter().filter_map(|step| match step {
            Step::Answers(answers) => Some(answers.kind()),
            _ => None,
        });
        kinds.next_back().unwrap_or(super::answers::JSON)
    }

    /// Whether answers are kept under an `Idempotency-Key`: wire.md §1.11.
    pub(super) fn keeps_answers(&self) -> bool {
        self.auth == Auth::Agent && self.method != "GET"
    }

    pub(super) fn by(self, agent: &'static str) -> Self {
        self.mend(Mend::By(agent))
    }

    pub(super) fn at(self, parameter: &'static str, value: &'static str) -> Self {
        self.mend(Mend::At(parameter, value))
    }

    pub(super) fn query(self, query: &'static str) -> Self {
        self.mend(Mend::Query(query))
    }

    /// Asks at this address, which the server gave out; empty again: at the path.
    pub(super) fn to(self, address: &'static str) -> Self {
        self.mend(Mend::Url(address))
    }

    pub(super) fn body(self, body: Value) -> Self {
        self.mend(Mend::Body(body.to_string()))
    }

    /// A body that need not be JSON.
    pub(super) fn text(self, body: &str) -> Self {
        self.mend(Mend::Body(body.to_owned()))
    }

    /// A body that is no text.
    pub(super) fn bytes(self, body: &'static [u8]) -> Self {
        self.mend(Mend::Bytes(body))
    }

    pub(super) fn header(self, name: &'static str, value: &'static str) -> Self {
        self.mend(Mend::Header(name, value))
    }

    /// What somebody does in between.
    pub(super) fn given(self, deed: impl Into<Deed>) -> Self {
        self.mend(Mend::World(deed.into()))
    }

    /// An agent founds a group, known by its name from then on.
    pub(super) fn founded(self, by: &'static str, name: &'static str) -> Self {
        self.given(did(by, "POST /v1/groups", json!({ "name": name })).keep(name, "/group/id"))
    }

    /// An admin's invitation and its acceptance.
    pub(super) fn joined(self, admin: &'static str, group: &str, who: &'static str) -> Self {
        let invite = did(admin, &format!("POST /v1/groups/${group}/members"), json!({ "handle": who }));
        self.given(invite.keep("invite", "/invite_id")).given(did(
            who,
            "POST /v1/groups/invites/$invite/accept",
            Value::Null,
        ))
    }

    /// The answer is this error.
    pub(super) fn refused(self, rule: &'static str, code: ErrorCode) -> Self {
        self.refused_with(rule, code, &[])
    }

    /// The same, with values in `details`.
    pub(super) fn refused_with(self, rule: &'static str, code: ErrorCode, details: &[(&'static str, Value)]) -> Self {
        self.step(Step::Refused(Refused { rule, code, details: details.to_vec(), fields: None }))
    }

    /// The answer is a `VALIDATION_ERROR` about exactly these fields, or about the request as a whole.
    pub(super) fn invalid(self, rule: &'static str, fields: &'static [&'static str]) -> Self {
        let code = ErrorCode::ValidationError;
        self.step(Step::Refused(Refused { rule, code, details: Vec::new(), fields: Some(fields) }))
    }

    /// The answer is this success.
    pub(super) fn answers(self, rule: &'static str, status: u16, shape: &'static str) -> Self {
        self.step(Step::Answers(Answers { rule, status, shape }))
    }

    /// A member of the answer, by JSON pointer.
    pub(super) fn having(self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.step(Step::Where(pointer, value.into()))
    }

    /// A header of the answer.
    pub(super) fn headed(self, name: &'static str, value: &'static str) -> Self {
        self.step(Step::Headed(name, value))
    }

    /// What was done in its world.
    pub(super) fn into_deeds(self) -> Vec<Deed> {
        let deed = |step| match step {
            Step::Mend(Mend::World(deed)) => Some(deed),
            _ => None,
        };
        self.steps.into_iter().filter_map(deed).collect()
    }

    fn mend(self, mend: Mend) -> Self {
        self.step(Step::Mend(mend))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// `POST /v1/contacts/{}/report`: what names a route whatever its parameters are called.
    pub(super) fn route(&self) -> String {
        format!("{} {}", self.method, anonymous(self.path))
    }
}

/// A path without the names of its parameters.
pub(super) fn anonymous(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Rows that run: each becomes a test of its name on every engine.
macro_rules! ladders {
    ($($(#[$doc:meta])* $name:ident = $ladder:expr;)+) => {
        $($(#[$doc])* fn $name() -> $crate::conformance::ladder::Ladder { $ladder })+

        /// Every row of this file.
        pub(super) fn all() -> Vec<$crate::conformance::ladder::Ladder> {
            vec![$($name()),+]
        }

        mod climbs {
            use agentchat_store::Engine;
            use agentchat_store_test::store_test;

            $(#[store_test]
            async fn $name(engine: Engine) {
                $crate::conformance::climb::climb(super::$name(), engine).await;
            })+
        }
    };
}
pub(super) use ladders;
