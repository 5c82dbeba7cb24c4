//! Where what is there differs from what should be there.

use std::collections::BTreeMap;
use std::fmt::Write;

use agentchat_protocol::id::DeliveryId;
use serde_json::{Map, Value, json};

use super::expected::{Answer, Model, Refused};
use super::script::{NAMES, Who};
use super::system::System;

/// How many differences are told at the most.
const MOST: usize = 12;

/// Differences of two values, a line each; empty when they are the same.
pub(super) fn differences(what: &str, expected: &Value, actual: &Value) -> String {
    let mut found = Vec::new();
    compare(what.to_owned(), expected, actual, &mut found);
    let mut text = String::new();
    for line in found.iter().take(MOST) {
        let _infallible = writeln!(text, "    {line}");
    }
    if found.len() > MOST {
        let _infallible = writeln!(text, "    and {} more", found.len() - MOST);
    }
    text
}

fn compare(path: String, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(one), Value::Object(other)) => compare_objects(&path, one, other, found),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(format!("{path}[{index}]"), one, other, found);
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!("{path}: expected {expected}, found {actual}")),
    }
}

fn compare_objects(path: &str, one: &Map<String, Value>, other: &Map<String, Value>, found: &mut Vec<String>) {
    for (key, value) in one {
        match other.get(key) {
            Some(there) => compare(format!("{path}.{key}"), value, there, found),
            None => found.push(format!("{path}.{key}: expected {value}, is missing")),
        }
    }
    let more = other.iter().filter(|(key, _)| !one.contains_key(*key));
    found.extend(more.map(|(key, value)| format!("{path}.{key}: not expected, found {value}")));
}

/// Differences of two answers.
pub(super) fn answers(expected: &Answer, actual: &Answer) -> String {
    let shown = |answer: &Answer| match answer {
        Ok(body) => json!({ "body": body }),
        Err(Refused { code, .. }) if *code == "VALIDATION_ERROR" => json!({ "code": code }),
        Err(Refused { code, details }) => json!({ "code": code, "details": details }),
    };
    differences("answer", &shown(expected), &shown(actual))
}

/// The delivery ids that were shown: each stays what it is, none is anybody else's, and their positions ascend in the
/// order in which the model stored them.
#[derive(Debug, Default)]
pub(super) struct Places {
    positions: BTreeMap<Who, BTreeMap<u64, u64>>,
}

impl Places {
    /// Takes the delivery ids out of rows that `who` was shown, wherever they are, and holds them to that.
    pub(super) fn watch(
        &mut self,
        who: Who,
        shown: &mut Value,
        model: &Model,
        system: &mut System,
    ) -> Result<(), String> {
        match shown {
            Value::Array(rows) => rows.iter_mut().try_for_each(|row| self.watch(who, row, model, system)),
            Value::Object(row) => {
                if row.get("delivery_id").is_some_and(Value::is_string) {
                    self.note(who, row, model, system)?;
                    row.insert("delivery_id".to_owned(), json!("del_"));
                }
                row.values_mut().try_for_each(|value| self.watch(who, value, model, system))
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, who: Who, row: &Map<String, Value>, model: &Model, system: &mut System) -> Result<(), String> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let (message, name) = (text("id").to_owned(), NAMES[who]);
        let id: DeliveryId = text("delivery_id").parse().map_err(|error| format!("    {name}: {error}\n"))?;
        let place = model.place_of(who, &message).ok_or_else(|| format!("    {name} has {message}, not expected\n"))?;
        let position = system.position_of(who, &id).ok_or_else(|| format!("    {id} is not {name}'s own\n"))?;
        match system.deliveries.insert((who, message.clone()), id) {
            Some(before) if before == id => return Ok(()),
            Some(before) => return Err(format!("    {name}'s delivery of {message} was {before} and is {id}\n")),
            None => {}
        }
        let positions = self.positions.entry(who).or_default();
        positions.insert(place, position);
        let ascending = positions.values().zip(positions.values().skip(1)).all(|(one, next)| one < next);
        if ascending { Ok(()) } else { Err(format!("    {name}'s positions do not ascend: {positions:?}\n")) }
    }
}
