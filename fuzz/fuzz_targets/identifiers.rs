//! Ids and cursors: what is read is spelled the same again, and a delivery id means something only to whom it was made for.
#![no_main]

use agentchat_protocol::delivery::{DeliveryKey, MAX_POSITION};
use agentchat_protocol::id::{AgentId, ConversationId, DeliveryId, InviteId, MessageId, WebhookDeliveryId, WebhookId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, [u8; 16], i64, u64, u32)| {
    let (text, bytes, agent, position, ms) = input;
    spelled::<AgentId>(text);
    spelled::<MessageId>(text);
    spelled::<ConversationId>(text);
    spelled::<InviteId>(text);
    spelled::<WebhookId>(text);
    spelled::<WebhookDeliveryId>(text);
    spelled::<DeliveryId>(text);
    assert_eq!(MessageId::from_bytes(bytes).to_string().parse(), Ok(MessageId::from_bytes(bytes)));
    assert_eq!(DeliveryId::from_bytes(bytes).to_string().parse(), Ok(DeliveryId::from_bytes(bytes)));

    let (key, other) = (DeliveryKey::new([1; 32]), DeliveryKey::new([2; 32]));
    let position = position & MAX_POSITION;
    let id = key.encode(agent, position, i64::from(ms));
    assert_eq!(key.decode(agent, &id), Some(position));
    // 34 bits of MAC: nobody finds a collision by chance in a run.
    assert_eq!(key.decode(agent ^ 1, &id), None);
    assert_eq!(other.decode(agent, &id), None);
    if let Some(found) = key.decode(agent, &DeliveryId::from_bytes(bytes)) {
        assert!(found <= MAX_POSITION);
    }
});

/// What can be read is printed as it was, so that there is one spelling.
fn spelled<T: std::str::FromStr + std::fmt::Display>(text: &str) {
    if let Ok(id) = text.parse::<T>() {
        assert_eq!(id.to_string(), text);
    }
}
