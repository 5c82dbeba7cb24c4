//! Message rows, mentions and previews.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::{Message, MessageStatus, MessageType};
use agentchat_protocol::{mentions, preview};
use proptest::prelude::*;

pub(crate) const ROW: &str = concat!(
    r#"{"id":"msg_01KF0FV2EEEHNV40B5XV4HWRT4","conversation_id":"conv_01KF0FV2ENFV1T8ZEF0PGKKP4N","sender":"alice","#,
    r#""client_msg_id":"7c1e4b0a-93f2","seq":7,"type":"text","content":{"text":"@bob ready?"},"metadata":{},"#,
    r#""context":{"sender":{"handle":"alice","display_name":"Alice","kind":"agent"},"#,
    r#""conversation":{"type":"direct","group_name":null,"member_count":null},"mentions":["bob"]},"#,
    r#""status":"stored","created_at":"2026-01-15T09:30:00.000Z","delivered_at":null,"read_at":null}"#
);

pub(crate) fn message() -> Message {
    serde_json::from_str(ROW).unwrap()
}

#[test]
fn a_plain_row_is_the_contracts() {
    assert_eq!(serde_json::to_string(&message()).unwrap(), ROW);
    assert_eq!(message().text().as_deref(), Some("@bob ready?"));
}

#[test]
fn a_live_row_adds_its_members_and_keeps_null_apart_from_absent() {
    let id = "del_019bc0fd89c375e3890289e2955dfaec".parse().unwrap();
    let received = serde_json::to_string(&message().as_row(false, Some(id))).unwrap();
    let added = r#","delivery_id":"del_019bc0fd89c375e3890289e2955dfaec","is_own":false,"sender_handle":"alice"}"#;
    assert_eq!(received, format!("{}{added}", ROW.trim_end_matches('}').to_owned()));
    let own = message().as_row(true, None);
    let text = serde_json::to_string(&own).unwrap();
    assert!(text.contains(r#""delivery_id":null,"is_own":true"#), "{text}");
    let read: Message = serde_json::from_str(&text).unwrap();
    assert_eq!(read, own);
    assert_eq!(read.delivery_id, Some(None));
    assert_eq!(message().delivery_id, None);
}

#[test]
fn raw_json_keeps_order_and_literals() {
    let text = r#"{"z":1.50,"a":1e400,"id":12345678901234567890123,"s":"\u00e9"}"#;
    let raw: RawJson = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&raw).unwrap(), text);
    assert_eq!(raw, RawJson::parse(text).unwrap());
    assert!(RawJson::parse("{} {}").is_err());
    assert!(serde_json::to_string(&RawJson::from_checked("{")).is_err());
}

#[test]
fn an_unknown_status_does_not_break_a_row() {
    let row: Message = serde_json::from_str(&ROW.replace("\"stored\"", "\"expired\"")).unwrap();
    assert_eq!(row.status, MessageStatus::Unknown("expired".into()));
}

fn found(text: &str) -> Vec<String> {
    mentions::find(text).iter().map(Handle::to_string).collect()
}

#[test]
fn mentions_follow_the_contract() {
    assert_eq!(found("@bob ready?"), ["bob"]);
    assert_eq!(found("(@Bob), @carol-x- and @bob"), ["bob", "carol-x"]);
    assert_eq!(found("é@bob"), ["bob"]);
    assert_eq!(found("@bob_x @bob.x"), ["bob"]);
    for none in ["", "mail a@bob.com", "x_@bob", "-@bob", ".@bob", "@@bob", "@ab", "@1bob", "@a--b", "bob", "@", "@é"]
    {
        assert!(found(none).is_empty(), "{none}");
    }
    assert!(found(&format!("@{}", "a".repeat(31))).is_empty());
    assert_eq!(found(&format!("@{}--", "a".repeat(30))).len(), 1);
}

#[test]
fn at_most_fifty_are_kept() {
    let text: String = (0..60).map(|n| format!("@bot{n} ")).collect();
    let kept = found(&text);
    assert_eq!(kept.len(), 50);
    assert_eq!(kept[49], "bot49");
}

/// The rule read literally, character by character.
fn found_slowly(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut kept: Vec<String> = Vec::new();
    for at in 0..chars.len() {
        let blocked = at > 0 && (chars[at - 1].is_ascii_alphanumeric() || "_.@-".contains(chars[at - 1]));
        if chars[at] != '@' || blocked {
            continue;
        }
        let run: String = chars[at + 1..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '-').collect();
        let name = run.trim_end_matches('-').to_lowercase();
        if Handle::parse(&name).is_ok() && !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept.truncate(50);
    kept
}

#[test]
fn previews_follow_the_contract() {
    let of = |kind, text| preview::of(&kind, text);
    assert_eq!(of(MessageType::Text, Some("  a \n\t b  ")).as_deref(), Some("a b"));
    assert_eq!(of(MessageType::Text, Some(" \n ")), None);
    assert_eq!(of(MessageType::Text, None), None);
    assert_eq!(of(MessageType::File, Some("x")).as_deref(), Some("Attachment"));
    assert_eq!(of(MessageType::Structured, None).as_deref(), Some("[structured]"));
    assert_eq!(of(MessageType::System, None).as_deref(), Some("System update"));
}

#[test]
fn a_long_preview_is_cut_at_139_and_an_ellipsis() {
    let fits = "é".repeat(140);
    assert_eq!(preview::of(&MessageType::Text, Some(&fits)), Some(fits));
    let cut = preview::of(&MessageType::Text, Some(&"é".repeat(141))).unwrap();
    assert_eq!(cut, format!("{}…", "é".repeat(139)));
}

proptest! {
    #[test]
    fn mentions_are_what_the_rule_says(text in "([@a-cA-C0-9_.é -]|@bob){0,60}") {
        prop_assert_eq!(found(&text), found_slowly(&text));
    }

    #[test]
    fn previews_are_what_the_rule_says(text in "[a-cé \n\u{a0}]{0,300}") {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown: String = if line.chars().count() > 140 {
            line.chars().take(139).chain(['…']).collect()
        } else {
            line
        };
        prop_assert_eq!(preview::of(&MessageType::Text, Some(&text)), Some(shown).filter(|shown| !shown.is_empty()));
    }
}
