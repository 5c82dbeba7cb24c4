//! What needs a change of the account that no endpoint makes yet: suspension, pause, another epoch.

use agentchat_core::Error;
use agentchat_core::accounts::{Authenticate, CodeKey};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::frame::MAX_CLIENT_FRAME;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::send::SendRequest;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::NewAgent;
use agentchat_store::{Store, StoreOptions, Tx, Write};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::{Message, Role};

use super::*;
use crate::app::Secrets;
use crate::config::Config;
use crate::files::Files;
use crate::mail::Mailer;
use crate::realtime::session::OwnMessages;
use crate::realtime::wire::Wire;
use crate::sending;

struct World {
    app: App,
    alice: Arc<Caller>,
    bob: Arc<Caller>,
    sent: u32,
    _folder: tempfile::TempDir,
}

/// A change to the store that is only a verb of its transaction.
enum Change {
    Insert(&'static str, [u8; 32]),
    Status(AgentKey, AgentStatus),
    Pause(AgentKey, PausedByOwner),
    Key(AgentKey, [u8; 32]),
}

impl Write for Change {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        match self {
            Self::Insert(handle, key_hash) => {
                let (email, handle) = ("a@example.com".parse().unwrap(), handle.parse().unwrap());
                let agent = NewAgent {
                    id: AgentId::from_bytes(key_hash[..16].try_into().unwrap()),
                    handle: &handle,
                    key_hash,
                    email: &email,
                    display_name: None,
                    description: None,
                    is_system: false,
                    created_at: agentchat_protocol::timestamp::Timestamp::from_millis(0),
                };
                tx.insert_agent(&agent).await?;
            }
            Self::Status(agent, status) => tx.set_agent_status(*agent, status, 0).await?,
            Self::Pause(agent, paused) => tx.set_agent_paused(*agent, paused).await?,
            Self::Key(agent, key_hash) => {
                tx.replace_key_hash(*agent, key_hash).await?;
            }
        }
        Ok(())
    }
}

const ALICE: KeyHash = [1; 32];
const BOB: KeyHash = [2; 32];

impl World {
    /// Two agents that may write to each other; nothing waits for bob.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        config.limits.set("send=off").unwrap();
        // One reader answers in order: see `until_answered`.
        let store = Store::open(StoreOptions { readers: 1, ..StoreOptions::new(folder.path()) }).unwrap();
        let mailer = Mailer::open(&config.mail, &config.clock).unwrap();
        let secrets =
            Secrets { keys: DeliveryKey::new([3; 32]), codes: CodeKey::new([4; 32]), installation: String::new() };
        let files = Files::open(&config, [5; 32], [6; 32]).unwrap();
        let egress = agentchat_egress::Client::new(config.webhook_guard).unwrap();
        let app = App::new(config, store, secrets, mailer, files, egress);
        for (handle, key_hash) in [("alice", ALICE), ("bobby", BOB)] {
            app.store.write(Change::Insert(handle, key_hash)).await.unwrap();
        }
        let (alice, bob) = (caller(&app, ALICE).await, caller(&app, BOB).await);
        let mut world = Self { app, alice, bob, sent: 0, _folder: folder };
        world.send_from_bob("hello").await;
        world
    }

    async fn send_from_bob(&mut self, text: &str) {
        self.send(&self.bob.clone(), "alice", text).await;
    }

    async fn send_to_bob(&mut self, text: &str) {
        self.send(&self.alice.clone(), "bobby", text).await;
    }

    async fn send(&mut self, from: &Arc<Caller>, to: &str, text: &str) {
        self.sent += 1;
        let body = json!({ "to": to, "client_msg_id": self.sent.to_string(), "content": { "text": text } });
        let request = SendRequest::parse(body.to_string().as_bytes(), 1_000).unwrap();
        sending::send(&self.app, from, request).await.unwrap();
    }

    /// Changes bob's account, and tells the hub if there is something to tell.
    async fn change(&self, change: Change, control: Option<Control>) {
        self.app.store.write(change).await.unwrap();
        if let Some(control) = control {
            self.app.hub.changed(self.bob.key, Some(control));
        }
    }

    /// Waits until a socket that had something to ask the store has its answer.
    async fn until_answered(&self, peer: &mut Open) {
        peer.nothing_more().await;
        caller(&self.app, BOB).await;
        peer.nothing_more().await;
    }

    /// An authenticated socket of bob's; `hello.ok` is left out.
    fn connect(&self) -> Peer {
        let (near, far) = tokio::io::duplex(1 << 20);
        let begin = Begin {
            ack: true,
            own: OwnMessages::Never,
            epoch: self.bob.epoch,
            paused: false,
            lead: None,
            reoffer: Some(Duration::from_secs(300)),
            after: 0,
        };
        let seat = self.app.hub.join(self.bob.key, false, None).unwrap();
        let owner = Owner { caller: Arc::clone(&self.bob), key_hash: BOB };
        let wire = Wire::new(near, MAX_CLIENT_FRAME);
        tokio::spawn(Box::new(Socket::new(self.app.clone(), owner, wire, seat, &begin, VecDeque::new())).run());
        Peer(far)
    }
}

