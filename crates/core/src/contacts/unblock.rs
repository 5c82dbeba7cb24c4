//! `DELETE /v1/contacts/{handle}/block`.

use agentchat_protocol::handle::Handle;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::must_exist;
use crate::Error;

const NO_BLOCK: &str = "This agent is not blocked";

/// Takes a block back. It does not count any more; the other's status follows when it is looked at next.
#[derive(Debug)]
pub struct UnblockAgent {
    pub blocker: AgentKey,
    pub handle: Option<Handle>,
}

impl Write for UnblockAgent {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some(handle) = &self.handle else { return must_exist(false, NO_BLOCK) };
        tx.lock_attitudes(self.blocker, handle);
        must_exist(tx.remove_block(self.blocker, handle).await?, NO_BLOCK)
    }
}
