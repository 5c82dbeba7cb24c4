//! Records, profiles, changes, the operator's view, deletion.

mod clearing;
mod deletion;
mod listing;
mod profile;

use agentchat_core::Error;
use agentchat_core::agents::{DeleteAgent, Deleted};
use agentchat_protocol::handle::Handle;
use agentchat_store::tables::Actor;

use crate::ground::Ground;

pub(crate) async fn delete(ground: &Ground, handle: &str) -> Result<Deleted, Error> {
    let handle = Handle::parse(handle).unwrap();
    let delete = DeleteAgent { handle, actor: Actor::Agent, event: ground.draw(), now: ground.now() };
    ground.store.write(delete).await
}
