//! Avatars of agents and groups, and where they are shown.

use std::io::Cursor;

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::attachments::{group, path};
use crate::client::Answer;
use crate::realtime::peer::{Agent, Peer};
use crate::stage::{Stage, Standing};

/// An image of one color.
fn image(color: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(200, 150, Rgb(color)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

const RED: [u8; 3] = [250, 10, 10];
const BLUE: [u8; 3] = [10, 10, 250];

async fn set(stage: &Stage, by: &str, of: &str, bytes: &[u8]) -> Answer {
    let authorization = format!("Bearer {}", stage.key(by));
    stage.server.request("PUT", &format!("/v1/{of}/avatar"), &[("Authorization", &authorization)], bytes).await
}

/// The address of a picture that was set just now.
async fn shown(stage: &Stage, by: &str, of: &str, color: [u8; 3]) -> String {
    let answer = set(stage, by, of, &image(color)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["avatar_url"].as_str().unwrap().to_owned()
}

fn off(config: &mut agentchat_server::Config) {
    config.limits.set("avatar_write=off").unwrap();
}

#[store_test]
async fn a_picture_is_named_by_what_it_shows_and_found_by_everybody(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], off).await;
    let first = set(&stage, "alice", "agents/@Alice", &image(RED)).await.json();
    let key = first["avatar_key"].as_str().unwrap();
    assert_eq!(
        first,
        json!({
            "avatar_key": key,
            "avatar_url": format!("http://{}/avatars/{key}", stage.server.running.addr()),
        })
    );
    let me = stage.get("alice", "/v1/agents/me").await.json();
    assert!(!first.to_string().contains(me["id"].as_str().unwrap()));
    let answer = stage.server.get(&format!("/avatars/{key}")).await;
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("content-type", "image/webp"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-length", answer.content.len().to_string().as_str()),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let picture = image::load_from_memory_with_format(&answer.content, ImageFormat::WebP).unwrap();
    assert_eq!((picture.width(), picture.height()), (512, 512));
    // The same again is the same; another one, and another's, have other names.
    assert_eq!(set(&stage, "alice", "agents/alice", &image(RED)).await.json(), first);
    let other = shown(&stage, "alice", "agents/alice", BLUE).await;
    let (subject, file) = key.split_once('/').unwrap();
    assert!(other.contains(subject) && !other.contains(file), "{other}");
    let of_bob = shown(&stage, "bob", "agents/bob", RED).await;
    assert!(!of_bob.contains(subject) && of_bob.contains(file), "{of_bob}");
}

#[store_test]
async fn nothing_else_is_found_among_the_pictures(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    for path in [
        "/avatars/0123456789abcdef/0123456789abcdef0123456789abcdef.webp",
        "/avatars/0123456789ABCDEF/0123456789abcdef0123456789abcdef.webp",
        "/avatars/..%2F..%2Fagentchat.db/0123456789abcdef0123456789abcdef.webp",
        "/avatars/0123456789abcdef/secret",
        "/avatars/0123456789abcdef",
        "/avatars",
    ] {
        assert_eq!(stage.server.get(path).await.refusal(), (404, "NOT_FOUND".into()), "{path}");
    }
}

/// Every place where the avatar of an agent is shown to another.
async fn places(stage: &Stage, group: &str) -> Vec<(&'static str, Value)> {
    let get = async |by: &str, path: &str| stage.get(by, path).await.json();
    let conversations = get("bob", "/v1/conversations").await;
    let direct = conversations.as_array().unwrap().iter().find(|row| row["type"] == "direct").unwrap().clone();
    let conversation = direct["id"].as_str().unwrap();
    let members = get("bob", &format!("/v1/conversations/{group}/participants")).await;
    let contacts = get("bob", "/v1/contacts").await;
    let directory = get("bob", "/v1/directory?q=alice").await;
    let by_handle = get("bob", "/v1/conversations/direct/alice/context").await;
    vec![
        ("conversations", direct["participants"][0]["avatar_url"].clone()),
        (
            "participants",
            get("bob", &format!("/v1/conversations/{conversation}/participants")).await[0]["avatar_url"].clone(),
        ),
        (
            "members",
            members.as_array().unwrap().iter().find(|row| row["handle"] == "alice").unwrap()["avatar_url"].clone(),
        ),
        (
            "context",
            get("bob", &format!("/v1/conversations/{conversation}/context")).await["counterparty"]["avatar_url"]
                .clone(),
        ),
        ("context by handle", by_handle["counterparty"]["avatar_url"].clone()),
        ("its conversation", by_handle["conversation"]["counterparty"]["avatar_url"].clone()),
        ("contacts", contacts["contacts"][0]["avatar_url"].clone()),
        ("items", contacts["items"][0]["avatar_url"].clone()),
        ("directory", directory["agents"][0]["avatar_url"].clone()),
        ("directory items", directory["items"][0]["avatar_url"].clone()),
        ("profile", get("bob", "/v1/agents/alice").await["avatar_url"].clone()),
    ]
}

#[store_test]
async fn an_agents_picture_is_shown_wherever_it_is_named(engine: Engine) {
    let token = "an-operators-token-of-32-characters";
    let stage = Stage::with(engine, &["alice", "bob"], |config| {
        off(config);
        config.admin_token = Some(agentchat_server::Secret::new(token));
    })
    .await;
    let group = group(&stage, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hi").await;
    stage.say("bob", "alice", "hello").await;
    for (place, url) in places(&stage, &group).await {
        assert_eq!(url, Value::Null, "{place}");
    }
    let url = shown(&stage, "alice", "agents/alice", RED).await;
    for (place, shown) in places(&stage, &group).await {
        assert_eq!(shown, json!(url), "{place}");
    }
    assert_eq!(stage.get("alice", "/v1/agents/me").await.json()["avatar_url"], json!(url));
    let patched = stage.patch("alice", "/v1/agents/alice", json!({ "description": "red" })).await;
    assert_eq!(patched.json()["avatar_url"], json!(url));
    let contact = stage.post("bob", "/v1/contacts", json!({ "handle": "alice" })).await;
    assert_eq!(contact.json()["avatar_url"], json!(url));
    let authorization = format!("Bearer {token}");
    let admin = stage.server.request("GET", "/admin/agents?q=alice", &[("Authorization", &authorization)], b"").await;
    assert_eq!(admin.json()["agents"][0]["avatar_url"], json!(url));
    let export = stage.get("bob", "/v1/export").await.body;
    let lines: Vec<Value> =
        export.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().find(|line| line["kind"] == kind && line["type"] != "group").unwrap();
    assert_eq!(of("contact")["avatar_url"], json!(url));
    assert_eq!(of("conversation")["participants"][0]["avatar_url"], json!(url));

    let path = path(&stage, &url);
    assert_eq!(stage.delete("alice", "/v1/agents/alice").await.status, 200);
    for (place, shown) in places_of_the_dead(&stage, &group).await {
        assert_eq!(shown, Value::Null, "{place}");
    }
    // The bytes go with the next round of the one who clears away.
    assert_eq!(stage.server.get(&path).await.status, 200);
}

async fn places_of_the_dead(stage: &Stage, _group: &str) -> Vec<(&'static str, Value)> {
    let conversations = stage.get("bob", "/v1/conversations").await.json();
    let direct = conversations.as_array().unwrap().iter().find(|row| row["type"] == "direct").unwrap().clone();
    let contacts = stage.get("bob", "/v1/contacts").await.json();
    vec![
        ("conversations", direct["participants"][0]["avatar_url"].clone()),
        ("contacts", contacts["contacts"][0]["avatar_url"].clone()),
    ]
}

#[store_test]
async fn a_picture_is_taken_away_once(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], off).await;
    let path = "/v1/agents/alice/avatar";
    assert_eq!(stage.delete("alice", path).await.refusal(), (404, "NOT_FOUND".into()));
    shown(&stage, "alice", "agents/alice", RED).await;
    assert_eq!(stage.delete("bob", path).await.refusal(), (403, "FORBIDDEN".into()));
    let answer = stage.delete("alice", path).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true })));
    assert_eq!(stage.get("alice", "/v1/agents/me").await.json()["avatar_url"], Value::Null);
    assert_eq!(stage.delete("alice", path).await.refusal(), (404, "NOT_FOUND".into()));
}

