//! Completes schemas: what is always there is required, what may be left out of a request may be null, and everything has an example.

use serde_json::{Map, Value, json};

use super::described::VALUES;

/// Members of answers that are left out where there is nothing to say. All others are always there, null if unset.
const LEFT_OUT: [(&str, &[&str]); 7] = [
    ("AddMemberResult", &["invite_id"]),
    ("Checks", &["bus"]),
    ("ErrorBody", &["details"]),
    ("Message", &["delivery_id", "is_own", "sender_handle", "age_ms", "redelivered", "expires_at", "expired"]),
    ("MessageContext", &["trace"]),
    ("Node", &["bus"]),
    ("TraceContext", &["tracestate"]),
];

/// Makes every member of an answer's schema required but those that are left out.
pub(super) fn require_members(name: &str, schema: &mut Value) {
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require_members(name, part);
    }
    let left_out = LEFT_OUT.iter().find(|(owner, _)| *owner == name).map_or(&[][..], |(_, members)| members);
    // `SentBody` says so itself: its member is a list that is never empty.
    let optional = |member: &str| left_out.contains(&member) || member == "skipped_recipients";
    let members = schema.get("properties").and_then(Value::as_object);
    let required: Option<Vec<_>> =
        members.map(|members| members.keys().filter(|member| !optional(member)).cloned().collect());
    if let Some(required) = required.filter(|required| !required.is_empty()) {
        schema["required"] = json!(required);
    }
}

/// Lets every member of a request's schema that is not required be null, which is the same as leaving it out.
pub(super) fn allow_null(schema: &mut Value) {
    let required = schema.get("required").cloned().unwrap_or(json!([]));
    let is_required = |member: &str| required.as_array().is_some_and(|names| names.iter().any(|name| name == member));
    let members = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, member) in members.into_iter().flatten() {
        allow_null(member);
        if !is_required(name) {
            or_null(member);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        allow_null(items);
    }
}

fn or_null(schema: &mut Value) {
    if schema.get("$ref").is_some() {
        *schema = json!({ "oneOf": [schema.take(), { "type": "null" }] });
        return;
    }
    if let Some(kind @ Value::String(_)) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}

/// A value that a schema describes, put together from what its parts look like.
pub(super) fn example(schema: &Value, components: &Map<String, Value>) -> Value {
    if let Some(given) = schema.get("examples").and_then(|examples| examples.get(0)).or(schema.get("example")) {
        return given.clone();
    }
    if let Some(named) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return components.get(named).map_or(Value::Null, |schema| example(schema, components));
    }
    if let Some(word) = schema.get("enum").and_then(|words| words.get(0)).or(schema.get("default")) {
        return word.clone();
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return together(parts, components);
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return choice.map_or(Value::Null, |choice| example(choice, components));
    }
    plain(schema, components)
}

fn together(parts: &[Value], components: &Map<String, Value>) -> Value {
    let examples = parts.iter().map(|part| example(part, components));
    let members = examples.filter_map(|part| part.as_object().cloned()).flatten();
    Value::Object(members.collect())
}

fn plain(schema: &Value, components: &Map<String, Value>) -> Value {
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let member = |(name, schema): (&String, &Value)| (name.clone(), member(name, schema, components));
    match kinds.first().copied() {
        Some("object") => {
            let members = schema.get("properties").and_then(Value::as_object);
            Value::Object(members.into_iter().flatten().map(member).collect())
        }
        Some("array") => json!([example(&schema["items"], components)]),
        Some("integer") => json!(1),
        Some("number") => json!(0.5),
        Some("boolean") => json!(true),
        Some("string") => json!("text"),
        _ => Value::Null,
    }
}

/// A member looks like all of its name do, unless its schema knows better.
fn member(name: &str, schema: &Value, components: &Map<String, Value>) -> Value {
    match VALUES.get(name) {
        Some(value) if fits(value, schema) => value.clone(),
        _ => example(schema, components),
    }
}

/// Whether a value has a type that a schema allows on its face.
fn fits(value: &Value, schema: &Value) -> bool {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allows = |schema: &Value| match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => false,
    };
    let named = schema.get("$ref").and_then(Value::as_str);
    let text = named.is_some_and(|path| path.ends_with("/Handle") || path.ends_with("/Email"));
    let free = named.is_some_and(|path| path.ends_with("/FreeFormObject"));
    let choice =
        schema.get("oneOf").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| fits(value, one)));
    allows(schema) || choice || (text && kind == "string") || (free && kind == "object")
}
