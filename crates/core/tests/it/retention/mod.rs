//! Emptying old messages: who does it, what goes with them. What agents see then, the model knows.

mod attachments;
mod runs;

use agentchat_core::jobs::Claim;
use agentchat_core::retention::{
    AdvanceRun, ClaimRun, Emptied, EmptyMessages, EndRun, LookForOld, Looked, ShowRetention,
};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::MessageKey;

use crate::world::World;

const NODE: [u8; 16] = [1; 16];
const LEASE: i64 = 30_000;

impl World {
    fn run_claim(&self, node: [u8; 16]) -> Claim {
        Claim { node, now: self.now(), lease_ms: LEASE }
    }

    /// A run over all that is older than `before`; what it emptied.
    async fn retain(&self, before: Timestamp) -> Emptied {
        let through =
            self.store.write(ClaimRun(self.run_claim(NODE))).await.expect("a claim").expect("a run that is due");
        let again = LookForOld { after: MessageKey(0), before, again: true, limit: 2, rows: 3 };
        for mut look in [again, LookForOld { after: through, again: false, ..again }] {
            while let Looked { parts, waiting, through: Some(through) } = self.store.read(look).await.expect("a page") {
                for part in parts {
                    self.store.write(EmptyMessages { part, now: self.now() }).await.expect("emptied");
                }
                let through = if look.again { look.after.max(through) } else { through };
                let reached = if look.again { MessageKey(0) } else { through };
                let advance = AdvanceRun { claim: self.run_claim(NODE), through: reached, waiting };
                assert!(self.store.write(advance).await.expect("advanced"));
                look.after = through;
            }
        }
        let end = EndRun { node: NODE, now: self.now(), next_at: self.now() };
        self.store.write(end).await.expect("the end");
        self.store.read(ShowRetention).await.expect("a row").expect("a run").last
    }
}
