//! Attachments go with the last message that uses them.

use agentchat_core::Error;
use agentchat_core::attachments::{CompleteUpload, CreateUpload, ObjectsDue, ShowAttachment};
use agentchat_core::retention::Emptied;
use agentchat_protocol::attachment::{NewUpload, UploadTarget};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::AttachmentId;
use agentchat_store::Engine;
use agentchat_store::tables::attachment_object;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, World, code};

impl World {
    async fn upload(&self, from: &Agent, to: &Agent) -> AttachmentId {
        let id = AttachmentId::from_bytes(self.id());
        let request = NewUpload {
            target: UploadTarget::Agent(Some(to.handle.clone())),
            filename: "a.txt".into(),
            content_type: "text/plain".into(),
            size: 4,
            sha256: [7; 32],
        };
        let create = CreateUpload { caller: from.key, request, id, storage_works: true, now: self.now() };
        self.store.write(create).await.expect("a slot");
        assert!(self.store.write(CompleteUpload { id }).await.expect("complete"));
        id
    }

    async fn send_file(&self, from: &Agent, to: &Agent, key: &str, attachment: AttachmentId) -> Result<(), Error> {
        let content = json!({ "attachment_id": attachment });
        let body = json!({ "to": to.handle, "client_msg_id": key, "type": "file", "content": content });
        self.send(from, body).await.map(drop)
    }

    async fn shown(&self, viewer: &Agent, id: AttachmentId) -> Result<String, Error> {
        let found = self.store.read(ShowAttachment { viewer: viewer.key, id: Some(id) }).await?;
        Ok(found.filename)
    }
}

#[store_test]
async fn an_attachment_goes_with_the_last_message_that_uses_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let (twice, once) = (world.upload(&alice, &bob).await, world.upload(&alice, &bob).await);
    let unused = world.upload(&alice, &bob).await;
    world.send_file(&alice, &bob, "1", twice).await.expect("sent");
    world.send_file(&alice, &bob, "2", once).await.expect("sent");
    world.ack_all(&bob).await;
    world.pass(1_000);
    let before = world.now();
    world.send_file(&alice, &bob, "3", twice).await.expect("sent");
    world.ack_all(&bob).await;
    world.pass(1_000);

    assert_eq!(world.retain(before).await, Emptied { messages: 4, attachments: 1 });
    assert_eq!(world.shown(&bob, twice).await.expect("young enough"), "a.txt");
    assert_eq!(code(world.shown(&bob, once).await), ErrorCode::NotFound);
    assert_eq!(code(world.send_file(&alice, &bob, "4", once).await), ErrorCode::AttachmentNotFound);
    let due = async || {
        let due = world.store.read(ObjectsDue { now: world.now(), most: 10 }).await.expect("objects");
        due.into_iter().filter(|name| [twice, once, unused].iter().any(|id| attachment_object(*id) == *name))
    };
    assert_eq!(due().await.collect::<Vec<_>>(), [attachment_object(once)]);

    assert_eq!(world.retain(world.now()).await, Emptied { messages: 1, attachments: 1 });
    assert_eq!(code(world.shown(&alice, twice).await), ErrorCode::NotFound);
    assert_eq!(world.shown(&alice, unused).await.expect("no message had it"), "a.txt");
    assert_eq!(due().await.count(), 2);
}
