//! `DELETE /v1/mutes/agent/{handle}` and `DELETE /v1/mutes/conversation/{id}`.

use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::named::{NamedTarget, not_muted};
use crate::Error;

/// Takes a mute back, in force or expired.
#[derive(Debug)]
pub struct RemoveMute {
    pub muter: AgentKey,
    pub target: NamedTarget,
}

impl Write for RemoveMute {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.muter]);
        let target = self.target.find(tx, self.muter).await?;
        if tx.remove_mute(self.muter, &target).await? { Ok(()) } else { Err(not_muted().into()) }
    }
}
