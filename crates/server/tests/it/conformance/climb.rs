//! Climbing a ladder: the world is built, the request is mended rung by rung, every answer is held against the row.

use std::collections::BTreeMap;

use agentchat_store::Engine;

use super::answers::{JSON, check, check_ids};
use super::ladder::{Answers, Ladder, Mend, Refused, Step};
use super::shapes::check_shape;
use super::world::{Asked, World};
use crate::client::Answer;

/// The request as it has been mended so far.
#[derive(Debug, Default)]
struct Draft {
    by: &'static str,
    parameters: BTreeMap<&'static str, &'static str>,
    query: &'static str,
    url: &'static str,
    headers: BTreeMap<&'static str, &'static str>,
    body: String,
    bytes: Option<&'static [u8]>,
}

impl Draft {
    fn asked(&self, ladder: &Ladder) -> Asked {
        let headers = self.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut path = if self.url.is_empty() { fill(ladder.path, &self.parameters) } else { self.url.to_owned() };
        if !self.query.is_empty() {
            path = format!("{path}?{}", self.query);
        }
        Asked {
            by: self.by,
            method: ladder.method.to_owned(),
            path,
            headers,
            body: self.body.clone(),
            bytes: self.bytes,
        }
    }
}

/// A template with its parameters put in.
fn fill(template: &str, parameters: &BTreeMap<&'static str, &'static str>) -> String {
    let segments = template.split('/').map(|segment| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        name.map_or(segment, |name| parameters.get(name).unwrap_or_else(|| panic!("{template}: no {name}")))
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Climbs from the request that is all wrong to the one that succeeds.
pub(super) async fn climb(ladder: Ladder, engine: Engine) {
    let mut world = World::of(engine, ladder.cast, &ladder.limits, ladder.attended).await;
    let mut draft = Draft::default();
    let mut last: Option<Answer> = None;
    let mut succeeded = false;
    // The first refusal and the first success are asked for twice, under a key.
    let mut refusal_key = ladder.keeps_answers().then_some("key-of-a-refusal");
    let mut success_key = (ladder.keeps_answers() && !ladder.ends_the_key).then_some("key-of-a-success");
    let row = format!("{} {} ({})", ladder.method, ladder.path, ladder.section);
    for step in &ladder.steps {
        let answer = || last.as_ref().unwrap_or_else(|| panic!("{row}: nothing was answered yet"));
        match step {
            Step::Mend(mend) => apply(mend, &mut draft, &mut world).await,
            Step::Refused(refused) => {
                let rung = Rung { row: &row, rule: refused.rule, kind: JSON, key: refusal_key.take() };
                let answer = rung.ask(&ladder, &draft, &world).await;
                check_refused(&row, refused, &answer, &world);
                last = Some(answer);
            }
            Step::Answers(answers) if ladder.of_folders && engine != Engine::Sqlite => {
                let rung = Rung { row: &row, rule: answers.rule, kind: JSON, key: None };
                assert_eq!(rung.ask(&ladder, &draft, &world).await.refusal(), (400, "VALIDATION_ERROR".to_owned()));
                return;
            }
            Step::Answers(answers) => {
                let rung = Rung { row: &row, rule: answers.rule, kind: answers.kind(), key: success_key.take() };
                let answer = rung.ask(&ladder, &draft, &world).await;
                check_answers(&row, answers, &answer);
                succeeded = true;
                last = Some(answer);
            }
            Step::Where(pointer, value) => {
                let json = answer().json();
                // What has to be there, null or not, is in the shape.
                let given = json.pointer(pointer).unwrap_or(&serde_json::Value::Null);
                assert_eq!(given, &world.filled_value(value), "{row}: {pointer} of {json}");
            }
            Step::Headed(name, value) => assert_eq!(answer().header(name), Some(*value), "{row}: {:?}", answer()),
        }
    }
    assert!(succeeded, "{row}: a ladder leads to a success");
}

async fn apply(mend: &Mend, draft: &mut Draft, world: &mut World) {
    match mend {
        Mend::By(agent) => draft.by = agent,
        Mend::At(parameter, value) => {
            draft.parameters.insert(parameter, value);
        }
        Mend::Query(query) => draft.query = query,
        Mend::Url(address) => draft.url = address,
        Mend::Body(body) => {
            draft.body.clone_from(body);
            draft.bytes = None;
        }
        Mend::Bytes(bytes) => draft.bytes = Some(bytes),
        Mend::Header(name, value) => {
            draft.headers.insert(name, value);
        }
        Mend::World(deed) => world.undergo(deed).await,
    }
}

/// What a rung is about to be asked.
struct Rung<'a> {
    row: &'a str,
    rule: &'a str,
    /// The content type of a success.
    kind: &'a str,
    /// Ask under this `Idempotency-Key`, and once more.
    key: Option<&'static str>,
}

impl Rung<'_> {
    async fn ask(&self, ladder: &Ladder, draft: &Draft, world: &World) -> Answer {
        let mut asked = draft.asked(ladder);
        asked.headers.extend(self.key.map(|key| ("Idempotency-Key", key.to_owned())));
        let answer = world.ask(&asked).await;
        let what = format!("{}: {}", self.row, self.rule);
        check(&what, &answer, self.kind);
        // Operators see whole records.
        if draft.by != "operator" {
            check_ids(&what, &answer, world.ids_but(draft.by));
        }
        if self.key.is_some() {
            check_replay(&what, &answer, &world.ask(&asked).await);
        }
        answer
    }
}

