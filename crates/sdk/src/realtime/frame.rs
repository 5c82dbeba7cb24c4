//! Reads frames and rows leniently: only what the machine needs is looked at (R13, R24).

use std::sync::Arc;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::machine::{DrainRow, Frame, Hello, Meta, Row};
use crate::json::{self, Key};
use crate::types::RawJson;

/// Reads a frame. None when it is not an object with a type.
pub(super) fn parse(text: &str) -> Option<Frame> {
    match members(text, &["type", "payload"]) {
        Some(found) => frame(text, found),
        None => {
            let repaired = json::tolerant(text.to_owned());
            frame(&repaired, members(&repaired, &["type", "payload"])?)
        }
    }
}

fn frame(text: &str, [kind, payload]: [Option<&RawValue>; 2]) -> Option<Frame> {
    let kind = string(kind?)?;
    match &*kind {
        "hello.ok" => Some(Frame::HelloOk(hello(text))),
        "message.new" => Some(Frame::Message(row(payload.unwrap_or(RawValue::NULL)))),
        _ => Some(Frame::Other { kind, raw: RawJson::new(text).ok()? }),
    }
}

fn hello(text: &str) -> Hello {
    let found = members(text, &["handle", "capabilities", "server_time"]).unwrap_or_default();
    let [handle, capabilities, server_time] = found;
    let text = |raw: Option<&RawValue>| raw.and_then(string).map(|text| text.to_string());
    let capabilities: Vec<serde_json::Value> =
        capabilities.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    Hello {
        handle: text(handle).unwrap_or_default(),
        ack_mode: capabilities.iter().any(|capability| capability == "ack"),
        server_time: text(server_time),
    }
}

/// A message with what is known of it.
fn row(payload: &RawValue) -> Row {
    let [id, conversation, seq, delivery_id] =
        members(payload.get(), &["id", "conversation_id", "seq", "delivery_id"]).unwrap_or_default();
    let meta = Meta {
        id: id.and_then(string).filter(|id| !id.is_empty()),
        conversation: conversation.and_then(string),
        seq: seq.and_then(position),
        delivery_id: delivery_id.and_then(string).filter(|id| !id.is_empty()),
    };
    Row { meta, body: payload.into() }
}

/// Where a message went that was sent over the socket.
pub(super) fn own_send(kind: &str, raw: &RawJson) -> Option<(Arc<str>, u64)> {
    if kind != "message.sent" {
        return None;
    }
    let [payload] = members(raw.as_str(), &["payload"])?;
    let [message] = members(payload?.get(), &["message"])?;
    let [conversation, seq] = members(message?.get(), &["conversation_id", "seq"])?;
    Some((conversation.and_then(string)?, seq.and_then(position)?))
}

/// Rows of a page of history; none when it is not an array.
pub(super) fn history(page: &RawJson) -> Option<Vec<Row>> {
    elements(page).map(|rows| rows.into_iter().map(row).collect())
}

/// Rows of a page of the backlog; none when it is not an array.
pub(super) fn backlog(page: &RawJson) -> Option<Vec<DrainRow>> {
    elements(page).map(|rows| rows.into_iter().map(drain_row).collect())
}

fn elements(page: &RawJson) -> Option<Vec<&RawValue>> {
    serde_json::from_str(page.as_str()).ok()
}

fn drain_row(raw: &RawValue) -> DrainRow {
    match fault(raw) {
        None => DrainRow::Valid(row(raw)),
        Some(reason) => DrainRow::Invalid { delivery_id: row(raw).meta.delivery_id, reason: reason.to_owned() },
    }
}

/// What makes a row unusable.
fn fault(raw: &RawValue) -> Option<&'static str> {
    const NAMES: [&str; 7] = ["id", "conversation_id", "delivery_id", "sender", "type", "created_at", "content"];
    let Some([id, conversation, delivery_id, sender, kind, created_at, content]) = members(raw.get(), &NAMES) else {
        return Some("it is not an object");
    };
    let is_text = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get().starts_with('"'));
    if !is_text(id) || id.and_then(string).is_none_or(|id| id.is_empty()) {
        return Some("its id is not a string");
    }
    if !is_text(conversation) {
        return Some("its conversation_id is not a string");
    }
    if !is_text(delivery_id) && delivery_id.is_none_or(|raw| raw.get() != "null") {
        return Some("its delivery_id is missing or not a string");
    }
    if [sender, kind, created_at].into_iter().flatten().any(|raw| !is_text(Some(raw))) {
        return Some("its sender, type or created_at is not a string");
    }
    content.filter(|raw| !raw.get().starts_with('{')).map(|_| "its content is not an object")
}