/// Every place where a group's picture is shown, `carol` being invited.
async fn places_of_group(stage: &Stage, group: &str) -> Vec<(&'static str, Value)> {
    let conversations = stage.get("bob", "/v1/conversations").await.json();
    vec![
        ("group", stage.get("bob", &format!("/v1/groups/{group}")).await.json()["avatar_url"].clone()),
        ("conversations", conversations[0]["group_avatar_url"].clone()),
        ("invites", stage.get("carol", "/v1/groups/invites").await.json()[0]["group_avatar_url"].clone()),
    ]
}

async fn events(stage: &Stage, group: &str) -> Vec<Value> {
    let messages = stage.get("bob", &format!("/v1/messages/{group}")).await.rows();
    let events = messages.iter().filter(|row| row["type"] == "system").map(|row| row["content"]["data"].clone());
    events.filter(|data| data["event"] == "avatar_changed").collect()
}

#[store_test]
async fn a_groups_picture_wins_over_its_url_and_is_told(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob", "carol"], off).await;
    let id = group(&stage, &["alice", "bob"]).await;
    stage.post("alice", &format!("/v1/groups/{id}/members"), json!({ "handle": "carol" })).await;
    let of = format!("groups/{id}");
    let elsewhere = "https://example.com/a.png";
    stage.patch("alice", &format!("/v1/{of}"), json!({ "avatar_url": elsewhere })).await;
    for (place, shown) in places_of_group(&stage, &id).await {
        assert_eq!(shown, json!(elsewhere), "{place}");
    }
    assert_eq!(events(&stage, &id).await.len(), 1);
    let url = shown(&stage, "alice", &of, RED).await;
    for (place, shown) in places_of_group(&stage, &id).await {
        assert_eq!(shown, json!(url), "{place}");
    }
    let event = json!({ "schema_version": 1, "event": "avatar_changed", "actor_handle": "alice" });
    assert_eq!(events(&stage, &id).await, [event.clone(), event.clone()]);
    // The same again is told to nobody.
    assert_eq!(shown(&stage, "alice", &of, RED).await, url);
    assert_eq!(events(&stage, &id).await.len(), 2);
    // A URL that is set now waits behind the picture.
    let patched = stage.patch("alice", &format!("/v1/{of}"), json!({ "avatar_url": elsewhere })).await;
    assert_eq!(patched.json()["avatar_url"], json!(url));
    let cleared = stage.delete("alice", &format!("/v1/{of}/avatar")).await;
    assert_eq!((cleared.status, cleared.json()), (200, json!({ "ok": true })));
    for (place, shown) in places_of_group(&stage, &id).await {
        assert_eq!(shown, Value::Null, "{place}");
    }
    assert_eq!(events(&stage, &id).await.len(), 4);
    assert_eq!(stage.delete("alice", &format!("/v1/{of}/avatar")).await.refusal(), (404, "NOT_FOUND".into()));
}

