//! Who comes first, on engines with several writers. On SQLite, which has one, none of this does anything.
//!
//! The order is that of [`crate::tables`]' users: a conversation, inboxes ascending, `cold`, `mailbox`, the rest. Each
//! lock is held to the end of the transaction, and what is read after it is what the one before committed.

use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::ConversationId;

use super::DirectTarget;
use crate::key::AgentKey;
use crate::row::Value;
use crate::{Engine, Result, Tx};

macro_rules! direct_lock {
    ($conversation:literal, $recipient:literal) => {
        concat!(
            "WITH pair AS MATERIALIZED (SELECT pk FROM conversation WHERE ",
            $conversation,
            " FOR NO KEY UPDATE) ",
            // The count is asked before the row below is locked: the conversation comes first.
            "SELECT agent FROM inbox WHERE agent = (",
            $recipient,
            ") AND (SELECT COUNT(*) FROM pair) >= 0 ",
            "FOR NO KEY UPDATE"
        )
    };
}

pub(super) const BY_HANDLE: &str = direct_lock!(
    "low = LEAST($1, (SELECT pk FROM agent WHERE handle = $2)) \
     AND high = GREATEST($1, (SELECT pk FROM agent WHERE handle = $2))",
    "SELECT pk FROM agent WHERE handle = $2"
);
const BY_CONVERSATION: &str = direct_lock!(
    "id = $2 AND kind = 0 AND (low = $1 OR high = $1)",
    "SELECT CASE WHEN low = $1 THEN high ELSE low END FROM conversation WHERE id = $2 AND kind = 0 \
     AND (low = $1 OR high = $1)"
);

impl Tx<'_> {
    /// A direct send's: the conversation, if there is one, and the recipient's inbox.
    pub fn lock_direct(&mut self, sender: AgentKey, target: DirectTarget<'_>) {
        let (sql, target): (_, Value<'_>) = match target {
            DirectTarget::Handle(handle) => (BY_HANDLE, handle.into()),
            DirectTarget::Conversation(ref id) => (BY_CONVERSATION, id.into()),
        };
        self.lock(sql, &[sender.into(), target]);
    }

    /// The first half of [`Tx::lock_direct`]: the conversation alone, if there is one.
    pub fn lock_direct_conversation(&mut self, sender: AgentKey, target: DirectTarget<'_>) {
        let (sql, target): (_, Value<'_>) = match target {
            DirectTarget::Handle(handle) => (
                "SELECT pk FROM conversation WHERE low = LEAST($1, (SELECT pk FROM agent WHERE handle = $2)) \
                 AND high = GREATEST($1, (SELECT pk FROM agent WHERE handle = $2)) FOR NO KEY UPDATE",
                handle.into(),
            ),
            DirectTarget::Conversation(ref id) => (
                "SELECT pk FROM conversation WHERE id = $2 AND kind = 0 AND (low = $1 OR high = $1) FOR NO KEY UPDATE",
                id.into(),
            ),
        };
        self.lock(sql, &[sender.into(), target]);
    }

    /// A conversation: its seqs, and of a group who is in it.
    pub fn lock_conversation(&mut self, id: ConversationId) {
        self.lock("SELECT pk FROM conversation WHERE id = $1 FOR NO KEY UPDATE", &[(&id.bytes()).into()]);
    }

    /// The inboxes of all who are in a group. After its conversation.
    pub fn lock_member_inboxes(&mut self, id: ConversationId) {
        self.lock(
            "SELECT agent FROM inbox WHERE agent IN (SELECT b.agent FROM member b \
             WHERE b.conversation = (SELECT pk FROM conversation WHERE id = $1) AND b.left_at IS NULL) \
             ORDER BY agent FOR NO KEY UPDATE",
            &[(&id.bytes()).into()],
        );
    }

    /// The inboxes of these agents: what waits for them, their accounts and their attitudes stay as they are read now.
    pub fn lock_inboxes(&mut self, agents: &[AgentKey]) {
        let keys: Vec<i64> = agents.iter().map(|agent| agent.0).collect();
        self.lock(
            "SELECT agent FROM inbox WHERE agent = ANY($1) ORDER BY agent FOR NO KEY UPDATE",
            &[Value::Ints(&keys)],
        );
    }

    /// As [`Tx::lock_inboxes`], but passes over those that somebody holds; answers the others.
    pub async fn lock_free_inboxes(&mut self, agents: &[AgentKey]) -> Result<Vec<AgentKey>> {
        if self.engine() == Engine::Sqlite {
            return Ok(agents.to_vec());
        }
        let keys: Vec<i64> = agents.iter().map(|agent| agent.0).collect();
        self.query_all(
            "SELECT agent FROM inbox WHERE agent = ANY($1) ORDER BY agent FOR NO KEY UPDATE SKIP LOCKED",
            &[Value::Ints(&keys)],
            |row| row.int(0).map(AgentKey),
        )
        .await
    }

    /// As [`Tx::lock_inboxes`] for whoever has that handle.
    pub fn lock_inbox_of(&mut self, handle: &Handle) {
        self.lock(
            "SELECT agent FROM inbox WHERE agent = (SELECT pk FROM agent WHERE handle = $1) FOR NO KEY UPDATE",
            &[handle.as_str().into()],
        );
    }

    /// An agent's right to open conversations: they are counted.
    pub fn lock_cold(&mut self, agent: AgentKey) {
        self.lock(
            "INSERT INTO cold (agent) VALUES ($1) ON CONFLICT (agent) DO UPDATE SET opened = cold.opened + 1",
            &[agent.into()],
        );
    }

    /// An e-mail's codes and accounts: they are counted.
    pub fn lock_mailbox(&mut self, email: &Email) {
        self.lock(
            "INSERT INTO mailbox (email) VALUES ($1) ON CONFLICT (email) DO UPDATE SET taken = mailbox.taken + 1",
            &[email.as_str().into()],
        );
    }

    /// This transaction's changes may be lost in a crash of the server, though never halved or reordered. It need not
    /// wait for the disk then.
    pub fn may_be_lost(&mut self) {
        self.lock("SET LOCAL synchronous_commit = off", &[]);
    }
}
