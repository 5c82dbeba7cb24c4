//! `GET /v1/conversations`.

use agentchat_protocol::conversation::ConversationListItem;
use agentchat_protocol::json::RawJson;
use agentchat_protocol::message::text_of;
use agentchat_protocol::preview;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Membership;
use agentchat_store::{Read, Tx};

use super::access::participant;
use super::context::unread;
use super::notify::notify_level;
use crate::Error;
use crate::messages::kind_of;

/// Asks for a page of the agent's conversations, latest activity first; hidden ones are left out until something
/// new is said in them.
#[derive(Debug, Clone, Copy)]
pub struct ListConversations {
    pub agent: AgentKey,
    pub limit: u64,
    pub offset: u64,
    pub now: Timestamp,
}

impl Read for ListConversations {
    type Out = Vec<ConversationListItem>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<ConversationListItem>, Error> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let found = tx.list_conversations(self.agent, number(self.limit), number(self.offset)).await?;
        let mut items = Vec::with_capacity(found.len());
        for conversation in &found {
            items.push(self.item(tx, conversation).await?);
        }
        Ok(items)
    }
}

impl ListConversations {
    pub(crate) async fn item(&self, tx: &mut Tx<'_>, conversation: &Membership) -> Result<ConversationListItem, Error> {
        let unread = unread(tx, self.agent, conversation).await?;
        let last = tx.newest_visible(self.agent, conversation.key, conversation.visible_after()).await?;
        let kind = last.as_ref().map(|row| kind_of(row.kind));
        let preview = last.as_ref().zip(kind.as_ref()).and_then(|(row, kind)| {
            preview::of(kind, text_of(&RawJson::from_checked(row.content.as_str())).as_deref())
        });
        let mut participants = Vec::new();
        if let Some(pair) = conversation.pair() {
            participants.push(participant(tx, pair.other).await?);
        }
        let group = conversation.group();
        let changed_at = conversation.updated_at.unwrap_or(conversation.created_at);
        Ok(ConversationListItem {
            id: conversation.id,
            kind: conversation.id.kind.into(),
            participants,
            group_name: group.map(|group| group.name.clone()),
            group_avatar_url: group.and_then(|group| group.avatar_url.clone()),
            group_member_count: group.map(|group| group.members),
            last_message_preview: preview,
            last_message_is_own: last.as_ref().is_some_and(|row| row.sender == self.agent),
            last_message_type: kind,
            last_message_at: last.as_ref().map(|row| Timestamp::from_millis(row.created_at)),
            updated_at: Timestamp::from_millis(conversation.last_at.unwrap_or(0).max(changed_at)),
            unread_count: unread.count,
            oldest_unread_seq: unread.oldest_seq,
            newest_unread_seq: unread.newest_seq,
            is_muted: self.is_muted(tx, conversation).await?,
            notify_level: notify_level(conversation.notify),
        })
    }

    async fn is_muted(&self, tx: &mut Tx<'_>, conversation: &Membership) -> Result<bool, Error> {
        let other = conversation.pair().map(|pair| pair.other);
        Ok(tx.is_muted(self.agent, other, conversation.key, self.now.as_millis()).await?)
    }
}
