//! Conversations: the list, who takes part, what is known, hiding.

use crate::client::Client;
use crate::http::Call;
use crate::http::request::Request;
use crate::types::{Ack, ConversationContext, ConversationListItem, DirectContext, IntoHandle, Participant};

const CONVERSATIONS: &str = "/v1/conversations";

impl Client {
    /// The caller's conversations, the most recent first.
    pub fn list_conversations(&self) -> Call<'_, Vec<ConversationListItem>> {
        self.call(Request::get(CONVERSATIONS).parameters(&["limit", "offset"]))
    }

    /// The counterparty of a direct conversation, or all members of a group.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`, `GROUP_DELETED`.
    pub fn get_conversation_participants(&self, conversation: impl AsRef<str>) -> Call<'_, Vec<Participant>> {
        self.call(conversation_path(Request::get(CONVERSATIONS), conversation.as_ref()).literal("/participants"))
    }

    /// What is known about a conversation, without messages.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`, `GROUP_DELETED`.
    pub fn get_conversation_context(&self, conversation: impl AsRef<str>) -> Call<'_, ConversationContext> {
        self.call(conversation_path(Request::get(CONVERSATIONS), conversation.as_ref()).literal("/context"))
    }

    /// What is known about an agent before writing to it.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`.
    pub fn get_direct_conversation_context(&self, handle: impl IntoHandle) -> Call<'_, DirectContext> {
        self.call(Request::get("/v1/conversations/direct").handle(handle).literal("/context"))
    }

    /// Hides a conversation from the caller's list until something new is said in it.
    ///
    /// # Errors
    /// `CONVERSATION_NOT_FOUND`, `GROUP_DELETED`.
    pub fn hide_conversation(&self, conversation: impl AsRef<str>) -> Call<'_, Ack> {
        self.call(conversation_path(Request::delete(CONVERSATIONS), conversation.as_ref()))
    }
}

fn conversation_path(request: Request, conversation: &str) -> Request {
    request.segment("conversation_id", conversation)
}

impl Call<'_, Vec<ConversationListItem>> {
    /// At most so many, up to 200.
    pub fn limit(self, limit: u32) -> Self {
        self.query("limit", limit)
    }

    /// Skips so many.
    pub fn offset(self, offset: u64) -> Self {
        self.query("offset", offset)
    }
}
