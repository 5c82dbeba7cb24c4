//! Completes one operation: its name, parameters, body, and every answer it can give.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::answers::{self, Kind};
use super::described::{DESCRIBED, Described};
use super::{object, schemas};
use crate::limits::Policy;

/// Under this, the key only names the message.
const SEND: &str = "post /v1/messages";

/// Completes the operation in place; what it shares with others goes to `components`.
pub(super) fn complete(method: &str, path: &str, operation: &mut Value, components: &mut Value) {
    let name = format!("{method} {path}");
    let unknown = Described { id: spelled_id(method, path), ..Described::default() };
    let described = DESCRIBED.get(&name).unwrap_or(&unknown);
    operation["operationId"] = json!(described.id);
    add_parameters(operation, described);
    add_body(operation, described, components);
    let kind = kind(method, path, &name, operation);
    if kind.idempotent || name == SEND {
        list(operation, "parameters").push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    }
    tell_limits(operation, described, kind.agent && name != SEND);
    complete_answers(&name, operation, described, kind, components);
    refuse(operation, answers::refusals(kind, described), components);
}

/// `post /v1/messages/{id}/read` → `undescribed_post_messages_id_read`, for what nothing is said of.
fn spelled_id(method: &str, path: &str) -> String {
    let words = path.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty() && *word != "v1");
    words.fold(format!("undescribed_{method}"), |id, word| format!("{id}_{word}"))
}

fn kind(method: &str, path: &str, name: &str, operation: &Value) -> Kind {
    let security = operation["security"].as_array();
    let asks = |scheme: &str| {
        // A choice that includes nothing asks for nothing.
        let one = |choice: &Value| choice.get(scheme).is_some();
        security.is_some_and(|choices| !choices.is_empty() && choices.iter().all(one))
    };
    let parameters = operation["parameters"].as_array();
    let query = parameters.is_some_and(|all| all.iter().any(|one| one["in"] == "query"));
    let agent = asks("api_key");
    Kind {
        agent,
        operator: asks("operator"),
        idempotent: agent && method != "get" && name != SEND,
        input: query || !operation["requestBody"]["content"]["application/json"].is_null(),
        segments: path.contains('{'),
    }
}

fn add_parameters(operation: &mut Value, described: &Described) {
    let parameters = list(operation, "parameters");
    for (name, told) in &described.parameters {
        let index = parameters.iter().position(|one| one["name"] == *name).unwrap_or_else(|| {
            parameters.push(json!({ "name": name, "in": "query", "required": false }));
            parameters.len() - 1
        });
        let told = told.as_object().into_iter().flatten();
        told.for_each(|(member, value)| parameters[index][member] = value.clone());
    }
    for parameter in parameters.iter_mut() {
        if parameter["schema"].is_null() {
            parameter["schema"] = json!({ "type": "string" });
        }
        if let (Some(handle), None) = (handle_example(parameter), parameter.get("example")) {
            parameter["example"] = json!(handle);
        }
    }
}

fn handle_example(parameter: &Value) -> Option<&'static str> {
    (parameter["name"] == "handle" && parameter["in"] == "path").then_some("bob")
}

fn add_body(operation: &mut Value, described: &Described, components: &mut Value) {
    if let Some(bytes) = operation.pointer_mut("/requestBody/content/application~1octet-stream") {
        bytes["schema"] = json!({ "type": "string", "format": "binary" });
    }
    let Some(mut schema) = described.body.clone() else { return };
    let required = schema.get("required").is_some() || schema.get("$ref").is_some();
    let shown = if schema.get("$ref").is_some() {
        schema
    } else {
        let example = schema.as_object_mut().and_then(|schema| schema.remove("example"));
        schema["type"] = json!("object");
        schema["examples"] = json!([example]);
        schemas::allow_null(&mut schema);
        let name = format!("{}Request", pascal(&described.id));
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        object(components, "schemas").insert(name, schema);
        reference
    };
    let example = schemas::example(&shown, object(components, "schemas"));
    operation["requestBody"] =
        json!({ "required": required, "content": { "application/json": { "schema": shown, "example": example } } });
}

