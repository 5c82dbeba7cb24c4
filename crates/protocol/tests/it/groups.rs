//! Requests that make and change groups.

use agentchat_protocol::group::{AddMember, GroupChanges, MAX_AVATAR_URL, NewGroup};
use serde_json::{Value, json};

fn made(body: &Value) -> Result<NewGroup, Vec<String>> {
    NewGroup::parse(body.to_string().as_bytes()).map_err(|errors| errors.fields.into_keys().collect())
}

fn changed(body: &Value) -> Result<GroupChanges, Vec<String>> {
    GroupChanges::parse(body.to_string().as_bytes()).map_err(|errors| errors.fields.into_keys().collect())
}

#[test]
fn handles_are_taken_once_each_as_they_are_compared() {
    let body = json!({ "name": "ops", "member_handles": ["@Bob", "carol", "bob", "CAROL", "@@x", "not a handle"] });
    assert_eq!(made(&body).unwrap().member_handles, ["bob", "carol", "@x", "not a handle"]);
    let many = |count: usize| json!({ "name": "ops", "member_handles": vec!["bob"; count] });
    assert_eq!(made(&many(255)).unwrap().member_handles, ["bob"]);
    assert_eq!(made(&many(256)).unwrap_err(), ["member_handles"]);
}

#[test]
fn a_name_is_one_line_of_1_to_100_characters() {
    for (name, fits) in [
        (json!("x"), true),
        (json!("é".repeat(100)), true),
        (json!("é".repeat(101)), false),
        (json!("  "), false),
        (json!("a\nb"), false),
        (json!("a\u{202e}b"), false),
        (json!(7), false),
    ] {
        assert_eq!(made(&json!({ "name": name })).is_ok(), fits, "{name}");
        assert_eq!(changed(&json!({ "name": name })).is_ok(), fits, "{name}");
    }
    assert_eq!(made(&json!({ "name": null })).unwrap_err(), ["name"]);
    assert_eq!(changed(&json!({ "name": null })).unwrap(), GroupChanges::default());
}

#[test]
fn null_clears_in_a_patch_and_says_nothing_in_a_new_group() {
    let nulls =
        json!({ "name": "ops", "description": null, "avatar_url": null, "member_handles": null, "settings": null });
    let group = made(&nulls).unwrap();
    assert_eq!((group.description, group.avatar_url, group.member_handles.len()), (None, None, 0));
    let changes = changed(&nulls).unwrap();
    assert_eq!((changes.description, changes.avatar_url), (Some(None), Some(None)));
    assert_eq!(changed(&json!({ "description": " " })).unwrap().description, Some(None));
    assert_eq!(GroupChanges::parse(b"").unwrap(), GroupChanges::default());
}

#[test]
fn a_picture_is_at_an_https_address() {
    let long = |length: usize| format!("https://h/{}", "x".repeat(length - 10));
    let fits = ["https://example.com", "HTTPS://example.com:444/a?b#c", "https://[::1]/x", &long(MAX_AVATAR_URL)];
    for url in fits {
        assert_eq!(made(&json!({ "name": "ops", "avatar_url": url })).unwrap().avatar_url.as_deref(), Some(url));
    }
    let others = [
        "",
        "http://example.com",
        "https:/x",
        "https://",
        "https:///x",
        "https://?",
        "https://a b",
        &long(MAX_AVATAR_URL + 1),
    ];
    for url in others {
        assert_eq!(made(&json!({ "name": "ops", "avatar_url": url })).unwrap_err(), ["avatar_url"], "{url}");
        assert_eq!(changed(&json!({ "avatar_url": url })).unwrap_err(), ["avatar_url"], "{url}");
    }
}

#[test]
fn all_complaints_are_collected() {
    let body = json!({ "name": 1, "description": "x".repeat(501), "avatar_url": 2, "member_handles": ["bob", 3],
        "settings": { "who_can_invite": "member" } });
    let fields = ["avatar_url", "description", "member_handles", "name", "settings.who_can_invite"];
    assert_eq!(made(&body).unwrap_err(), fields);
    assert_eq!(changed(&json!({ "settings": { "who_can_invite": 1 } })).unwrap_err(), ["settings.who_can_invite"]);
}

#[test]
fn whoever_is_no_handle_is_nobody() {
    let added = |body: Value| AddMember::parse(body.to_string().as_bytes());
    assert_eq!(added(json!({ "handle": "@Bob" })).unwrap().handle.unwrap().as_str(), "bob");
    assert_eq!(added(json!({ "handle": "no handle" })).unwrap().handle, None);
    for body in [json!({}), json!({ "handle": null }), json!({ "handle": ["bob"] })] {
        assert!(added(body).unwrap_err().fields.contains_key("handle"));
    }
}
