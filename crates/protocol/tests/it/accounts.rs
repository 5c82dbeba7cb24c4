//! Handles, e-mail addresses and account records.

use agentchat_protocol::agent::{Agent, AgentSettings, AgentStatus, PausedByOwner};
use agentchat_protocol::email::Email;
use agentchat_protocol::error::{ErrorBody, ErrorCode};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use proptest::prelude::*;

#[test]
fn a_handle_is_read_as_callers_write_it() {
    for (written, read) in [("build-bot", "build-bot"), ("@Build-Bot", "build-bot"), ("a1b", "a1b"), ("x-1-y", "x-1-y")]
    {
        assert_eq!(Handle::parse(written).unwrap().as_str(), read);
    }
    let longest = "a".repeat(30);
    assert_eq!(Handle::parse(&longest).unwrap().to_string(), longest);
}

#[test]
fn what_is_not_a_handle_is_refused() {
    let too_long = "a".repeat(31);
    for text in [
        "",
        "@",
        "ab",
        "@ab",
        "@@abc",
        "1abc",
        "-abc",
        "abc-",
        "a--b",
        "a_b",
        "a.b",
        " abc",
        "abc ",
        "abç",
        "\u{212a}ay",
        "ab\nc",
        too_long.as_str(),
    ] {
        assert!(Handle::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn every_line_of_the_reserved_list_is_reserved() {
    let list = include_str!("../../src/reserved-handles.txt");
    assert_eq!(list.lines().count(), 332);
    let mut registrable = 0;
    for line in list.lines() {
        // Some lines are too short to be handles at all.
        if let Ok(handle) = Handle::parse(line) {
            registrable += 1;
            assert!(handle.is_reserved(), "{line}");
        }
    }
    assert!(registrable > 300);
    assert!(Handle::parse("@ChatFather").unwrap().is_reserved());
    assert!(Handle::parse("blocked").unwrap().is_reserved());
    assert!(!Handle::parse("build-bot").unwrap().is_reserved());
}

#[test]
fn an_address_is_trimmed_and_lowercased_and_keeps_its_alias() {
    let email = Email::parse("  Ops+Bots@Example.COM ").unwrap();
    assert_eq!(email.as_str(), "ops+bots@example.com");
    assert_eq!(email.masked(), "o****@example.com");
    assert_eq!(format!("{email:?}"), "o****@example.com");
}

#[test]
fn what_is_not_an_address_is_refused() {
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long = format!("a@{}.com", "b".repeat(250));
    for text in [
        "",
        "ops",
        "@example.com",
        "ops@",
        "ops@example",
        "ops@@example.com",
        "a@b@c.com",
        "ops@.com",
        "ops@example.",
        "ops@example..com",
        "o ps@example.com",
        "ops\r\n@example.com",
        "<ops@example.com>",
        &long_local,
        &long,
    ] {
        assert!(Email::parse(text).is_err(), "{text:?}");
    }
    assert!(Email::parse(&format!("{}@example.com", "a".repeat(64))).is_ok());
}

#[test]
fn an_agents_record_has_every_field() {
    let agent = Agent {
        id: "agt_01KF0FV2E0FT7AAWNR6698NTR4".parse().unwrap(),
        handle: Handle::parse("build-bot").unwrap(),
        email: Email::parse("ops@example.com").unwrap(),
        display_name: None,
        description: None,
        avatar_url: None,
        status: AgentStatus::Active,
        paused_by_owner: PausedByOwner::None,
        settings: AgentSettings::default(),
        is_system: false,
        created_at: Timestamp::from_millis(1_768_469_400_000),
        updated_at: Timestamp::from_millis(1_768_469_400_000),
    };
    let text = serde_json::to_string(&agent).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"id":"agt_01KF0FV2E0FT7AAWNR6698NTR4","handle":"build-bot","email":"ops@example.com","display_name":null,"#,
            r#""description":null,"avatar_url":null,"status":"active","paused_by_owner":"none","#,
            r#""settings":{"inbox_mode":"open","group_invite_policy":"open"},"is_system":false,"#,
            r#""created_at":"2026-01-15T09:30:00.000Z","updated_at":"2026-01-15T09:30:00.000Z"}"#
        )
    );
    assert_eq!(serde_json::from_str::<Agent>(&text).unwrap(), agent);
}

#[test]
fn a_word_of_a_newer_server_is_kept() {
    let status: AgentStatus = serde_json::from_str("\"hibernating\"").unwrap();
    assert_eq!(status, AgentStatus::Unknown("hibernating".into()));
    assert_eq!(serde_json::to_string(&status).unwrap(), "\"hibernating\"");
    assert_eq!(AgentStatus::known("hibernating"), None);
    assert_eq!(AgentStatus::known("restricted"), Some(AgentStatus::Restricted));
}

#[test]
fn error_codes_are_their_words() {
    assert_eq!(ErrorCode::ALL.len(), 64);
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_str(code.as_str()), Some(*code));
        assert!((400..600).contains(&code.status()), "{code}");
    }
    assert_eq!(ErrorCode::AwaitingReply.status(), 403);
    assert_eq!(ErrorCode::from_str("EMAIL_TAKEN"), None);
}

#[test]
fn an_error_body_has_details_only_where_there_are_some() {
    let mut body = ErrorBody { code: ErrorCode::Blocked, message: "Blocked".into(), details: None };
    assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"code":"BLOCKED","message":"Blocked"}"#);
    body.details = Some(serde_json::json!({"limit": 5}));
    assert_eq!(
        serde_json::to_string(&body).unwrap(),
        r#"{"code":"BLOCKED","message":"Blocked","details":{"limit":5}}"#
    );
}

/// `^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$` read literally: words of letters and digits between hyphens.
fn is_handle(text: &str) -> bool {
    (3..=30).contains(&text.chars().count())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

proptest! {
    #[test]
    fn handles_are_exactly_what_the_contracts_pattern_says(text in "[a-c0-1-]{0,32}|\\PC{0,8}") {
        prop_assert_eq!(Handle::parse(&text).is_ok(), is_handle(&text.strip_prefix('@').unwrap_or(&text).to_ascii_lowercase()));
    }

    #[test]
    fn a_normalised_address_stays_as_it_is(text in "[ A-Za-z0-9.+@-]{0,40}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email);
        }
    }
}
