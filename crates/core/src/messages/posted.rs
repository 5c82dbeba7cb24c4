//! A message that the platform wrote into a conversation, on its way to those who listen.

use agentchat_protocol::message::Message;
use agentchat_store::key::{AgentKey, ConversationKey};

use super::Delivery;

/// A stored message and who has it waiting.
#[derive(Debug, Clone)]
pub struct Posted {
    pub sender: AgentKey,
    /// The sender's view.
    pub message: Message,
    pub conversation: ConversationKey,
    pub deliveries: Vec<Delivery>,
}
