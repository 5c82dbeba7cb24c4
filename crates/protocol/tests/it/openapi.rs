//! The schemas that the server puts into its OpenAPI document.

use agentchat_protocol::conversation::ConversationListItem;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::message::{Message, MessageType};
use utoipa::{PartialSchema, ToSchema};

fn schema<T: ToSchema>() -> serde_json::Value {
    serde_json::to_value(T::schema()).unwrap()
}

#[test]
fn a_message_documents_every_member() {
    let message = schema::<Message>();
    let members = message["properties"].as_object().unwrap();
    assert_eq!(members.len(), 20);
    let required = message["required"].as_array().unwrap();
    assert!(required.contains(&"content".into()));
    assert!(!required.contains(&"delivery_id".into()));
    assert!(!required.contains(&"expired".into()));
}

#[test]
fn words_are_enumerated_without_the_open_end() {
    assert_eq!(schema::<MessageType>()["enum"], serde_json::json!(["text", "structured", "file", "system"]));
    let codes = serde_json::to_value(ErrorCode::schema()).unwrap();
    assert_eq!(codes["enum"].as_array().unwrap().len(), ErrorCode::ALL.len());
}

#[test]
fn list_items_name_their_type_as_the_wire_does() {
    assert!(schema::<ConversationListItem>()["properties"]["type"].is_object());
}
