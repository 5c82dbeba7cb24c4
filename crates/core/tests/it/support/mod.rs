//! The system agent: what it answers, when it is silent, and what it keeps for the operator.

use std::sync::Arc;

use agentchat_core::messages::Sent;
use agentchat_core::support::{
    AnswerMessage, ChangeEscalation, Facts, FoundDesk, ListEscalations, StatusFilter, reply_id,
};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{AgentId, EscalationId, MessageId};
use agentchat_protocol::message::Message;
use agentchat_protocol::support::{Escalation, EscalationCategory, EscalationChange, EscalationStatus};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, Change, World, code};

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 3_600 * SECOND;

fn facts() -> Facts {
    let base_url = "https://chat.example".to_owned();
    Facts { base_url, send_rate: "60 messages per second".to_owned(), cold_cap: 100 }
}

impl World {
    async fn desk(&self) -> Agent {
        let found = FoundDesk { id: AgentId::from_bytes(self.id()), now: self.now() };
        let desk = self.store.write(found).await.unwrap().expect("it is the platform's");
        Agent { key: desk.key, handle: desk.handle }
    }

    fn answering(&self, desk: &Agent, message: MessageId) -> AnswerMessage {
        AnswerMessage {
            desk: desk.key,
            message,
            facts: Arc::new(facts()),
            escalation: EscalationId::from_bytes(self.id()),
            answer: MessageId::from_bytes(self.id()),
            now: self.now(),
            limits: self.limits,
        }
    }

    async fn answer(&self, desk: &Agent, message: &Message) -> Option<Sent> {
        self.store.write(self.answering(desk, message.id)).await.unwrap()
    }

    /// What the desk says to a text.
    async fn ask(&self, desk: &Agent, agent: &Agent, text: &str) -> Option<String> {
        let message = self.say(agent, desk, text).await;
        let sent = self.answer(desk, &message).await;
        assert_eq!(self.undelivered(desk).await, 0, "what it looked at is settled");
        sent.map(|sent| sent.message.text().unwrap())
    }

    async fn escalations(&self, filter: StatusFilter) -> Vec<Escalation> {
        self.store.read(ListEscalations { filter, before: None, limit: 50 }).await.unwrap()
    }
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_made_once_however_many_nodes_start(engine: Engine) {
    let world = World::new(engine).await;
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let found = FoundDesk { id: AgentId::from_bytes(world.id()), now: world.now() };
        let store = world.store.clone();
        nodes.spawn(async move { store.write(found).await.unwrap().unwrap() });
    }
    let desks = nodes.join_all().await;
    assert!(desks.iter().all(|desk| *desk == desks[0]), "{desks:?}");
    assert_eq!((desks[0].handle.as_str(), desks[0].is_system), ("chatfather", true));
    assert_eq!(desks[0].display_name.as_deref(), Some("ChatFather"));
}

#[store_test]
async fn it_leaves_an_ordinary_account_of_its_name_alone(engine: Engine) {
    let world = World::new(engine).await;
    world.agent("chatfather").await;
    let found = FoundDesk { id: AgentId::from_bytes(world.id()), now: world.now() };
    assert_eq!(world.store.write(found).await.unwrap(), None);
}

#[store_test]
async fn it_answers_by_a_direct_message_and_once(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    let asked = world.say(&alice, &desk, "/help").await;
    let sent = world.answer(&desk, &asked).await.unwrap();
    let text = sent.message.text().unwrap();
    assert!(text.contains("/faq") && text.contains("/report"), "{text}");
    assert_eq!(sent.message.client_msg_id, reply_id(&asked.id.to_string(), &text));
    assert_eq!((sent.message.seq, sent.deliveries[0].recipient), (2, alice.key));
    assert!(world.answer(&desk, &asked).await.is_none(), "it is settled");
    assert_eq!(world.pending(&alice, 0, 10).await.len(), 1);
    assert_eq!(world.undelivered(&desk).await, 0);
    // It answered, so the conversation stands: alice may go on.
    world.say(&alice, &desk, "thanks").await;
}

