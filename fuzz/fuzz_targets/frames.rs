//! Frames of a client's socket: what is taken for one is JSON, and of the type that its last `type` says.
#![no_main]

use agentchat_protocol::frame::ClientFrame;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(frame) = ClientFrame::parse(data) else { return };
    assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok(), "accepted what is no JSON");
    // Deeper than serde_json goes, or a number beyond its range: no second opinion.
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let expected = match frame {
        ClientFrame::Hello(_) => "hello",
        ClientFrame::TypingStart { .. } => "typing.start",
        ClientFrame::TypingStop { .. } => "typing.stop",
        ClientFrame::PresenceUpdate(_) => "presence.update",
        ClientFrame::Ping => "ping",
        ClientFrame::Send(frame) => {
            let _ = frame.request(32_768);
            "message.send"
        }
        _ => return,
    };
    assert_eq!(value["type"], expected);
});