async fn caller(app: &App, key_hash: KeyHash) -> Arc<Caller> {
    Arc::new(app.store.read(Authenticate { key_hash }).await.unwrap().unwrap())
}

struct Peer(DuplexStream);

impl Peer {
    async fn open(self) -> Open {
        Open(WebSocketStream::from_raw_socket(self.0, Role::Client, None).await)
    }
}

struct Open(WebSocketStream<DuplexStream>);

impl Open {
    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        next.await.expect("something in time").unwrap().unwrap()
    }

    async fn frame(&mut self) -> Value {
        serde_json::from_str(self.next().await.to_text().unwrap()).unwrap()
    }

    async fn text(&mut self) -> String {
        let frame = self.frame().await;
        assert_eq!(frame["type"], "message.new", "{frame}");
        frame["payload"]["content"]["text"].as_str().unwrap().to_owned()
    }

    async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Nothing but the answer to our ping comes, on two turns of the socket.
    async fn nothing_more(&mut self) {
        for _ in 0..2 {
            self.say(json!({ "type": "ping" })).await;
            assert_eq!(self.frame().await["type"], "pong");
        }
    }

    async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Message::Close(Some(close)) => (close.code.into(), close.reason.to_string()),
            other => panic!("expected a close, saw {other:?}"),
        }
    }
}

#[tokio::test]
async fn full_pause_is_silent_and_unpausing_drains_in_order() {
    let mut world = World::new().await;
    let mut peer = world.connect().open().await;
    world.send_to_bob("before").await;
    let before = peer.frame().await;
    world.change(Change::Pause(world.bob.key, PausedByOwner::Full), Some(Control::PauseChanged)).await;
    world.until_answered(&mut peer).await;
    world.app.hub.event(world.bob.key, &Event { text: r#"{"type":"an.event"}"#.into(), droppable: false });
    world.send_to_bob("one").await;
    world.send_to_bob("two").await;
    // Acks are ignored, too.
    peer.say(json!({ "type": "ack", "message_id": before["payload"]["id"] })).await;
    peer.nothing_more().await;
    world.change(Change::Pause(world.bob.key, PausedByOwner::None), Some(Control::PauseChanged)).await;
    assert_eq!((peer.text().await, peer.text().await), ("one".into(), "two".into()));
    world.send_to_bob("after").await;
    assert_eq!(peer.text().await, "after");
    let again = world.connect().open().await.text().await;
    assert_eq!(again, "before", "the ack settled nothing");
}

#[tokio::test]
async fn a_paused_agents_new_socket_is_silent() {
    let mut world = World::new().await;
    world.change(Change::Pause(world.bob.key, PausedByOwner::Full), None).await;
    world.send_to_bob("held").await;
    let mut peer = world.connect().open().await;
    peer.nothing_more().await;
    world.change(Change::Pause(world.bob.key, PausedByOwner::Send), Some(Control::PauseChanged)).await;
    assert_eq!(peer.text().await, "held");
}

#[tokio::test]
async fn suspension_closes_told_or_not() {
    for control in [Some(Control::Suspended), None] {
        let world = World::new().await;
        if control.is_none() {
            world.change(Change::Status(world.bob.key, AgentStatus::Suspended), None).await;
        }
        let mut peer = world.connect().open().await;
        if control.is_some() {
            peer.nothing_more().await;
            world.change(Change::Status(world.bob.key, AgentStatus::Suspended), control).await;
        }
        assert_eq!(peer.closed().await, (4403, "Account suspended".into()));
    }
}

#[tokio::test]
async fn restriction_closes_nothing() {
    let mut world = World::new().await;
    let mut peer = world.connect().open().await;
    peer.nothing_more().await;
    world.change(Change::Status(world.bob.key, AgentStatus::Restricted), None).await;
    world.send_to_bob("of another epoch").await;
    assert_eq!(peer.text().await, "of another epoch");
    world.send_to_bob("live again").await;
    assert_eq!(peer.text().await, "live again");
}

#[tokio::test]
async fn nothing_committed_after_a_rotation_is_written_even_if_nobody_tells() {
    let mut world = World::new().await;
    let mut peer = world.connect().open().await;
    peer.nothing_more().await;
    world.change(Change::Key(world.bob.key, [9; 32]), None).await;
    world.send_to_bob("not for the old key").await;
    assert_eq!(peer.closed().await, (4403, "API key rotated".into()));
}

#[tokio::test]
async fn a_socket_with_the_new_key_outlives_the_news_of_the_rotation() {
    let mut world = World::new().await;
    let mut peer = world.connect().open().await;
    peer.nothing_more().await;
    world.app.hub.changed(world.bob.key, Some(Control::KeyRotated));
    peer.nothing_more().await;
    world.send_to_bob("still here").await;
    assert_eq!(peer.text().await, "still here");
}
