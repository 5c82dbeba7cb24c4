//! Avatars in answers. Operations say where an avatar is below the public base, which only the server knows: whatever
//! shows one passes through [`App::shown`] on its way out.

use agentchat_core::export::Beginning;
use agentchat_protocol::agent::{Agent, AgentProfile};
use agentchat_protocol::contact::{Contact, ContactPage};
use agentchat_protocol::conversation::{ConversationContext, ConversationListItem, DirectContext, Participant};
use agentchat_protocol::directory::DirectoryPage;
use agentchat_protocol::group::{GroupCreated, GroupDetail, GroupInvitation};
use agentchat_protocol::webhook::WebhookEvent;

use crate::app::App;

/// The folder of all avatars, below the public base.
const FOLDER: &str = "/avatars/";

/// Something that may say where an avatar is.
pub(crate) trait Shown {
    /// Puts the public base in front.
    fn put_below(&mut self, base: &str);
}

impl App {
    /// As clients see it: with addresses they can follow.
    pub(crate) fn shown<T: Shown>(&self, mut answer: T) -> T {
        answer.put_below(self.public_url());
        answer
    }

    /// The body of a webhook's call, of events whose data was written where the base is not known.
    pub(crate) fn shown_call(&self, event: &WebhookEvent, body: String) -> String {
        if *event != WebhookEvent::GroupInviteReceived {
            return body;
        }
        // A member's name and the beginning of its value: inside a text every quote has a backslash in front of it.
        let base = self.public_url();
        body.replacen(r#""group_avatar_url":"/"#, &format!(r#""group_avatar_url":"{base}/"#), 1)
    }
}

impl Shown for Option<String> {
    fn put_below(&mut self, base: &str) {
        // Addresses of elsewhere begin with https.
        if let Some(url) = self.as_mut().filter(|url| url.starts_with(FOLDER)) {
            url.insert_str(0, base);
        }
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn put_below(&mut self, base: &str) {
        self.iter_mut().for_each(|one| one.put_below(base));
    }
}

macro_rules! shown {
    ($($type:ty: $($field:ident),+;)+) => {$(
        impl Shown for $type {
            fn put_below(&mut self, base: &str) {
                $(self.$field.put_below(base);)+
            }
        }
    )+};
}

shown! {
    Agent: avatar_url;
    AgentProfile: avatar_url;
    Contact: avatar_url;
    ContactPage: contacts, items;
    Participant: avatar_url;
    ConversationListItem: participants, group_avatar_url;
    GroupDetail: avatar_url;
    GroupCreated: group;
    GroupInvitation: group_avatar_url;
    Beginning: agent, contacts;
}

impl Shown for DirectoryPage {
    fn put_below(&mut self, base: &str) {
        for entry in self.agents.iter_mut().chain(&mut self.items) {
            entry.profile.put_below(base);
        }
    }
}

impl Shown for ConversationContext {
    fn put_below(&mut self, base: &str) {
        if let Some(counterparty) = &mut self.counterparty {
            counterparty.put_below(base);
        }
    }
}

impl Shown for DirectContext {
    fn put_below(&mut self, base: &str) {
        self.counterparty.put_below(base);
        if let Some(conversation) = &mut self.conversation {
            conversation.put_below(base);
        }
    }
}
