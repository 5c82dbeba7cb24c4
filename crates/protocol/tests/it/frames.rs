//! Frames of the socket.

use agentchat_protocol::error::{ErrorBody, ErrorCode};
use agentchat_protocol::frame::{
    ClientFrame, FrameError, FrameFailure, Hello, HelloOk, MessageRead, MessageSent, Pong, PresenceUpdate,
    RateLimitWarning, ServerFrame, Typing, close,
};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::{LiveFrame, Message, MessageFrameParts};
use agentchat_protocol::presence::{PresenceChanged, PresenceStatus};
use agentchat_protocol::timestamp::Timestamp;
use proptest::prelude::*;

use crate::messages::{ROW, message};

const MESSAGE: &str = "msg_01KF0FV2EEEHNV40B5XV4HWRT4";
const CONVERSATION: &str = "conv_01KF0FV2ENFV1T8ZEF0PGKKP4N";
const MOMENT: Timestamp = Timestamp::from_millis(1_768_469_400_000);

#[test]
fn a_hello_may_be_flat_or_nested() {
    let expected = Hello {
        api_key: "ac_live_x".into(),
        capabilities: vec!["ack".into(), "teleport".into()],
        client: Some("python_sdk".into()),
        client_version: Some("1.1.1".into()),
    };
    let flat = r#"{"type":"hello","api_key":"ac_live_x","capabilities":["ack",5,"teleport"],"client":"python_sdk","client_version":"1.1.1","x":1}"#;
    assert_eq!(ClientFrame::parse(flat), Ok(ClientFrame::Hello(expected.clone())));
    let nested = r#"{"type":"hello","client":"python_sdk","payload":{"api_key":"ac_live_x","client":"other","capabilities":["ack","teleport"],"client_version":"1.1.1"}}"#;
    assert_eq!(ClientFrame::parse(nested.as_bytes()), Ok(ClientFrame::Hello(expected.clone())));
    assert!(!format!("{expected:?}").contains("ac_live_x"));
}

