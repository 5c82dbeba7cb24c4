//! What agents think of each other, and what that does to their messages.

mod blocks;
mod edges;
mod reports;

use agentchat_core::Error;
use agentchat_core::contacts::{AddContact, BlockAgent, Blocked, ListContacts, ReportAgent, UnblockAgent};
use agentchat_core::enforcement::{CommunityRules, Occasion};
use agentchat_protocol::contact::{Contact, ContactPage};

use crate::world::{Agent, World};

impl World {
    pub(crate) fn occasion(&self) -> Occasion {
        Occasion { now: self.now(), event: self.id() }
    }

    pub(crate) async fn add_contact(&self, owner: &Agent, other: &Agent) -> Result<Contact, Error> {
        let handle = Some(other.handle.clone());
        self.store.write(AddContact { owner: owner.key, handle, now: self.now() }).await
    }

    pub(crate) async fn contacts(&self, owner: &Agent, limit: u64, offset: u64) -> ContactPage {
        self.store.read(ListContacts { owner: owner.key, limit, offset }).await.expect("a page")
    }

    pub(crate) fn block_of(&self, blocker: &Agent, other: &Agent, rules: CommunityRules) -> BlockAgent {
        let handle = Some(other.handle.clone());
        BlockAgent { blocker: blocker.key, handle, rules, occasion: self.occasion() }
    }

    pub(crate) async fn block(&self, blocker: &Agent, other: &Agent) -> Result<Blocked, Error> {
        self.store.write(self.block_of(blocker, other, CommunityRules::default())).await
    }

    pub(crate) async fn unblock(&self, blocker: &Agent, other: &Agent) -> Result<(), Error> {
        self.store.write(UnblockAgent { blocker: blocker.key, handle: Some(other.handle.clone()) }).await
    }

    pub(crate) async fn report(&self, reporter: &Agent, other: &Agent) -> Result<Blocked, Error> {
        let operation = ReportAgent {
            reporter: reporter.key,
            handle: Some(other.handle.clone()),
            reason: Some("spam".into()),
            rules: CommunityRules::default(),
            occasion: self.occasion(),
        };
        self.store.write(operation).await
    }
}
