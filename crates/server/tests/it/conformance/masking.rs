//! wire.md §1.10 and N9: situations that nobody may tell apart are answered byte for byte alike.

use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::answers::{JSON, check, check_ids, same};
use super::ladder::Ladder;
use super::world::{Call, Deed, World, befriended, did, said, suspended};

/// SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// A slot for a file for somebody, or for a group.
fn slot_for(target: &Value) -> (String, Value) {
    let mut body = json!({ "filename": "a.txt", "content_type": "text/plain", "size": 5, "sha256": HELLO });
    body.as_object_mut().unwrap().extend(target.as_object().cloned().unwrap_or_default());
    ("POST /v1/uploads".into(), body)
}

/// Requests with one answer.
struct Alike {
    rule: &'static str,
    /// The error, or none for a success.
    code: Option<ErrorCode>,
    requests: Vec<Call>,
}

fn alike(rule: &'static str, code: ErrorCode, requests: impl IntoIterator<Item = Call>) -> Alike {
    Alike { rule, code: Some(code), requests: requests.into_iter().collect() }
}

/// Alice asks. Bob is her peer, carol a stranger, dave suspended, erin deleted, frank has blocked alice and is blocked
/// by bob.
async fn world(engine: Engine) -> World {
    let cast = &["alice", "bob", "carol", "dave", "erin", "frank"];
    let mut world = World::of(engine, cast, &[], false).await;
    let deeds: Vec<Deed> =
        groups().into_iter().chain(conversations()).chain(files()).chain(webhooks()).chain(people()).collect();
    for deed in &deeds {
        world.undergo(deed).await;
    }
    world
}

/// Carol's group, one of hers that ended, one that alice left, one that alice was removed from, and invites.
fn groups() -> Vec<Deed> {
    let building = Ladder::of("wire §1.10", "GET /", super::ladder::Auth::Nobody)
        .founded("alice", "alices")
        .founded("frank", "franks")
        .founded("carol", "living")
        .founded("carol", "dead")
        .given(did("carol", "DELETE /v1/groups/$dead", Value::Null))
        .founded("carol", "left")
        .joined("carol", "left", "alice")
        .given(did("alice", "POST /v1/groups/$left/leave", Value::Null))
        .founded("carol", "closed")
        .joined("carol", "closed", "alice")
        .given(did("carol", "DELETE /v1/groups/$closed/members/alice", Value::Null))
        .given(
            did("carol", "POST /v1/groups/$living/members", json!({ "handle": "bob" })).keep("for-bob", "/invite_id"),
        )
        .given(
            did("carol", "POST /v1/groups/$living/members", json!({ "handle": "alice" }))
                .keep("consumed", "/invite_id"),
        )
        .given(did("alice", "DELETE /v1/groups/invites/$consumed", Value::Null));
    building.into_deeds()
}

/// Carol's file for bob, one that alice got and did not upload, one in carol's living group, and alice's own that never
/// came.
fn files() -> Vec<Deed> {
    let slot = |by, name, target: Value| {
        let (endpoint, body) = slot_for(&target);
        did(by, &endpoint, body).keep(name, "/attachment_id").keep("url", "/upload_url").into()
    };
    let filled = || did("", "PUT $url", Value::Null).with(b"hello").into();
    vec![
        slot("carol", "file-of-others", json!({ "to": "bob" })),
        filled(),
        slot("bob", "file-for-alice", json!({ "to": "alice" })),
        filled(),
        slot("carol", "file-of-a-group", json!({ "conversation_id": "$living" })),
        filled(),
        slot("alice", "file-that-never-came", json!({ "to": "bob" })),
    ]
}

/// Carol's webhook.
fn webhooks() -> Vec<Deed> {
    let hook = json!({ "url": "https://nobody.invalid/", "events": ["contact.blocked"] });
    vec![did("carol", "POST /v1/webhooks", hook).keep("hook-of-others", "/id").into()]
}

fn conversations() -> Vec<Deed> {
    let foreign = said("bob", "carol", "between others").keep("foreign", "/conversation_id").keep("heard", "/id");
    let own = said("alice", "bob", "hello").keep("own-message", "/id");
    vec![foreign.into(), own.into()]
}

