//! What an application may write on the socket.

use serde_json::json;

use crate::types::{PresenceStatus, RawJson};

/// A frame of the client.
#[derive(Clone, Debug)]
pub struct ClientFrame(String);

impl ClientFrame {
    /// Tells the others that something is being composed.
    pub fn typing_start(conversation: impl AsRef<str>) -> Self {
        Self::of("typing.start", json!({"conversation_id": conversation.as_ref()}))
    }

    /// Tells the others that nothing is being composed any more.
    pub fn typing_stop(conversation: impl AsRef<str>) -> Self {
        Self::of("typing.stop", json!({"conversation_id": conversation.as_ref()}))
    }

    /// Moves the read cursor of a conversation.
    pub fn read_ack(conversation: impl AsRef<str>, through_seq: u64) -> Self {
        let payload = json!({"conversation_id": conversation.as_ref(), "through_seq": through_seq});
        Self::of("message.read_ack", payload)
    }

    /// Sets the own presence.
    pub fn presence(status: PresenceStatus, custom_message: Option<&str>) -> Self {
        let payload = match custom_message {
            Some(text) => json!({"status": status, "custom_message": text}),
            None => json!({"status": status}),
        };
        Self::of("presence.update", payload)
    }

    /// Any other frame, written as it is.
    pub fn raw(frame: RawJson) -> Self {
        Self(frame.as_str().to_owned())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn of(kind: &str, payload: serde_json::Value) -> Self {
        Self(json!({"type": kind, "payload": payload}).to_string())
    }
}