#[test]
fn what_is_no_hello_is_told_apart() {
    assert_eq!(ClientFrame::parse(r#"{"type":"hello"}"#), Err(FrameError::Member("api_key")));
    assert_eq!(ClientFrame::parse(r#"{"type":"hello","api_key":5}"#), Err(FrameError::Member("api_key")));
    for text in ["", "hello", "null", "5", "[]", "\"x\"", "{\"type\":\"hello\"", "\u{0}"] {
        assert_eq!(ClientFrame::parse(text), Err(FrameError::NotAnObject), "{text}");
    }
    for text in ["{}", r#"{"type":5}"#, r#"{"type":"dance"}"#, r#"{"payload":{"type":"ping"}}"#] {
        assert_eq!(ClientFrame::parse(text), Err(FrameError::UnknownType), "{text}");
    }
}

#[test]
fn an_ack_names_one_message_or_many() {
    let one = format!(r#"{{"type":"ack","message_id":"{MESSAGE}"}}"#);
    let acked = ClientFrame::Ack { message_ids: vec![MESSAGE.parse().unwrap()] };
    assert_eq!(ClientFrame::parse(&one), Ok(acked.clone()));
    let many = format!(r#"{{"type":"ack","payload":{{"message_ids":["nonsense","{MESSAGE}",5]}}}}"#);
    assert_eq!(ClientFrame::parse(&many), Ok(acked));
    let list = |count: usize| {
        format!(r#"{{"type":"ack","message_ids":[{}]}}"#, vec![format!("\"{MESSAGE}\""); count].join(","))
    };
    assert!(ClientFrame::parse(&list(500)).is_ok());
    assert_eq!(ClientFrame::parse(&list(501)), Err(FrameError::Member("message_ids")));
    assert!(ClientFrame::parse(r#"{"type":"ack"}"#).is_err());
}

#[test]
fn the_other_client_frames_are_read() {
    let conversation_id = CONVERSATION.parse().unwrap();
    let with = |rest: &str| format!(r#"{{"type":{rest},"conversation_id":"{CONVERSATION}"}}"#);
    assert_eq!(
        ClientFrame::parse(&with(r#""message.read_ack","through_seq":7"#)),
        Ok(ClientFrame::ReadAck { conversation_id, through_seq: 7 })
    );
    assert!(ClientFrame::parse(&with(r#""message.read_ack","through_seq":-1"#)).is_err());
    assert!(ClientFrame::parse(&with(r#""message.read_ack","through_seq":"7""#)).is_err());
    assert_eq!(ClientFrame::parse(&with(r#""typing.start""#)), Ok(ClientFrame::TypingStart { conversation_id }));
    assert_eq!(ClientFrame::parse(&with(r#""typing.stop""#)), Ok(ClientFrame::TypingStop { conversation_id }));
    assert!(ClientFrame::parse(r#"{"type":"typing.start","conversation_id":"conv_x"}"#).is_err());
    let presence = PresenceUpdate { status: "busy".into(), custom_message: None };
    assert_eq!(
        ClientFrame::parse(r#"{"type":"presence.update","payload":{"status":"busy","custom_message":null}}"#),
        Ok(ClientFrame::PresenceUpdate(presence))
    );
    assert_eq!(ClientFrame::parse(r#" {"type":"ping"} "#), Ok(ClientFrame::Ping));
}

#[test]
fn a_send_frame_is_read_when_it_is_its_turn() {
    let text = r#"{"type":"message.send","payload":{"request_id":"r1","to":"bob","client_msg_id":"m","content":{"text":"x"}}}"#;
    let Ok(ClientFrame::Send(send)) = ClientFrame::parse(text) else { panic!("a send") };
    assert_eq!(send.request_id.as_deref(), Some("r1"));
    assert_eq!(send.request(99).unwrap().to.as_deref(), Some("bob"));
    let Ok(ClientFrame::Send(send)) = ClientFrame::parse(r#"{"type":"message.send","request_id":""}"#) else {
        panic!("a send")
    };
    assert_eq!(send.request_id, None);
    assert!(send.request(99).is_err());
}

fn round_trip(frame: ServerFrame, text: &str) {
    assert_eq!(frame.to_text().unwrap(), text);
    assert_eq!(ServerFrame::parse(text).unwrap(), frame);
}

#[test]
fn server_frames_are_the_contracts() {
    let hello = HelloOk {
        handle: Handle::parse("alice").unwrap(),
        capabilities: vec!["ack".into()],
        server_time: MOMENT,
        heartbeat_interval_ms: 30_000,
    };
    round_trip(
        ServerFrame::HelloOk(hello),
        r#"{"type":"hello.ok","handle":"alice","capabilities":["ack"],"server_time":"2026-01-15T09:30:00.000Z","heartbeat_interval_ms":30000}"#,
    );
    round_trip(
        ServerFrame::Pong(Pong { server_time: MOMENT }),
        r#"{"type":"pong","payload":{"server_time":"2026-01-15T09:30:00.000Z"}}"#,
    );
    let read = MessageRead::new(
        MESSAGE.parse().unwrap(),
        CONVERSATION.parse().unwrap(),
        7,
        Handle::parse("bob").unwrap(),
        MOMENT,
    );
    round_trip(
        ServerFrame::MessageRead(read),
        &format!(
            r#"{{"type":"message.read","payload":{{"message_id":"{MESSAGE}","conversation_id":"{CONVERSATION}","seq":7,"read_by":"bob","read_at":"{MOMENT}","through_seq":7,"reader":"bob","at":"{MOMENT}"}}}}"#
        ),
    );
    let warning = RateLimitWarning {
        endpoint: "POST /v1/messages".into(),
        limit: 60,
        remaining: 11,
        reset_at: MOMENT.plus_millis(1000),
        message: "send budget below 20%".into(),
    };
    round_trip(
        ServerFrame::RateLimitWarning(warning),
        r#"{"type":"rate_limit.warning","payload":{"endpoint":"POST /v1/messages","limit":60,"remaining":11,"reset_at":"2026-01-15T09:30:01.000Z","message":"send budget below 20%"}}"#,
    );
}

#[test]
fn answers_to_sends_are_the_contracts() {
    let sent = MessageSent {
        request_id: "r1".into(),
        replay: false,
        message: message(),
        skipped_recipients: vec![],
        backlog_warning: None,
    };
    round_trip(
        ServerFrame::MessageSent(Box::new(sent)),
        &format!(
            r#"{{"type":"message.sent","payload":{{"request_id":"r1","replay":false,"message":{ROW},"skipped_recipients":[],"backlog_warning":null}}}}"#
        ),
    );
    let body = ErrorBody { code: ErrorCode::AwaitingReply, message: "bob has not replied yet".into(), details: None };
    round_trip(
        ServerFrame::Error(FrameFailure::new(Some("r1".into()), body)),
        r#"{"type":"error","payload":{"request_id":"r1","code":"AWAITING_REPLY","message":"bob has not replied yet"}}"#,
    );
}

#[test]
fn agents_hear_of_each_other() {
    let bob = Handle::parse("bob").unwrap();
    let typing = Typing { conversation_id: message().conversation_id, sender: bob.clone() };
    let payload = serde_json::to_string(&typing).unwrap();
    round_trip(ServerFrame::TypingStart(typing.clone()), &format!(r#"{{"type":"typing.start","payload":{payload}}}"#));
    round_trip(ServerFrame::TypingStop(typing), &format!(r#"{{"type":"typing.stop","payload":{payload}}}"#));
    let changed = PresenceChanged { handle: bob, status: PresenceStatus::Busy, custom_message: Some("batch".into()) };
    round_trip(
        ServerFrame::PresenceUpdate(changed),
        r#"{"type":"presence.update","payload":{"handle":"bob","status":"busy","custom_message":"batch"}}"#,
    );
}

#[test]
fn an_event_of_a_newer_server_is_kept_and_nonsense_is_told() {
    let unknown =
        ServerFrame::Unknown { kind: "aurora.seen".into(), payload: RawJson::parse(r#"{"x":1.50}"#).unwrap() };
    round_trip(unknown, r#"{"type":"aurora.seen","payload":{"x":1.50}}"#);
    assert_eq!(ServerFrame::parse(r#"{"type":"x"}"#).unwrap().kind(), "x");
    for text in ["null", "5", "\"x\"", "[]", "{}", r#"{"type":5}"#, r#"{"type":"message.new","payload":{}}"#] {
        assert!(ServerFrame::parse(text).is_err(), "{text}");
    }
}

fn parts(message: &Message) -> MessageFrameParts<'_> {
    MessageFrameParts {
        id: message.id,
        conversation_id: message.conversation_id,
        sender: &message.sender,
        client_msg_id: &message.client_msg_id,
        seq: message.seq,
        kind: &message.kind,
        content: &message.content,
        metadata: &message.metadata,
        context: &message.context,
        created_at: message.created_at,
        expires_at: message.expires_at,
    }
}

#[test]
fn a_live_frame_has_the_id_between_its_halves() {
    let message = message();
    let live = LiveFrame::render(&parts(&message));
    assert!(live.head.ends_with(r#","delivered_at":null,"read_at":null,"delivery_id":""#));
    assert_eq!(&*live.tail, r#"","is_own":false,"sender_handle":"alice"}}"#);
}

#[test]
fn closes_fit_their_frame_and_final_ones_are_known() {
    assert_eq!(close::retry_after(0).reason, "retry after 1s");
    assert!(close::retry_after(u64::MAX).reason.len() <= 123);
    assert!(close::is_final(close::INVALID_API_KEY.code));
    assert!(close::is_final(close::API_KEY_ROTATED.code));
    assert!(!close::is_final(close::HELLO_REQUIRED.code));
    assert!(!close::is_final(close::RETRY_AFTER_CODE));
}

proptest! {
    #[test]
    fn a_live_frame_says_what_the_row_says(
        client_msg_id in "\\PC{1,20}", name in prop::option::of("\\PC{1,20}"), seq in 1i64..1 << 53, delivery: [u8; 16],
        expires_at in prop::option::of(0i64..1 << 42),
    ) {
        let mut message = message();
        message.expires_at = expires_at.map(Timestamp::from_millis);
        message.client_msg_id = client_msg_id;
        message.context.sender.display_name = name;
        message.seq = seq;
        let id = agentchat_protocol::id::DeliveryId::from_bytes(delivery);
        let live = LiveFrame::render(&parts(&message));
        let text = live.for_recipient(id);
        prop_assert_eq!(text.len(), live.len());
        let row = message.as_row(false, Some(id));
        prop_assert_eq!(ServerFrame::MessageNew(Box::new(row)).to_text().unwrap(), text);
    }

    #[test]
    fn no_client_frame_upsets_the_reader(frame: Vec<u8>) {
        let _ = ClientFrame::parse(&frame);
    }
}