fn people() -> Vec<Deed> {
    vec![
        befriended("carol", "alice").into(),
        did("frank", "POST /v1/contacts/alice/block", Value::Null).into(),
        did("bob", "POST /v1/contacts/frank/block", Value::Null).into(),
        did("erin", "DELETE /v1/agents/erin", Value::Null).into(),
        suspended("dave").into(),
    ]
}

/// Handles that nobody can be reached by.
const GONE: [&str; 4] = ["nobody-here", "dave", "erin", "-"];

/// A request of alice for each handle.
fn of_handles(handles: &[&str], request: impl Fn(&str) -> (String, Value)) -> Vec<Call> {
    handles.iter().map(|handle| request(handle)).map(|(endpoint, body)| did("alice", &endpoint, body)).collect()
}

fn handles() -> Vec<Alike> {
    let gone = |rule, request: &dyn Fn(&str) -> (String, Value)| {
        alike(rule, ErrorCode::AgentNotFound, of_handles(&GONE, request))
    };
    vec![
        gone("profiles", &|handle| (format!("GET /v1/agents/{handle}"), Value::Null)),
        gone("sends", &|handle| {
            ("POST /v1/messages".into(), json!({ "to": handle, "client_msg_id": "m", "content": { "text": "x" } }))
        }),
        gone("direct contexts", &|handle| (format!("GET /v1/conversations/direct/{handle}/context"), Value::Null)),
        gone("new contacts", &|handle| ("POST /v1/contacts".into(), json!({ "handle": handle }))),
        gone("blocks", &|handle| (format!("POST /v1/contacts/{handle}/block"), Value::Null)),
        gone("reports", &|handle| (format!("POST /v1/contacts/{handle}/report"), Value::Null)),
        gone("uploads", &|handle| slot_for(&json!({ "to": handle }))),
        gone("mutes", &|handle| ("POST /v1/mutes".into(), json!({ "target_kind": "agent", "target_handle": handle }))),
    ]
}

/// What is looked up by a handle that need not be anybody's.
fn edges() -> Vec<Alike> {
    let strangers = ["nobody-here", "dave", "erin", "-", "carol"];
    let none = |rule, request: &dyn Fn(&str) -> (String, Value)| {
        alike(rule, ErrorCode::NotFound, of_handles(&strangers, request))
    };
    vec![
        Alike {
            rule: "whether somebody is a contact",
            code: None,
            requests: of_handles(&strangers, |handle| (format!("GET /v1/contacts/{handle}"), Value::Null)),
        },
        none("contacts to remove", &|handle| (format!("DELETE /v1/contacts/{handle}"), Value::Null)),
        none("contacts to annotate", &|handle| (format!("PATCH /v1/contacts/{handle}"), json!({ "notes": "x" }))),
        none("blocks to lift", &|handle| (format!("DELETE /v1/contacts/{handle}/block"), Value::Null)),
        none("mutes", &|handle| (format!("GET /v1/mutes/agent/{handle}"), Value::Null)),
        none("mutes to lift", &|handle| (format!("DELETE /v1/mutes/agent/{handle}"), Value::Null)),
        none("presence, also of who has the caller among its contacts", &|handle| {
            (format!("GET /v1/presence/{handle}"), Value::Null)
        }),
    ]
}

/// Conversations that alice is not in.
fn foreign_conversations() -> Vec<Alike> {
    let ids = [
        "conv_00000000000000000000000000",
        "grp_00000000000000000000000000",
        "conv_x",
        "x",
        "$foreign",
        "$living",
        "$left",
        "$closed",
        "$dead",
    ];
    let masked = |rule, request: &dyn Fn(&str) -> (String, Value)| {
        alike(rule, ErrorCode::ConversationNotFound, of_handles(&ids, request))
    };
    vec![
        masked("history", &|id| (format!("GET /v1/messages/{id}"), Value::Null)),
        masked("participants", &|id| (format!("GET /v1/conversations/{id}/participants"), Value::Null)),
        masked("context", &|id| (format!("GET /v1/conversations/{id}/context"), Value::Null)),
        masked("hide", &|id| (format!("DELETE /v1/conversations/{id}"), Value::Null)),
        masked("notify level", &|id| (format!("GET /v1/conversations/{id}/notify"), Value::Null)),
        masked("another notify level", &|id| {
            (format!("PUT /v1/conversations/{id}/notify"), json!({ "level": "none" }))
        }),
        masked("search", &|id| (format!("GET /v1/search?q=hello&conversation_id={id}"), Value::Null)),
        masked("mute", &|id| ("POST /v1/mutes".into(), json!({ "target_kind": "conversation", "target_id": id }))),
        alike(
            "mutes",
            ErrorCode::NotFound,
            of_handles(&ids, |id| (format!("GET /v1/mutes/conversation/{id}"), Value::Null)),
        ),
        alike(
            "sends into direct conversations",
            ErrorCode::ConversationNotFound,
            of_handles(&["conv_00000000000000000000000000", "conv_x", "$foreign"], send_into),
        ),
    ]
}

