//! The scanner and the slow reading of the rules agree, on good bodies, on odd ones and on broken ones.

use agentchat_protocol::send::{SendError, SendRequest};
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::{self, Accepted, Outcome};

fn scanned(body: &[u8], limit: usize) -> Outcome {
    match SendRequest::parse(body, limit) {
        Err(SendError::Invalid(errors)) => {
            assert!(!errors.is_empty(), "an invalid request has complaints");
            Outcome::Invalid
        }
        Err(SendError::TooLarge { size, .. }) => Outcome::TooLarge(size),
        Ok(request) => Outcome::Accepted(Box::new(Accepted {
            to: request.to,
            conversation_id: request.conversation_id.map(|id| id.to_string()),
            client_msg_id: request.client_msg_id,
            kind: request.kind.to_string(),
            content: request.content.as_str().into(),
            metadata: request.metadata.map(|metadata| metadata.as_str().into()),
            text: request.text,
            attachment_id: request.attachment_id,
            size: request.size,
            hash: request.payload_hash.to_vec(),
            mentions: request.mentions.iter().map(|handle| handle.to_string()).collect(),
        })),
    }
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => select(vec![" ", "\n", "\t\r ", "  "])]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z@ .é😀-]{1,6}",
        2 => select(vec![r"\n", r#"\""#, r"\\", r"\/", r"\u0041", r"\u00E9", r"\ud83d\ude00", r"\uD834\uDD1E", r"\b\f\t\r", "\u{7f}"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn scalar() -> impl Strategy<Value = String> {
    let word = select(vec![
        "0",
        "-0",
        "1",
        "10",
        "1.0",
        "1.50",
        "-2e5",
        "1E+400",
        "0.1e-7",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
    ]);
    prop_oneof![word.prop_map(str::to_owned), string()]
}

/// Few keys, so that they meet again, some of them in disguise.
fn key() -> impl Strategy<Value = String> {
    let known =
        select(vec!["a", "b", r"\u0061", "é", r"\u00e9", "ab", "", "\u{ffff}", r"\ud83d\ude00", "text", "data"]);
    known.prop_map(|key| format!("\"{key}\""))
}

fn braced(open: char, close: char, parts: Vec<String>) -> String {
    format!("{open}{}{close}", parts.join(","))
}

fn member(key: impl Strategy<Value = String>, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (space(), key, space(), space(), value, space())
        .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"))
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(member(key(), value), 0..5).prop_map(|members| braced('{', '}', members))
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        let element = (space(), inner.clone(), space()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let list = prop::collection::vec(element, 0..4).prop_map(|items| braced('[', ']', items));
        prop_oneof![list, object(inner)]
    })
}

/// An object around the allowed depth.
fn deep() -> impl Strategy<Value = String> {
    (58usize..70).prop_map(|levels| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)))
}

fn payload() -> impl Strategy<Value = String> {
    prop_oneof![6 => object(value()), 1 => deep(), 1 => value()]
}

fn content() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        member(select(vec!["\"text\"", "\"attachment_id\"", r#""te\u0078t""#]).prop_map(str::to_owned), string()),
        member(Just("\"data\"".to_owned()), payload()),
        member(key(), value()),
    ];
    let object = prop::collection::vec(known, 0..5).prop_map(|members| braced('{', '}', members));
    prop_oneof![8 => object, 1 => value()]
}

fn body() -> impl Strategy<Value = String> {
    let named = |name: &'static str| Just(format!("\"{name}\""));
    let target = prop_oneof![
        6 => member(named("to"), string()),
        1 => member(named("conversation_id"), Just("\"grp_01KF0FV2EWF5WA0HM5ZD1QSCP7\"".to_owned())),
        1 => Just("\"to\":\"bob\",\"conversation_id\":null".to_owned()),
    ];
    let other = prop_oneof![
        2 => member(named("metadata"), payload()),
        2 => member(named("client_msg_id"), prop_oneof![3 => Just("\"m-1\"".to_owned()), 1 => string()]),
        1 => member(named("type"), select(vec!["\"text\"", "\"file\"", "\"structured\"", "\"system\"", "null"]).prop_map(str::to_owned)),
        1 => member(named("content"), content()),
        1 => member(key(), value()),
    ];
    let members = (target, member(named("content"), content()), prop::collection::vec(other, 0..4));
    (space(), members, any::<u64>(), space()).prop_map(|(before, (target, content, mut members), order, after)| {
        members.insert(order as usize % (members.len() + 1), content);
        members.insert((order >> 32) as usize % (members.len() + 1), target);
        format!("{before}{}{after}", braced('{', '}', members))
    })
}

/// A body with one byte changed, inserted or removed.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![select(br#"{}[]",:\u0e-. "#.to_vec()), any::<u8>()];
    (body(), any::<prop::sample::Index>(), byte, 0..3).prop_map(|(body, at, byte, how)| {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        match how {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => drop(body.remove(at)),
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn on_bodies_of_every_kind(body in body(), limit in prop_oneof![Just(32_768usize), 0usize..60]) {
        prop_assert_eq!(scanned(body.as_bytes(), limit), reference::read(body.as_bytes(), limit), "{}", body);
    }

    #[test]
    fn on_broken_bodies(body in broken()) {
        prop_assert_eq!(scanned(&body, 32_768), reference::read(&body, 32_768), "{}", String::from_utf8_lossy(&body));
    }

    #[test]
    fn what_was_accepted_is_read_again_as_it_is(body in body()) {
        if let Ok(request) = SendRequest::parse(body.as_bytes(), usize::MAX) {
            let content = request.content.as_str();
            let metadata = request.metadata.as_ref().map_or("null", |metadata| metadata.as_str());
            let again = format!(r#"{{"to":"bob","type":"{}","content":{content},"metadata":{metadata}}}"#, request.kind);
            let again = SendRequest::parse(again.as_bytes(), usize::MAX).unwrap();
            prop_assert_eq!(&again.content, &request.content);
            prop_assert_eq!(&again.metadata, &request.metadata);
            prop_assert_eq!(again.payload_hash, request.payload_hash);
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(content).is_ok());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn most_bodies_are_worth_comparing(bodies in prop::collection::vec(body(), 64)) {
        let accepted = bodies.iter().filter(|body| SendRequest::parse(body.as_bytes(), usize::MAX).is_ok()).count();
        prop_assert!(accepted > 5, "{accepted} of 64 accepted");
    }
}
