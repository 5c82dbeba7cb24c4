//! Making stubs.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::Emptied;
use agentchat_store::{Tx, Write};

use super::Part;
use crate::Error;

/// Empties messages of one conversation. Those that are stubs already are passed over, and so is what waits for somebody.
/// They have to be out of the index of words before.
#[derive(Debug, Clone)]
pub struct EmptyMessages {
    pub part: Part,
    pub now: Timestamp,
}

impl Write for EmptyMessages {
    type Out = Emptied;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Emptied, Error> {
        Ok(tx.empty_messages(self.part.conversation, &self.part.messages, self.now.as_millis()).await?)
    }
}