fn send_into(conversation: &str) -> (String, Value) {
    let body = json!({ "conversation_id": conversation, "client_msg_id": "m", "content": { "text": "x" } });
    ("POST /v1/messages".into(), body)
}

/// Groups that alice is not in: living ones, and one that ended without her.
fn foreign_groups() -> Vec<Alike> {
    let ids = ["grp_00000000000000000000000000", "grp_x", "$living", "$left", "$closed", "$dead"];
    let masked = |rule, request: &dyn Fn(&str) -> (String, Value)| {
        alike(rule, ErrorCode::GroupNotFound, of_handles(&ids, request))
    };
    vec![
        masked("send", &send_into),
        masked("show", &|id| (format!("GET /v1/groups/{id}"), Value::Null)),
        masked("update", &|id| (format!("PATCH /v1/groups/{id}"), json!({ "name": "x" }))),
        masked("delete", &|id| (format!("DELETE /v1/groups/{id}"), Value::Null)),
        masked("invite", &|id| (format!("POST /v1/groups/{id}/members"), json!({ "handle": "bob" }))),
        masked("kick", &|id| (format!("DELETE /v1/groups/{id}/members/carol"), Value::Null)),
        masked("promote", &|id| (format!("POST /v1/groups/{id}/members/carol/promote"), Value::Null)),
        masked("demote", &|id| (format!("POST /v1/groups/{id}/members/carol/demote"), Value::Null)),
        masked("upload", &|id| slot_for(&json!({ "conversation_id": id }))),
        masked("picture", &|id| (format!("PUT /v1/groups/{id}/avatar"), Value::Null)),
        masked("no picture", &|id| (format!("DELETE /v1/groups/{id}/avatar"), Value::Null)),
        masked("leave", &|id| (format!("POST /v1/groups/{id}/leave"), Value::Null)),
    ]
}

fn others_things() -> Vec<Alike> {
    let invites = ["inv_00000000000000000000000000", "inv_x", "$for-bob", "$consumed"];
    let messages = ["msg_00000000000000000000000000", "msg_x", "$heard"];
    let of = |ids: &[&str], method: &str, path: &str| {
        of_handles(ids, |id| (format!("{method} {}", path.replace("{}", id)), Value::Null))
    };
    let to = |by, to: &str| said(by, to, "whatever");
    let upload = |by, to: &str| did(by, "POST /v1/uploads", slot_for(&json!({ "to": to })).1);
    let invite =
        |by, group: &str, who: &str| did(by, &format!("POST /v1/groups/${group}/members"), json!({ "handle": who }));
    vec![
        alike("invites to accept", ErrorCode::InviteNotFound, of(&invites, "POST", "/v1/groups/invites/{}/accept")),
        alike("invites to reject", ErrorCode::InviteNotFound, of(&invites, "DELETE", "/v1/groups/invites/{}")),
        alike("messages to hide", ErrorCode::MessageNotFound, of(&messages, "DELETE", "/v1/messages/{}")),
        alike(
            "messages to read, the own one has no envelope",
            ErrorCode::MessageNotFound,
            of(&["msg_x", "$heard", "$own-message"], "POST", "/v1/messages/{}/read"),
        ),
        alike(
            "a block, either way",
            ErrorCode::Blocked,
            [to("alice", "frank"), to("frank", "alice"), to("frank", "bob")],
        ),
        alike(
            "a block, either way, among groups",
            ErrorCode::Blocked,
            [invite("alice", "alices", "frank"), invite("frank", "franks", "alice")],
        ),
        alike(
            "a block, either way, among files",
            ErrorCode::Blocked,
            [upload("alice", "frank"), upload("frank", "alice"), upload("frank", "bob")],
        ),
        alike(
            "attachments to send",
            ErrorCode::AttachmentNotFound,
            of_handles(&["att_x", "att_00000000000000000000000000", "", "$file-of-others", "$file-for-alice"], |id| {
                let content = json!({ "attachment_id": id });
                ("POST /v1/messages".into(), json!({ "to": "carol", "client_msg_id": "m", "content": content }))
            }),
        ),
    ]
}

