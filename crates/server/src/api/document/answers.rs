//! Which refusals an operation can answer: its own, and those that all operations of its kind share.

use std::collections::BTreeMap;

use agentchat_protocol::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::described::{Described, ERRORS};

/// Codes by status, in the order of the contract.
pub(super) type Refusals = BTreeMap<u16, Vec<ErrorCode>>;

/// What decides which refusals are shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Asks for an agent's key.
    pub(super) agent: bool,
    /// Asks for the operator's token.
    pub(super) operator: bool,
    /// Honours `Idempotency-Key` by keeping the answer.
    pub(super) idempotent: bool,
    /// Has something that can be invalid: a body or a query.
    pub(super) input: bool,
    /// Has a path with parameters, which can be spelled so that there is no such route.
    pub(super) segments: bool,
}

/// Everything an operation of this kind can refuse with.
pub(super) fn refusals(kind: Kind, described: &Described) -> Refusals {
    use ErrorCode::*;
    let mut codes = vec![PayloadTooLarge, InternalError, ServiceUnavailable];
    let mut when = |applies: bool, more: &[ErrorCode]| codes.extend(more.iter().filter(|_| applies));
    when(kind.agent, &[Unauthorized, RateLimited]);
    when(kind.agent && !described.passes_suspended, &[Suspended]);
    when(kind.idempotent, &[IdempotencyKeyInvalid, IdempotentInProgress, IdempotencyKeyConflict]);
    when(kind.operator, &[OpsAuthRequired]);
    when(kind.input, &[ValidationError]);
    when(kind.segments, &[NotFound]);
    when(!described.policies.is_empty(), &[RateLimited]);
    when(true, &described.errors);
    let mut refusals = by_status(&codes);
    if kind.operator {
        // No token is configured.
        refusals.entry(503).or_default().push(OpsAuthRequired);
    }
    refusals
}

fn by_status(codes: &[ErrorCode]) -> Refusals {
    let mut refusals = Refusals::new();
    for code in ErrorCode::ALL.iter().filter(|code| codes.contains(code)) {
        refusals.entry(code.status()).or_default().push(*code);
    }
    refusals
}

/// Under `components.responses`: operations that refuse alike share one.
pub(super) fn name(status: u16, codes: &[ErrorCode]) -> String {
    let words: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    format!("{status}.{}", words.join("."))
}

/// The answer of a status that stands for these codes.
pub(super) fn response(status: u16, codes: &[ErrorCode]) -> Value {
    let lines: Vec<_> = codes.iter().map(|code| format!("`{code}`: {}", code.when())).collect();
    let words: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let examples: Map<String, Value> = codes.iter().map(|code| (code.to_string(), example(*code))).collect();
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if status == 429 || status == 503 {
        headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
    }
    json!({
        "description": lines.join("\n\n"),
        "headers": headers,
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/ErrorBody", "properties": { "code": { "enum": words } } },
            "examples": examples,
        } },
    })
}

fn example(code: ErrorCode) -> Value {
    let mut body = json!({ "code": code });
    let told = ERRORS.get(code.as_str()).and_then(Value::as_object);
    for (member, value) in told.into_iter().flatten() {
        body[member] = value.clone();
    }
    json!({ "value": body })
}
