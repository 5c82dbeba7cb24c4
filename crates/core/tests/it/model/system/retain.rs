//! Emptying old messages, a small page after the other.

use agentchat_core::Error;
use agentchat_core::jobs::Claim;
use agentchat_core::retention::{AdvanceRun, ClaimRun, EmptyMessages, EndRun, LookForOld, Looked};
use agentchat_protocol::id::MessageId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, MessageKey};
use agentchat_store::{Read, Tx};

use super::System;
use crate::model::script::Turn;

const NODE: [u8; 16] = [8; 16];

impl System {
    /// A run over everything that is older than `before`; answers what it emptied. Some runs end in the middle.
    pub(crate) async fn retain(&self, before: i64, cut_short: bool, turn: &Turn) -> Vec<MessageId> {
        let claim = Claim { node: NODE, now: turn.at(), lease_ms: -1 };
        let through = self.place.store.write(ClaimRun(claim)).await.expect("a claim").expect("a run that is due");
        let before = Timestamp::from_millis(before);
        let again = LookForOld { after: MessageKey(0), before, again: true, limit: 3, rows: 4 };
        let mut emptied = self.walk(again, false, turn).await;
        let fresh = LookForOld { after: through, again: false, ..again };
        if cut_short {
            // What a crash before the page was noted leaves; the next run finds it done.
            emptied.extend(self.walk(fresh, true, turn).await);
        }
        emptied.extend(self.walk(fresh, false, turn).await);
        let end = EndRun { node: NODE, now: turn.at(), next_at: turn.at() };
        self.place.store.write(end).await.expect("the end");
        emptied
    }

    async fn walk(&self, mut look: LookForOld, first_only: bool, turn: &Turn) -> Vec<MessageId> {
        let claim = Claim { node: NODE, now: turn.at(), lease_ms: -1 };
        let mut emptied = Vec::new();
        loop {
            let Looked { parts, waiting, through } = self.place.store.read(look).await.expect("a page");
            let Some(through) = through else { return emptied };
            for part in parts {
                let messages = part.messages.clone();
                let done = self.place.store.write(EmptyMessages { part, now: turn.at() }).await.expect("emptied");
                assert_eq!(done.messages, messages.len() as i64, "nobody else empties");
                emptied.extend(self.place.store.read(Stubs(messages)).await.expect("stubs"));
            }
            if first_only {
                return emptied;
            }
            let reached = if look.again { MessageKey(0) } else { through };
            let advance = AdvanceRun { claim, through: reached, waiting };
            assert!(self.place.store.write(advance).await.expect("advanced"), "nobody else works");
            look.after = through;
        }
    }
}

struct Stubs(Vec<MessageKey>);

impl Read for Stubs {
    type Out = Vec<MessageId>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<MessageId>, Error> {
        let mut ids = Vec::new();
        for key in &self.0 {
            let row = tx.message(AgentKey(0), *key, 0).await?.expect("a message");
            assert_eq!((row.content.as_str(), row.metadata, row.mentions), ("", None, None));
            ids.push(MessageId::from_bytes(row.id));
        }
        Ok(ids)
    }
}