fn files_and_webhooks_of_others() -> Vec<Alike> {
    let files =
        ["att_x", "att_00000000000000000000000000", "$file-of-others", "$file-of-a-group", "$file-that-never-came"];
    let hooks = ["whk_x", "whk_00000000000000000000000000", "$hook-of-others"];
    let none = |rule, ids: &[&str], method: &str, path: &str| {
        let requests = of_handles(ids, |id| (format!("{method} {}", path.replace("{}", id)), Value::Null));
        alike(rule, ErrorCode::NotFound, requests)
    };
    vec![
        none("attachments", &files, "GET", "/v1/attachments/{}"),
        none("what is known of attachments", &files, "GET", "/v1/attachments/{}?metadata=1"),
        none("webhooks", &hooks, "GET", "/v1/webhooks/{}"),
        none("webhooks to delete", &hooks, "DELETE", "/v1/webhooks/{}"),
        none("webhooks to give another secret", &hooks, "POST", "/v1/webhooks/{}/rotate-secret"),
        none("webhooks to test", &hooks, "POST", "/v1/webhooks/{}/test"),
        none("deliveries", &hooks, "GET", "/v1/webhooks/{}/deliveries"),
        none(
            "deliveries to replay",
            &hooks,
            "POST",
            "/v1/webhooks/{}/deliveries/whd_00000000000000000000000000/replay",
        ),
        alike(
            "whose picture it is not",
            ErrorCode::Forbidden,
            of_handles(&GONE, |handle| (format!("PUT /v1/agents/{handle}/avatar"), Value::Null)),
        ),
    ]
}

#[store_test]
async fn what_may_not_differ_does_not(engine: Engine) {
    let world = world(engine).await;
    let table = [
        handles(),
        edges(),
        foreign_conversations(),
        foreign_groups(),
        others_things(),
        files_and_webhooks_of_others(),
    ];
    for Alike { rule, code, requests } in table.into_iter().flatten() {
        let mut first = None;
        for request in &requests {
            let what = format!("{rule}: {request:?}");
            let answer = world.answer(request).await;
            check(&what, &answer, JSON);
            check_ids(&what, &answer, world.ids_but(""));
            assert_eq!(
                (answer.status >= 400).then(|| answer.error_code()),
                code.map(|code| code.to_string()),
                "{what}"
            );
            same(&what, first.get_or_insert_with(|| answer.clone()), &answer);
        }
    }
}

/// The same 200 whatever there is to recover; nobody's code is right.
#[store_test]
async fn a_recovery_tells_nothing(engine: Engine) {
    let mut world = world(engine).await;
    let mut first = None;
    for (email, handle) in [
        ("nobody@example.com", None),
        ("alice@example.com", Some("alice")),
        ("bob@example.com", Some("alice")),
        ("erin@example.com", None),
        ("nobody@example.com", Some("nobody-here")),
    ] {
        let begin = did("", "POST /v1/agents/recover", json!({ "email": email, "handle": handle }));
        let mut answer = world.answer(&begin).await;
        world.keep("pending", &answer, "/pending_id");
        let pending = answer.json()["pending_id"].as_str().unwrap_or_default().to_owned();
        answer.body = answer.body.replace(&pending, "");
        same(email, first.get_or_insert_with(|| answer.clone()), &answer);
        let verify = json!({ "pending_id": "$pending", "code": "000000" });
        if email != "alice@example.com" {
            let refused = world.answer(&did("", "POST /v1/agents/recover/verify", verify)).await;
            assert_eq!(refused.refusal(), (400, "INVALID_CODE".to_owned()), "{email}");
        }
    }
}