#[store_test]
async fn a_groups_picture_is_its_admins_business(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob", "carol"], off).await;
    let id = group(&stage, &["alice", "bob"]).await;
    let of = format!("groups/{id}");
    assert_eq!(set(&stage, "bob", &of, &image(RED)).await.refusal(), (403, "FORBIDDEN".into()));
    assert_eq!(set(&stage, "carol", &of, b"no image").await.refusal(), (404, "GROUP_NOT_FOUND".into()));
    assert_eq!(set(&stage, "alice", "groups/grp_x", b"").await.refusal(), (404, "GROUP_NOT_FOUND".into()));
    stage.delete("alice", &format!("/v1/{of}")).await;
    assert_eq!(set(&stage, "bob", &of, b"").await.refusal(), (410, "GROUP_DELETED".into()));
}

#[store_test]
async fn refusals_come_in_the_contracts_order(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| {
        config.limits.set("avatar_write=1/60").unwrap();
        config.limits.set("avatar_bytes=100000").unwrap();
    })
    .await;
    let too_large = set(&stage, "alice", "agents/bob", &vec![0; 100_001]).await;
    assert_eq!(too_large.refusal(), (413, "PAYLOAD_TOO_LARGE".into()));
    assert_eq!(too_large.json()["details"], json!({ "limit": 100_000 }));
    assert_eq!(stage.server.chunked("PUT", "/v1/agents/alice/avatar", &vec![0; 100_001]).await.status, 413);
    assert_eq!(set(&stage, "alice", "agents/bob", b"").await.refusal(), (403, "FORBIDDEN".into()));
    let small = {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::from_pixel(127, 300, Rgb(RED)).write_to(&mut bytes, ImageFormat::Gif).unwrap();
        bytes.into_inner()
    };
    let wrong: [(&[u8], &str); 4] = [
        (b"", "EMPTY_BODY"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "UNSUPPORTED_FORMAT"),
        (b"\x89PNG\r\n\x1a\nnothing", "DECODE_FAILED"),
        (&small, "IMAGE_TOO_SMALL"),
    ];
    for (bytes, code) in wrong {
        let answer = set(&stage, "alice", "agents/alice", bytes).await;
        assert_eq!(answer.refusal(), (400, code.into()));
        assert_eq!(
            answer.json()["details"].clone(),
            match code {
                "IMAGE_TOO_SMALL" => json!({ "min": 128 }),
                _ => Value::Null,
            }
        );
        let limited = set(&stage, "alice", "agents/alice", &image(RED)).await;
        assert_eq!(limited.json()["details"]["reason"], json!("avatar_write"), "{code}");
        stage.clock.advance(60_000);
    }
    assert_eq!(stage.delete("alice", "/v1/agents/alice/avatar").await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(set(&stage, "alice", "agents/alice", b"").await.refusal(), (429, "RATE_LIMITED".into()));
    let stage = stage.meanwhile(Standing::Is("alice", AgentStatus::Suspended)).await;
    assert_eq!(set(&stage, "alice", "agents/bob", b"").await.refusal(), (403, "SUSPENDED".into()));
}

