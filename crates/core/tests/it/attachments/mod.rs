//! Files: slots, messages that refer to them, and what is cleared away.

mod avatars;
mod clearing;

use agentchat_core::Error;
use agentchat_core::attachments::{CompleteUpload, CreateUpload, FindUpload, PurgeSlots};
use agentchat_protocol::attachment::NewUpload;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::AttachmentId;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::world::{Agent, World, code};

const HOUR: i64 = 60 * 60 * 1000;

/// What agents do with files.
impl World {
    async fn try_slot(&self, by: &Agent, target: Value, storage_works: bool) -> Result<AttachmentId, Error> {
        let mut body = json!({ "filename": "a", "content_type": "text/plain", "size": 1, "sha256": "0".repeat(64) });
        body.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        let request = NewUpload::parse(body.to_string().as_bytes(), 10).expect("a valid request");
        let id = AttachmentId::from_bytes(self.id());
        let operation = CreateUpload { caller: by.key, request, id, storage_works, now: self.now() };
        self.store.write(operation).await.map(|()| id)
    }

    async fn slot(&self, by: &Agent, target: Value) -> AttachmentId {
        self.try_slot(by, target, true).await.expect("a slot")
    }

    async fn fill(&self, id: AttachmentId) -> bool {
        self.store.write(CompleteUpload { id }).await.expect("it is written down")
    }

    async fn purge(&self) -> u64 {
        self.store.write(PurgeSlots { now: self.now(), most: 100 }).await.expect("a round")
    }

    async fn is_there(&self, id: AttachmentId) -> bool {
        self.store.read(FindUpload { id }).await.expect("a look").is_some()
    }
}

#[store_test]
async fn that_storage_fails_is_said_last(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob) = (world.agent("alice").await, world.agent("bob").await);
    let nobody = world.try_slot(&alice, json!({ "to": "nobody" }), false).await;
    assert_eq!(code(nobody), ErrorCode::AgentNotFound);
    let bob = world.try_slot(&alice, json!({ "to": "bob" }), false).await;
    assert_eq!(code(bob), ErrorCode::StorageUnavailable);
}

#[store_test]
async fn a_message_refers_to_one_file_until_it_is_no_more(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob) = world.acquainted("alice", "bob").await;
    let id = world.slot(&alice, json!({ "to": "bob" })).await;
    let body = |name: &str| json!({ "to": "bob", "client_msg_id": name, "content": { "attachment_id": id } });
    assert_eq!(code(world.send(&alice, body("1")).await), ErrorCode::AttachmentNotReady);
    assert!(world.fill(id).await);
    let sent = world.send(&alice, body("1")).await.expect("the send is accepted");
    assert!(world.send(&alice, body("1")).await.expect("a replay").replayed);
    world.send(&alice, body("2")).await.expect("another message");
    let used = world.store.read(Uses(id)).await.expect("a count");
    assert_eq!(used, 2, "{sent:?}");
}

/// How many messages refer to a file.
struct Uses(AttachmentId);

impl agentchat_store::Read for Uses {
    type Out = i64;
    type Error = agentchat_store::StoreError;

    async fn run(&self, tx: &mut agentchat_store::Tx<'_>) -> Result<i64, agentchat_store::StoreError> {
        tx.count_uses(self.0).await
    }
}