#[test]
fn what_it_says_has_an_id_of_its_own() {
    let id = reply_id("msg_1", "hello");
    assert_eq!(id, reply_id("msg_1", "hello"));
    assert!(id.starts_with("cf_") && id.len() == 35 && id[3..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_ne!(id, reply_id("msg_2", "hello"));
    assert_ne!(id, reply_id("msg_1", "hello!"));
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_one_answers(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    for round in 0..5 {
        let asked = world.say(&alice, &desk, "/report bug it broke again").await;
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (store, answer) = (world.store.clone(), world.answering(&desk, asked.id));
            nodes.spawn(async move { store.write(answer).await.unwrap().is_some() });
        }
        let answered = nodes.join_all().await.into_iter().filter(|answered| *answered).count();
        assert_eq!(answered, 1, "round {round}");
        world.pass(10 * SECOND);
    }
    assert_eq!(world.pending(&alice, 0, 100).await.len(), 5);
    assert_eq!(world.escalations(StatusFilter::All).await.len(), 5);
}

#[store_test]
async fn it_knows_commands_topics_and_greetings(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    world.pass(2 * DAY);
    let cases = [
        ("/HELP", "/docs"),
        ("/start", "/docs"),
        ("/?", "/docs"),
        ("/faq", "/faq rate limits"),
        ("/faq api key", "shown once"),
        ("/docs", "https://chat.example/v1/openapi.json"),
        ("/docs please", "https://chat.example/llms.txt"),
        ("/nonsense", "/help"),
        ("Hello!", "ChatFather"),
        ("getting started", "/v1/messages"),
        ("Pricing?", "money"),
        ("RATE  limits", "60 messages per second"),
        ("webhooks", "/v1/webhooks"),
        ("suspended", "restricted"),
        ("delete-account", "DELETE /v1/agents/"),
        ("contact", "/report"),
        ("what is the meaning of life", "/report"),
        ("/report bug", "Usage: /report"),
    ];
    for (asked, said) in cases {
        let answer = world.ask(&desk, &alice, asked).await.unwrap_or_else(|| panic!("{asked} is not answered"));
        assert!(answer.contains(said), "{asked}: {answer}");
        world.pass(10 * SECOND);
    }
}

#[store_test]
async fn what_says_nothing_is_settled_without_an_answer(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    let body =
        json!({ "to": "chatfather", "client_msg_id": "d-1", "type": "structured", "content": { "data": { "a": 1 } } });
    let sent = world.send(&alice, body).await.unwrap().message;
    assert!(world.answer(&desk, &sent).await.is_none());
    assert_eq!((world.undelivered(&desk).await, world.undelivered(&alice).await), (0, 0));
    let unknown = MessageId::from_bytes(world.id());
    assert!(world.store.write(world.answering(&desk, unknown)).await.unwrap().is_none());
}

#[store_test]
async fn who_cannot_be_answered_is_not(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    let asked = world.say(&alice, &desk, "/report abuse of the kitchen").await;
    world.change(Change::Status(alice.clone(), AgentStatus::Suspended)).await;
    assert!(world.answer(&desk, &asked).await.is_none());
    assert_eq!(world.undelivered(&desk).await, 0);
    assert_eq!(world.escalations(StatusFilter::Live).await.len(), 1, "the report counts all the same");
}

#[store_test]
async fn more_than_five_messages_in_half_a_minute_are_ignored(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice, bob) = (world.desk().await, world.agent("alice").await, world.agent("bob").await);
    world.pass(2 * DAY);
    for number in 0..5 {
        assert!(world.ask(&desk, &alice, "hello").await.is_some(), "{number}");
        world.pass(5 * SECOND);
    }
    world.pass(4 * SECOND);
    assert_eq!(world.ask(&desk, &alice, "hello").await, None, "the sixth within 30 seconds");
    assert!(world.ask(&desk, &bob, "hello").await.is_some());
    world.pass(6 * SECOND);
    assert!(world.ask(&desk, &alice, "hello").await.is_some());
}

#[store_test]
async fn a_day_has_so_many_answers_and_one_notice(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    // To midnight, and a second day of alice's.
    world.pass(DAY - world.now().as_millis().rem_euclid(DAY));
    let mut answered = 0;
    for _ in 0..9 {
        answered += u32::from(world.ask(&desk, &alice, "hello").await.unwrap().starts_with("Hello"));
        world.pass(10 * SECOND);
    }
    assert!(world.ask(&desk, &alice, "hello").await.unwrap().starts_with("Hello"), "the tenth");
    world.pass(10 * SECOND);
    assert_eq!(answered, 9);
    assert!(world.ask(&desk, &alice, "hello").await.unwrap().contains("midnight"), "a new account gets ten");
    for _ in 0..3 {
        world.pass(10 * SECOND);
        assert_eq!(world.ask(&desk, &alice, "hello").await, None);
    }
    // The next day, and no longer new.
    world.pass(DAY);
    for number in 0..50 {
        let answer = world.ask(&desk, &alice, "hello").await;
        assert!(answer.is_some_and(|answer| answer.starts_with("Hello")), "{number}");
        world.pass(10 * SECOND);
    }
    assert!(world.ask(&desk, &alice, "hello").await.unwrap().contains("midnight"));
    world.pass(10 * SECOND);
    assert_eq!(world.ask(&desk, &alice, "hello").await, None);
    assert!(world.ask(&desk, &world.agent("bob").await, "hello").await.is_some());
}

#[store_test]
async fn a_report_is_kept_with_where_it_came_from(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    let asked = world.say(&alice, &desk, "/report Bug  the door does not open ").await;
    let sent = world.answer(&desk, &asked).await.unwrap();
    let [report] = &world.escalations(StatusFilter::Live).await[..] else { panic!("one report") };
    assert!(sent.message.text().unwrap().contains(&report.id.to_string()));
    let expected = Escalation {
        id: report.id,
        from_agent_handle: alice.handle.clone(),
        conversation_id: asked.conversation_id,
        original_message_id: asked.id,
        category: EscalationCategory::Bug,
        summary: "the door does not open".to_owned(),
        status: EscalationStatus::Open,
        created_at: world.now(),
        resolved_at: None,
        resolved_by: None,
        resolution_note: None,
    };
    assert_eq!(*report, expected);
}

#[store_test]
async fn the_operator_moves_reports_and_pages_through_them(engine: Engine) {
    let world = World::new(engine).await;
    let (desk, alice) = (world.desk().await, world.agent("alice").await);
    for number in 0..3 {
        world.ask(&desk, &alice, &format!("/report other number {number}")).await.unwrap();
        world.pass(10 * SECOND);
    }
    let all = world.escalations(StatusFilter::All).await;
    let summaries = |reports: &[Escalation]| reports.iter().map(|one| one.summary.clone()).collect::<Vec<_>>();
    assert_eq!(summaries(&all), ["number 2", "number 1", "number 0"], "newest first");
    let page = ListEscalations { filter: StatusFilter::Live, before: Some(all[0].created_at), limit: 1 };
    assert_eq!(summaries(&world.store.read(page).await.unwrap()), ["number 1"]);

    let change = async |id, status, note: Option<&str>, operator: &str| {
        let change = EscalationChange { status, note: note.map(str::to_owned) };
        let change = ChangeEscalation { id, change, operator: operator.to_owned(), now: world.now() };
        world.store.write(change).await
    };
    let id = Some(all[0].id);
    let resolved = change(id, EscalationStatus::Resolved, Some("fixed"), "ops-1").await.unwrap();
    assert_eq!((resolved.resolved_at, resolved.resolved_by.as_deref()), (Some(world.now()), Some("ops-1")));
    assert_eq!(resolved.resolution_note.as_deref(), Some("fixed"));
    assert_eq!(world.escalations(StatusFilter::Only(EscalationStatus::Resolved)).await, [resolved]);
    assert_eq!(world.escalations(StatusFilter::Live).await.len(), 2);
    let open = change(id, EscalationStatus::InProgress, None, "ops-2").await.unwrap();
    assert_eq!((open.resolved_at, open.resolved_by, open.status), (None, None, EscalationStatus::InProgress));
    assert_eq!(world.escalations(StatusFilter::Only(EscalationStatus::Open)).await.len(), 2);
    assert_eq!(world.escalations(StatusFilter::Live).await.len(), 3);
    for unknown in [None, Some(EscalationId::from_bytes([9; 16]))] {
        assert_eq!(code(change(unknown, EscalationStatus::Open, None, "ops-1").await), ErrorCode::NotFound);
    }
}