/// wire.md §1.11: the same request under the same key is answered from the record; what asks to come back is not kept.
fn check_replay(what: &str, first: &Answer, again: &Answer) {
    if first.status == 429 || first.status >= 500 {
        assert_eq!(again.header("idempotent-replay"), None, "§1.11: {what}: {again:?}");
        return;
    }
    let shown =
        |answer: &Answer| (answer.status, without_secrets(answer), answer.header("content-type").map(str::to_owned));
    assert_eq!(first.header("idempotent-replay"), None, "§1.11: {what}: {first:?}");
    assert_eq!(again.header("idempotent-replay"), Some("true"), "§1.11: {what}: {again:?}");
    assert_eq!(shown(again), shown(first), "§1.11: {what}");
}

/// A body as it is kept: secrets are not.
fn without_secrets(answer: &Answer) -> String {
    let Ok(serde_json::Value::Object(mut body)) = serde_json::from_str(&answer.body) else {
        return answer.body.clone();
    };
    for secret in ["api_key", "secret"] {
        if let Some(value) = body.get_mut(secret) {
            *value = serde_json::Value::Null;
        }
    }
    serde_json::Value::Object(body).to_string()
}

fn check_refused(row: &str, refused: &Refused, answer: &Answer, world: &World) {
    let what = format!("{row}: {}: {answer:?}", refused.rule);
    assert!(answer.status >= 400, "{what}: should be refused with {}", refused.code);
    assert_eq!(answer.error_code(), refused.code.as_str(), "{what}");
    let details = &answer.json()["details"];
    for (member, value) in &refused.details {
        assert_eq!(details.get(*member), Some(&world.filled_value(value)), "{member} of {what}");
    }
    let Some(fields) = refused.fields else { return };
    let named = details["fieldErrors"].as_object().map(|fields| fields.keys().map(String::as_str).collect::<Vec<_>>());
    let mut named = named.unwrap_or_default();
    named.sort_unstable();
    assert_eq!(named, fields, "fields of {what}");
    let about_the_whole = details["formErrors"].as_array().is_some_and(|errors| !errors.is_empty());
    assert!(about_the_whole || !fields.is_empty(), "no complaint in {what}");
}

fn check_answers(row: &str, answers: &Answers, answer: &Answer) {
    let what = format!("{row}: {}: {answer:?}", answers.rule);
    assert_eq!(answer.status, answers.status, "{what}");
    if answers.kind() == JSON {
        check_shape(&what, answers.shape, &answer.json());
    }
}

/// A ladder that could not fail would prove nothing: here are two rungs that stand the wrong way round.
#[tokio::test]
#[should_panic(expected = "not oneself, too early")]
async fn a_swapped_order_fails() {
    use agentchat_protocol::error::ErrorCode;
    use serde_json::json;

    let swapped = super::ladder::agent("wire §10", "POST /v1/contacts")
        .body(json!({ "handle": 1 }))
        .refused("not oneself, too early", ErrorCode::AgentNotFound)
        .body(json!({ "handle": "alice" }))
        .invalid("the handle is a text", &["handle"])
        .body(json!({ "handle": "bob" }))
        .answers("a contact", 201, "Contact");
    climb(swapped, Engine::Sqlite).await;
}