/// `create_group` → `CreateGroup`.
fn pascal(id: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    id.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

/// Says in the description which rate limits apply.
fn tell_limits(operation: &mut Value, described: &Described, api: bool) {
    let known = |name: &str| Policy::ALL.iter().find(|policy| policy.name() == name);
    let names = described.policies.iter().map(String::as_str).chain(api.then_some("api"));
    let told: Vec<_> = names
        .filter_map(|name| Some((name, known(name)?.default_rate())))
        .map(|(name, rate)| format!("`{name}` {} per {} s", rate.limit, rate.window_s))
        .collect();
    if told.is_empty() {
        return;
    }
    let text = operation["description"].as_str().unwrap_or_default();
    operation["description"] = json!(format!("{text}\n\nRate limits by default: {}.", told.join(", ")).trim());
}

/// Headers and examples of the answers that are no refusals.
fn complete_answers(name: &str, operation: &mut Value, described: &Described, kind: Kind, components: &mut Value) {
    let header = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let limited = kind.agent || !described.policies.is_empty();
    let named = [
        ("X-Request-Id", true),
        ("RateLimit", limited),
        ("RateLimit-Policy", limited),
        ("Idempotent-Replay", kind.idempotent || name == SEND),
        ("X-Backlog-Warning", name == SEND),
    ];
    for (status, answer) in object(operation, "responses") {
        if answer["description"].as_str().is_none_or(str::is_empty) {
            answer["description"] = json!(describe(status, answer, object(components, "schemas")));
        }
        for (name, _) in named.iter().filter(|(_, applies)| *applies) {
            object(answer, "headers").insert((*name).to_owned(), header(name));
        }
        let json = answer.get_mut("content").and_then(|content| content.get_mut("application/json"));
        if let Some(json) = json.filter(|json| json.get("schema").is_some() && json.get("example").is_none()) {
            json["example"] = schemas::example(&json["schema"], object(components, "schemas"));
        }
    }
}

/// What an answer is, where its annotation does not say: what its schema is, or its status in a word.
fn describe(status: &str, answer: &Value, components: &Map<String, Value>) -> String {
    let reference = answer["content"]["application/json"]["schema"]["$ref"].as_str();
    let schema = reference.and_then(|path| components.get(path.rsplit('/').next()?));
    let about = schema.and_then(|schema| schema["description"].as_str()?.lines().next());
    about.unwrap_or(if status == "201" { "Made." } else { "Done." }).to_owned()
}

/// Replaces what the annotation says of refusals; a status that no code has stays as it says.
fn refuse(operation: &mut Value, refusals: answers::Refusals, components: &mut Value) {
    let responses = object(operation, "responses");
    responses.retain(|status, _| status.parse().is_ok_and(|status: u16| status < 400 || status == 416));
    for (status, codes) in refusals {
        let name = answers::name(status, &codes);
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        share(components, name, status, &codes);
    }
}

fn share(components: &mut Value, name: String, status: u16, codes: &[ErrorCode]) {
    let shared: &mut Map<String, Value> = object(components, "responses");
    shared.entry(name).or_insert_with(|| answers::response(status, codes));
}

/// A member that is a list, made if absent.
fn list<'v>(value: &'v mut Value, member: &str) -> &'v mut Vec<Value> {
    let member = &mut value[member];
    if !member.is_array() {
        *member = json!([]);
    }
    match member {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}

#[cfg(test)]
mod tests {
    use super::{pascal, spelled_id};

    #[test]
    fn names_are_made_of_words() {
        assert_eq!(spelled_id("post", "/v1/messages/{id}/read"), "undescribed_post_messages_id_read");
        assert_eq!(pascal("create_group"), "CreateGroup");
    }
}
