//! Where a message goes: a handle, `conv_…` or `grp_…`.

use agentchat::{Client, ConversationId};

use crate::failure::Failure;

/// What was typed as a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Handle(String),
    Conversation(String),
}

impl Target {
    pub(super) fn parse(text: &str) -> Self {
        if text.starts_with("conv_") || text.starts_with("grp_") {
            return Self::Conversation(text.to_owned());
        }
        Self::Handle(text.trim_start_matches('@').to_lowercase())
    }

    /// The conversation; a handle's is asked for.
    pub(super) async fn conversation(self, client: &Client) -> Result<ConversationId, Failure> {
        let handle = match self {
            Self::Conversation(id) => return Ok(ConversationId::from(id)),
            Self::Handle(handle) => handle,
        };
        let context = client.get_direct_conversation_context(handle.as_str()).await?;
        let conversation = context.conversation.ok_or_else(|| {
            Failure::failed(format!("there is no conversation with @{handle} yet"))
                .hint(format!("`agentchat send {handle} TEXT` begins one"))
        })?;
        Ok(conversation.conversation_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_handles_are_told_apart() {
        assert_eq!(Target::parse("@Bob"), Target::Handle("bob".into()));
        assert_eq!(Target::parse("conv_1"), Target::Conversation("conv_1".into()));
        assert_eq!(Target::parse("grp_1"), Target::Conversation("grp_1".into()));
    }
}
