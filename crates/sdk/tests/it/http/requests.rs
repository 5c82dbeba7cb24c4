//! What goes out (D-17, D-18, D-20, D-34, H5 – H10).

use agentchat::{Accounts, Client, ErrorKind, InboxMode, Method, Register, SendMessage, UpdateAgent};

use super::scripted::{MESSAGE, Script, ok};

const AGENT: &str = r#"{"id":"agt_1","handle":"me","email":"a@b.c","status":"active","paused_by_owner":"none",
    "settings":{"inbox_mode":"open","group_invite_policy":"open"},"created_at":"t","updated_at":"t"}"#;
const PROFILE: &str = r#"{"handle":"bob","status":"active","created_at":"t"}"#;

fn body(script: &Script) -> serde_json::Value {
    serde_json::from_slice(script.requests()[0].body()).unwrap()
}

#[tokio::test]
async fn d17_ids_cannot_leave_their_route() {
    let script = Script::new([]);
    let client = script.client();
    let errors = [
        client.get_conversation_context("..").await.unwrap_err(),
        client.get_agent("..").await.unwrap_err(),
        client.get_agent("@..").await.unwrap_err(),
        client.delete_message(".").await.unwrap_err(),
        client.get_agent("").await.unwrap_err(),
        client.get_agent("@").await.unwrap_err(),
        client.get_messages("sync").await.unwrap_err(),
        client.get_messages("undelivered").await.unwrap_err(),
        client.hide_conversation("a/../b").await.unwrap_err(),
        client.hide_conversation("a\\b").await.unwrap_err(),
        client.hide_conversation("a\nb").await.unwrap_err(),
        client.send_message(SendMessage::to("..").text("x")).await.unwrap_err(),
        client.raw(Method::GET, "/v1/groups/../agents").await.unwrap_err(),
        client.sync_ack(&"".into()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!((error.code(), error.status()), (Some("VALIDATION_ERROR"), Some(400)));
        assert!(error.details().unwrap().as_str().contains(r#""source":"client""#), "{error}");
        assert_eq!(error.request_id(), None);
    }
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn d17_i_handles_are_encoded_and_me_is_an_alias() {
    for (handle, path) in [
        ("%2e%2e", "/v1/agents/%252e%252e"),
        ("ünï ☃", "/v1/agents/%C3%BCn%C3%AF%20%E2%98%83"),
        ("me", "/v1/agents/me"),
        ("@Bob", "/v1/agents/Bob"),
    ] {
        let script = Script::new([ok(PROFILE)]);
        script.client().get_agent(handle).await.unwrap();
        assert_eq!(script.line(), format!("GET http://h{path}"));
    }
}

#[tokio::test]
async fn h01_the_base_url_is_kept_and_its_slashes_do_not_double() {
    let script = Script::new([ok(AGENT)]);
    let client = script.builder().base_url("http://h/base//").build().unwrap();
    client.get_me().await.unwrap();
    assert_eq!((client.base_url(), script.line().as_str()), ("http://h/base//", "GET http://h/base/v1/agents/me"));
    assert_eq!(Client::builder().base_url("not a url").build().unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn h08_headers_name_the_client_and_its_key_once() {
    let script = Script::new([ok(AGENT)]);
    let client =
        script.builder().api_key("  ac_live_SECRET\n").default_header("authorization", "Bearer other").build().unwrap();
    client.get_me().header("AUTHORIZATION", "Bearer third").header("x-one", "1").await.unwrap();
    let request = &script.requests()[0];
    let all = |name| {
        request.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(all("authorization"), ["Bearer ac_live_SECRET"]);
    assert_eq!(all("x-agentchat-client"), ["rust_sdk"]);
    assert_eq!(all("x-agentchat-client-version"), [agentchat::VERSION]);
    assert_eq!(all("user-agent"), [format!("agentchat-rs/{}", agentchat::VERSION)]);
    assert_eq!(all("x-one"), ["1"]);
    assert_eq!(all("content-type"), Vec::<String>::new());
}

#[tokio::test]
async fn d20_b_without_a_key_the_callers_header_goes_out() {
    let script = Script::new([ok(AGENT)]);
    let client = script.builder().api_key("").default_header("Authorization", "Bearer other").build().unwrap();
    client.get_me().await.unwrap();
    assert_eq!(script.requests()[0].headers()["authorization"], "Bearer other");
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_named_but_not_shown() {
    let script = Script::new([]);
    let error = script.client().get_me().header("x-secret", "sécret\n").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("x-secret") && !error.message().contains("cret\n"), "{error}");
    assert_eq!(script.count(), 0);
}

#[test]
fn d18_c_nothing_prints_the_key() {
    let client = Client::new("ac_live_SECRET").unwrap();
    let printed = format!("{client:?} {:?}", client.realtime());
    assert!(!printed.contains("SECRET"), "{printed}");
}

#[tokio::test]
async fn d34_a_registration_sends_no_nulls() {
    let pending = r#"{"pending_id":"pnd_1","message":"m"}"#;
    let script = Script::new([ok(pending)]);
    let accounts = Accounts::new().base_url("http://h").transport(script.clone());
    accounts.register(Register::new("a@b.c", "@bob")).await.unwrap();
    assert_eq!(body(&script), serde_json::json!({"email": "a@b.c", "handle": "bob"}));
    assert!(script.requests()[0].headers().get("authorization").is_none());

    let script = Script::new([ok(pending)]);
    let accounts = Accounts::new().base_url("http://h").transport(script.clone());
    accounts.recover("a@b.c").handle("@bob").await.unwrap();
    assert_eq!(body(&script), serde_json::json!({"email": "a@b.c", "handle": "bob"}));
}

#[tokio::test]
async fn h10_a_message_is_written_in_its_order_with_an_id_of_its_own() {
    let script = Script::new([ok(MESSAGE), ok(MESSAGE)]);
    let client = script.client();
    let message = SendMessage::to("@bob").text("hi").reply_to(&"msg_0".into());
    client.send_message(message.clone()).await.unwrap();
    let id = message.get_client_msg_id();
    let expected =
        format!(r#"{{"client_msg_id":"{id}","content":{{"text":"hi"}},"to":"bob","metadata":{{"reply_to":"msg_0"}}}}"#);
    assert_eq!(script.requests()[0].body(), expected.as_bytes());
    assert_eq!(id.len(), 36);
    client.send_message(message.clone().client_msg_id("")).await.unwrap();
    assert_eq!(script.requests()[1].body(), expected.as_bytes());
}

#[tokio::test]
async fn h10_metadata_keeps_what_was_there_when_a_reply_is_named() {
    let script = Script::new([ok(MESSAGE)]);
    let message = SendMessage::in_conversation("grp_1").data(&serde_json::json!({"n": 1}));
    let message = message.metadata(&serde_json::json!({"a": 1})).reply_to(&"msg_0".into());
    script.client().send_message(message).await.unwrap();
    let sent = body(&script);
    assert_eq!(sent["metadata"], serde_json::json!({"a": 1, "reply_to": "msg_0"}));
    assert_eq!((&sent["conversation_id"], &sent["content"]["data"]["n"]), (&"grp_1".into(), &1.into()));
}

#[tokio::test]
async fn changes_of_the_own_record_are_partial() {
    let script = Script::new([ok(AGENT)]);
    let update = UpdateAgent::new().display_name(None).inbox_mode(InboxMode::ContactsOnly);
    script.client().update_agent("me", update).await.unwrap();
    assert_eq!(body(&script), serde_json::json!({"display_name": "", "settings": {"inbox_mode": "contacts_only"}}));
}

#[tokio::test]
async fn h06_queries_are_written_in_their_order() {
    let script = Script::new([ok("[]")]);
    script.client().get_messages("conv_1").after_seq(0).limit(200).await.unwrap();
    assert_eq!(script.line(), "GET http://h/v1/messages/conv_1?limit=200&after_seq=0");
    let script = Script::new([ok("[]")]);
    let cursor = "del_ 1".into();
    script.client().sync().wait(std::time::Duration::from_secs(30)).after(&cursor).limit(5).await.unwrap();
    assert_eq!(script.line(), "GET http://h/v1/messages/sync?limit=5&after=del_+1&wait=30");
}

#[tokio::test]
async fn h07_a_post_without_a_body_says_so() {
    let script = Script::new([ok(MESSAGE)]);
    script.client().mark_as_read("msg_1").await.unwrap();
    let request = &script.requests()[0];
    assert_eq!(request.headers()["content-length"], "0");
    assert!(request.headers().get("content-type").is_none());
}
