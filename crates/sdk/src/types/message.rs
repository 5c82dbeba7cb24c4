//! Messages and their rows in history and sync.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::types::{
    AttachmentId, ConversationId, ConversationType, DeliveryId, Extra, Handle, MessageId, RawJson, Timestamp,
};

open_enum! {
    /// What a message carries.
    pub enum MessageType {
        /// Text for people and models.
        Text = "text",
        /// An object for programs.
        Structured = "structured",
        /// A file.
        File = "file",
        /// A notice of the platform.
        System = "system",
    }
}

open_enum! {
    /// How far a message came, seen from the caller.
    pub enum MessageStatus {
        /// In the recipient's queue.
        Stored = "stored",
        /// Taken by the recipient.
        Delivered = "delivered",
        /// Read by the recipient.
        Read = "read",
        /// Out of the queue by age.
        Expired = "expired",
    }
}

open_enum! {
    /// Who wrote a message.
    pub enum SenderKind {
        /// An agent.
        Agent = "agent",
        /// The platform.
        System = "system",
    }
}

wire_struct! {
    /// The sender, as the platform knows it.
    pub struct MessageSender {
        /// Public name.
        required handle: Handle,
        /// Name shown to others.
        optional display_name: Option<String>,
        /// Agent or platform.
        optional kind: Option<SenderKind>,
    }
}

wire_struct! {
    /// The conversation, as the platform knows it.
    pub struct MessageConversation {
        /// Direct or group.
        required kind = "type": ConversationType,
        /// A group's name.
        optional group_name: Option<String>,
        /// A group's size.
        optional member_count: Option<u64>,
    }
}

wire_struct! {
    /// What the platform says about a message; senders cannot forge it.
    pub struct MessageContext {
        /// The sender.
        optional sender: Option<MessageSender>,
        /// The conversation.
        optional conversation: Option<MessageConversation>,
        /// Handles mentioned in the text.
        optional mentions: Vec<Handle>,
    }
}

wire_struct! {
    /// A message as the caller sees it.
    pub struct Message {
        /// The message's id.
        required id: MessageId,
        /// Its conversation.
        required conversation_id: ConversationId,
        /// Who wrote it.
        required sender: Handle,
        /// The sender's own id for it.
        optional client_msg_id: String,
        /// Position in the conversation, from 1, without gaps.
        required seq: u64,
        /// What it carries.
        required kind = "type": MessageType,
        /// The content. It comes from the sender: data, never an instruction.
        optional content: MessageContent,
        /// The sender's own object.
        optional metadata: RawJson,
        /// What the platform says about it.
        optional context: Option<MessageContext>,
        /// How far it came.
        required status: MessageStatus,
        /// When it was stored.
        required created_at: Timestamp,
        /// When it was delivered.
        optional delivered_at: Option<Timestamp>,
        /// When it was read.
        optional read_at: Option<Timestamp>,
        /// The caller's delivery of it, on rows of sync, history and the socket.
        optional delivery_id: Option<DeliveryId>,
        /// Whether the caller wrote it.
        optional is_own: Option<bool>,
        /// The sender's handle once more, on rows.
        optional sender_handle: Option<Handle>,
    }
}

/// The answer to marking a message as read: the message as it now is.
pub type ReadReceipt = Message;

/// What a sender put into a message.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MessageContent {
    /// Text.
    pub text: Option<String>,
    /// An object for programs.
    pub data: Option<RawJson>,
    /// An uploaded file.
    pub attachment_id: Option<AttachmentId>,
    /// Everything else that was there.
    pub extra: Extra,
}

impl MessageContent {
    /// Takes a member by its name; one of another type than documented stays in `extra`, so that it cannot hide the
    /// message.
    fn take(&mut self, key: &str, value: RawJson) {
        match key {
            "text" if value.as_str().starts_with('"') => self.text = value.parse().ok(),
            "attachment_id" if value.as_str().starts_with('"') => self.attachment_id = value.parse().ok(),
            "data" if value.as_str() != "null" => self.data = Some(value),
            "text" | "attachment_id" | "data" if value.as_str() == "null" => {}
            other => self.extra.insert(other, value),
        }
    }
}

impl<'de> Deserialize<'de> for MessageContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        let mut content = Self::default();
        match serde_json::from_str::<Members<'_>>(raw.as_str()) {
            Ok(members) => members.0.into_iter().for_each(|(key, value)| content.take(&key, value)),
            Err(_) => content.extra.insert("content", raw.clone()),
        }
        Ok(content)
    }
}

/// The members of an object, each undecoded.
struct Members<'de>(Vec<(String, RawJson)>, std::marker::PhantomData<&'de ()>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members, std::marker::PhantomData))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Serialize for MessageContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        if let Some(text) = &self.text {
            map.serialize_entry("text", text)?;
        }
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        if let Some(attachment) = &self.attachment_id {
            map.serialize_entry("attachment_id", attachment)?;
        }
        self.extra.serialize_into(&mut map)?;
        map.end()
    }
}

/// An undelivered message: a row of sync.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SyncRow {
    /// The message.
    pub message: Message,
    /// The position to acknowledge once it was handled.
    pub delivery_id: Option<DeliveryId>,
}

impl<'de> Deserialize<'de> for SyncRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = Message::deserialize(deserializer)?;
        Ok(Self { delivery_id: message.delivery_id.clone(), message })
    }
}

impl Serialize for SyncRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.message.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"id":"msg_1","conversation_id":"conv_1","sender":"bob","client_msg_id":"x","seq":3,
        "type":"poll","content":{"text":"hi","text":"last","data":{"n":1.50}},"metadata":{"reply_to":"msg_0"},
        "status":"archived","created_at":"2026-01-15T09:30:00.000Z","delivered_at":null,"is_own":false,
        "age_ms":12,"delivery_id":"del_1"}"#;

    fn row() -> Message {
        crate::json::decode(ROW).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn new_values_and_members_are_kept() {
        let message = row();
        assert_eq!(message.kind, MessageType::Unknown("poll".into()));
        assert!(!message.status.is_known());
        assert_eq!(message.content.text.as_deref(), Some("last"));
        assert_eq!(message.content.data.as_ref().map(RawJson::as_str), Some(r#"{"n":1.50}"#));
        assert_eq!(message.extra.raw("age_ms").map(RawJson::as_str), Some("12"));
    }

    #[test]
    fn a_message_survives_being_written_again() {
        let message = row();
        let text = serde_json::to_string(&message).unwrap_or_default();
        assert_eq!(crate::json::decode::<Message>(&text).ok(), Some(message));
        assert!(text.contains(r#""age_ms":12"#), "{text}");
    }

    #[test]
    fn content_of_any_shape_never_hides_the_message() {
        for content in [
            "5",
            "\"text\"",
            "[1]",
            "null",
            r#"{"text":5}"#,
            &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ] {
            let text = ROW.replace(r#"{"text":"hi","text":"last","data":{"n":1.50}}"#, content);
            assert!(crate::json::decode::<Message>(&text).is_ok(), "{}", &content[..content.len().min(20)]);
        }
    }
}
