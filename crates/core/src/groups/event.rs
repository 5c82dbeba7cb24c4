//! What happens in a group, told as messages of the platform (wire.md §9.7).

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::{ContextConversation, Message, MessageContext, MessageStatus, MessageType};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AgentRow, GroupMessage, Membership};
use agentchat_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::Error;
use crate::messages::{Posted, deliveries, kind_number, sender_context};

/// One thing that happened in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupEvent {
    MemberJoined {
        agent: Handle,
    },
    MemberLeft {
        agent: Handle,
    },
    MemberRemoved {
        agent: Handle,
        actor: Handle,
    },
    /// Without an actor: by itself, because the last admin left.
    AdminPromoted {
        agent: Handle,
        actor: Option<Handle>,
    },
    AdminDemoted {
        agent: Handle,
        actor: Handle,
    },
    NameChanged {
        new_name: String,
        actor: Handle,
    },
    DescriptionChanged {
        actor: Handle,
    },
    AvatarChanged {
        actor: Handle,
    },
    GroupDeleted {
        actor: Handle,
    },
}

impl GroupEvent {
    /// The end is told to those who have muted the group or its sender, too; only fully paused agents are left in peace.
    fn insists(&self) -> bool {
        matches!(self, Self::GroupDeleted { .. })
    }

    fn content(&self) -> String {
        let (event, fields) = match self {
            Self::MemberJoined { agent } => ("member_joined", json!({ "agent_handle": agent })),
            Self::MemberLeft { agent } => ("member_left", json!({ "agent_handle": agent })),
            Self::MemberRemoved { agent, actor } => ("member_removed", about(agent, actor)),
            Self::AdminPromoted { agent, actor } => {
                ("admin_promoted", json!({ "agent_handle": agent, "actor_handle": actor }))
            }
            Self::AdminDemoted { agent, actor } => ("admin_demoted", about(agent, actor)),
            Self::NameChanged { new_name, actor } => {
                ("name_changed", json!({ "new_name": new_name, "actor_handle": actor }))
            }
            Self::DescriptionChanged { actor } => ("description_changed", json!({ "actor_handle": actor })),
            Self::AvatarChanged { actor } => ("avatar_changed", json!({ "actor_handle": actor })),
            Self::GroupDeleted { actor } => ("group_deleted", json!({ "actor_handle": actor })),
        };
        let mut data = json!({ "schema_version": 1, "event": event });
        if let (Value::Object(data), Value::Object(fields)) = (&mut data, fields) {
            data.extend(fields);
        }
        json!({ "data": data }).to_string()
    }
}

fn about(agent: &Handle, actor: &Handle) -> Value {
    json!({ "agent_handle": agent, "actor_handle": actor })
}

/// Stores what happened, with an envelope for every active member but `author`. The conversation and the inboxes of its
/// members are to be locked, and the change itself is to be made: the message says how many members there are now. Full
/// inboxes take it too: there are few of these, and whoever misses one would not know where it stands.
pub(crate) async fn post(
    tx: &mut Tx<'_>,
    group: ConversationId,
    author: AgentKey,
    event: &GroupEvent,
    message_id: MessageId,
    now: Timestamp,
) -> Result<Posted, Error> {
    let gone = || StoreError::Internal(format!("agent {} writes into a group it never was in", author.0));
    let row = tx.agent(author).await?.ok_or_else(gone)?;
    let seat = tx.membership(author, group).await?.ok_or_else(gone)?;
    let created_at = now.as_millis().max(seat.last_at.unwrap_or(0));
    let content = event.content();
    let client_msg_id = format!("sys_{message_id}");
    let stored = tx
        .store_group_message(&GroupMessage {
            id: &message_id.bytes(),
            conversation: seat.key,
            sender: author,
            kind: kind_number(&MessageType::System),
            created_at,
            client_msg_id: &client_msg_id,
            metadata: None,
            content: &content,
            mentions: None,
            trace: None,
            expires_at: None,
            insists: event.insists(),
            backlog_hard: i64::MAX,
            said: None,
        })
        .await?;
    let message = Written { id: message_id, client_msg_id, content, seq: stored.seq, created_at };
    Ok(Posted {
        sender: author,
        message: message.shown(group, row, &seat),
        conversation: seat.key,
        deliveries: deliveries(&stored),
    })
}

struct Written {
    id: MessageId,
    client_msg_id: String,
    content: String,
    seq: i64,
    created_at: i64,
}

impl Written {
    /// As its author sees it.
    fn shown(self, group: ConversationId, author: AgentRow, seat: &Membership) -> Message {
        let (name, members) = seat.group().map(|group| (group.name.clone(), group.members)).unwrap_or_default();
        Message {
            id: self.id,
            conversation_id: group,
            sender: author.handle.clone(),
            client_msg_id: self.client_msg_id,
            seq: self.seq,
            kind: MessageType::System,
            content: RawJson::from_checked(self.content),
            metadata: RawJson::empty_object(),
            context: MessageContext {
                sender: sender_context(author.handle, author.display_name, author.is_system),
                conversation: ContextConversation::group(name, members),
                mentions: Vec::new(),
                trace: None,
            },
            status: MessageStatus::Stored,
            created_at: Timestamp::from_millis(self.created_at),
            delivered_at: None,
            read_at: None,
            delivery_id: None,
            is_own: None,
            sender_handle: None,
            age_ms: None,
            redelivered: None,
            expires_at: None,
            expired: None,
        }
    }
}