#[store_test]
async fn a_picture_is_set_once_under_an_idempotency_key(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], |config| config.limits.set("avatar_write=1/60").unwrap()).await;
    let authorization = format!("Bearer {}", stage.key("alice"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "avatar-0001")];
    // Larger than any JSON may be.
    let noise = RgbImage::from_fn(900, 900, |x, y| {
        let mixed = x.wrapping_mul(2_654_435_761).rotate_left(y % 31) ^ y.wrapping_mul(40_503);
        Rgb([mixed as u8, (mixed >> 8) as u8, (mixed >> 16) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    noise.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    assert!(bytes.len() > 1_100_000, "{}", bytes.len());
    let first = stage.server.request("PUT", "/v1/agents/alice/avatar", &headers, &bytes).await;
    let again = stage.server.request("PUT", "/v1/agents/alice/avatar", &headers, &bytes).await;
    assert_eq!((first.status, &first.body), (200, &again.body));
    assert_eq!(again.header("idempotent-replay"), Some("true"));
}

#[store_test]
async fn an_invitation_comes_with_the_groups_picture(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], off).await;
    let id = group(&stage, &["alice"]).await;
    let url = shown(&stage, "alice", &format!("groups/{id}"), RED).await;
    let bob = Agent { handle: "bob", key: stage.key("bob").to_owned() };
    let mut peer = Peer::acking(&stage.server, &bob).await;
    peer.nothing_more().await;
    stage.post("alice", &format!("/v1/groups/{id}/members"), json!({ "handle": "bob" })).await;
    let frame = peer.frame().await;
    assert_eq!(frame["type"], "group.invite.received");
    assert_eq!(frame["payload"]["group_avatar_url"], json!(url));
}