/// The named members of an object, undecoded; the last of equal names wins.
fn members<'a, const N: usize>(text: &'a str, names: &'static [&'static str; N]) -> Option<[Option<&'a RawValue>; N]> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = Pick(names).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(found)
}

struct Pick<const N: usize>(&'static [&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Pick<N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Pick<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let at = self.0.iter().position(|name| *name == key.as_str());
            match at.and_then(|at| found.get_mut(at)) {
                Some(slot) => *slot = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// The text of a JSON string.
fn string(raw: &RawValue) -> Option<Arc<str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return json::decode::<String>(raw.get()).ok().map(Arc::from);
    }
    Some(inner.into())
}

/// A position: a JSON integer from 0 within 63 bits.
fn position(raw: &RawValue) -> Option<u64> {
    let text = raw.get();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&seq: &u64| plain && i64::try_from(seq).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(payload: &str) -> Option<Meta> {
        match parse(&format!(r#"{{"type":"message.new","payload":{payload}}}"#))? {
            Frame::Message(row) => Some(row.meta),
            _ => None,
        }
    }

    fn is_dispatched(payload: &str) -> bool {
        meta(payload).is_some_and(|meta| meta.id.as_deref() == Some("c1") && meta.seq == Some(1))
    }

    #[test]
    fn d08_a_depth_does_not_matter() {
        let data = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(is_dispatched(&format!(r#"{{"id":"c1","conversation_id":"c","seq":1,"content":{{"data":{data}}}}}"#)));
    }

    #[test]
    fn d08_c_odd_values_do_not_matter() {
        let digits = "9".repeat(5000);
        for odd in [&*digits, "NaN", "-Infinity", "1e999", r#""\ud800""#, r#"{"a":1,"a":2}"#] {
            let payload = format!(r#"{{"id":"c1","conversation_id":"c","seq":1,"content":{{"data":{odd}}}}}"#);
            assert!(is_dispatched(&payload), "{}", odd.get(..20).unwrap_or(odd));
        }
        assert!(is_dispatched(r#"{"id":"c0","id":"c1","conversation_id":"c","seq":1}"#));
    }

    #[test]
    fn d22_b_frames_without_a_type_are_ignored() {
        for text in ["null", "5", "\"x\"", "[]", "{}", r#"{"type":5}"#, "", "{", r#"{"type":"x"} y"#] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn members_of_the_wrong_type_are_absent() {
        let found = meta(r#"{"id":5,"conversation_id":[],"seq":true,"delivery_id":{}}"#);
        assert_eq!(found, Some(Meta::default()));
        for seq in ["1.0", "-1", "9223372036854775808", "1e3", "null", "\"1\""] {
            assert_eq!(meta(&format!(r#"{{"seq":{seq}}}"#)), Some(Meta::default()), "{seq}");
        }
        assert_eq!(meta("5"), Some(Meta::default()));
    }

    #[test]
    fn d08_d_rows_are_checked_one_by_one() {
        let page = r#"[{"id":"c1","conversation_id":"c","delivery_id":"del_1","seq":1},{"id":5},
            {"id":"c3","conversation_id":"c","delivery_id":null},{"id":"c4","conversation_id":"c"},
            {"id":"c5","conversation_id":"c","delivery_id":"d","content":[]},7]"#;
        let rows = RawJson::new(page).ok().and_then(|page| backlog(&page)).unwrap_or_default();
        let valid: Vec<bool> = rows.iter().map(|row| matches!(row, DrainRow::Valid(_))).collect();
        assert_eq!(valid, [true, false, true, false, false, false]);
    }

    #[test]
    fn only_an_array_is_a_page() {
        for body in ["{}", "null", "5"] {
            assert!(RawJson::new(body).ok().and_then(|page| backlog(&page)).is_none());
        }
    }

    #[test]
    fn hello_is_read_from_the_top() {
        let text = r#"{"type":"hello.ok","handle":"bob","capabilities":["x","ack"],"server_time":"t"}"#;
        let Some(Frame::HelloOk(hello)) = parse(text) else { unreachable!() };
        assert_eq!((hello.handle.as_str(), hello.ack_mode, hello.server_time.as_deref()), ("bob", true, Some("t")));
        let Some(Frame::HelloOk(legacy)) = parse(r#"{"type":"hello.ok","capabilities":{"ack":1}}"#) else {
            unreachable!()
        };
        assert!(!legacy.ack_mode);
    }
}
