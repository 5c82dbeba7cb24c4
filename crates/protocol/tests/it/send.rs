//! Send requests, rule by rule.

use agentchat_protocol::id::{ConversationId, ConversationKind};
use agentchat_protocol::message::MessageType;
use agentchat_protocol::send::{DEFAULT_LIMIT, SendError, SendRequest};
use agentchat_protocol::validate::FieldErrors;

fn parse(body: &str) -> Result<SendRequest, SendError> {
    SendRequest::parse(body.as_bytes(), DEFAULT_LIMIT)
}

fn accepted(body: &str) -> SendRequest {
    parse(body).unwrap_or_else(|error| panic!("{body}: {error:?}"))
}

fn refused(body: &str) -> FieldErrors {
    match parse(body) {
        Err(SendError::Invalid(errors)) => errors,
        other => panic!("{body}: {other:?}"),
    }
}

fn content(content: &str) -> SendRequest {
    accepted(&format!(r#"{{"to":"bob","client_msg_id":"m","content":{content}}}"#))
}

fn refused_fields(body: &str) -> Vec<String> {
    refused(body).fields.into_keys().collect()
}

#[test]
fn the_contracts_example_is_read() {
    let request =
        accepted(r#"{"to":"@bob","client_msg_id":"7c1e4b0a-93f2-4d0e-8a57-0c9b7a1f2e11","content":{"text":"ready?"}}"#);
    assert_eq!(request.to.as_deref(), Some("@bob"));
    assert_eq!(request.conversation_id, None);
    assert_eq!(request.client_msg_id.as_deref(), Some("7c1e4b0a-93f2-4d0e-8a57-0c9b7a1f2e11"));
    assert_eq!(request.kind, MessageType::Text);
    assert_eq!(request.content.as_str(), r#"{"text":"ready?"}"#);
    assert_eq!(request.text.as_deref(), Some("ready?"));
    assert_eq!(request.metadata, None);
    assert_eq!(request.size, 17);
    assert_eq!(request.request_id, None);
}

#[test]
fn exactly_one_target_is_wanted() {
    for target in ["", r#""to":"bob","conversation_id":"grp_01KF0FV2EWF5WA0HM5ZD1QSCP7","#, r#""to":null,"#] {
        let errors = refused(&format!(r#"{{{target}"client_msg_id":"m","content":{{"text":""}}}}"#));
        assert_eq!(errors.form.len(), 1, "{target}");
        assert!(errors.fields.is_empty());
    }
}

#[test]
fn a_malformed_target_is_for_later() {
    let request = accepted(r#"{"to":"no such handle!","content":{"text":""}}"#);
    assert_eq!(request.to.as_deref(), Some("no such handle!"));
    let request = accepted(r#"{"conversation_id":"grp_x","content":{"text":""}}"#);
    assert_eq!(request.conversation_id, Some(ConversationId::nowhere(ConversationKind::Group)));
    assert_eq!(refused_fields(r#"{"conversation_id":"abc","content":{"text":""}}"#), ["conversation_id"]);
}

#[test]
fn a_missing_client_msg_id_may_come_from_the_header() {
    let body = br#"{"to":"bob","content":{"text":""}}"#;
    assert_eq!(SendRequest::parse(body, 99).unwrap().client_msg_id, None);
    let request = SendRequest::parse_with_key(body, 99, Some("key-12345")).unwrap();
    assert_eq!(request.client_msg_id.as_deref(), Some("key-12345"));
    let Err(SendError::Invalid(errors)) = SendRequest::parse_with_key(body, 1, None) else {
        panic!("required before the size is looked at");
    };
    assert_eq!(errors.fields["client_msg_id"], ["Required"]);
    let own = br#"{"to":"bob","client_msg_id":"mine","content":{"text":""}}"#;
    let request = SendRequest::parse_with_key(own, 99, Some("key-12345")).unwrap();
    assert_eq!(request.client_msg_id.as_deref(), Some("mine"));
}

#[test]
fn client_msg_ids_are_printable_and_not_the_platforms() {
    let with = |id: &str| format!(r#"{{"to":"bob","client_msg_id":"{id}","content":{{"text":""}}}}"#);
    for id in
        [String::new(), "x".repeat(129), "sys_1".into(), r"\u0073ys_1".into(), r"a\u0007b".into(), r"a\u2028b".into()]
    {
        assert_eq!(refused_fields(&with(&id)), ["client_msg_id"], "{id}");
    }
    let longest = "é".repeat(128);
    assert_eq!(accepted(&with(&longest)).client_msg_id, Some(longest));
    assert_eq!(refused_fields(r#"{"to":"bob","client_msg_id":5,"content":{"text":""}}"#), ["client_msg_id"]);
}

#[test]
fn the_type_is_one_of_three() {
    let with = |kind: &str| format!(r#"{{"to":"bob","type":{kind},"content":{{"text":""}}}}"#);
    assert_eq!(accepted(&with("null")).kind, MessageType::Text);
    assert_eq!(accepted(&with("\"structured\"")).kind, MessageType::Structured);
    assert_eq!(accepted(&with("\"file\"")).kind, MessageType::File);
    for kind in ["\"system\"", "\"Text\"", "\"\"", "5"] {
        assert_eq!(refused_fields(&with(kind)), ["type"], "{kind}");
    }
}

#[test]
fn content_needs_one_known_member_of_the_right_type() {
    let refusal = |content: &str| refused_fields(&format!(r#"{{"to":"bob","content":{content}}}"#));
    for none in ["{}", "null", "[]", "5", r#"{"other":1}"#, r#"{"text":null}"#, r#"{"text":"a","text":null}"#] {
        assert_eq!(refusal(none), ["content"], "{none}");
    }
    assert_eq!(refusal(r#"{"text":5}"#), ["content.text"]);
    assert_eq!(refusal(r#"{"text":"a","data":[]}"#), ["content.data"]);
    assert_eq!(refusal(r#"{"attachment_id":{}}"#), ["content.attachment_id"]);
    assert_eq!(refused_fields(r#"{"to":"bob"}"#), ["content"]);
    for empty in [r#"{"text":""}"#, r#"{"data":{}}"#, r#"{"attachment_id":""}"#] {
        assert_eq!(content(empty).content.as_str(), empty);
    }
}

#[test]
fn only_known_members_survive_and_nothing_in_them_changes() {
    let request = content(
        "{ \"x\" : [1], \"data\" : { \"n\" : 1.50 , \"big\":12345678901234567890 , \"e\":[ ] , \"s\":\" a\\u0020\\/ \" } , \
         \"text\" : \"@bob\\u0021\", \"attachment_id\":null }",
    );
    assert_eq!(
        request.content.as_str(),
        r#"{"data":{"n":1.50,"big":12345678901234567890,"e":[],"s":" a\u0020\/ "},"text":"@bob\u0021"}"#
    );
    assert_eq!(request.text.as_deref(), Some("@bob!"));
    assert_eq!(request.mentions[0].as_str(), "bob");
    assert_eq!(request.attachment_id, None);
}

#[test]
fn earlier_duplicates_are_dropped_at_every_level() {
    let request = content(r#"{"text":"a","data":{"k":1,"l":{"m":1,"m":2},"\u006b":3},"text":"b"}"#);
    assert_eq!(request.content.as_str(), r#"{"data":{"l":{"m":2},"\u006b":3},"text":"b"}"#);
    let request =
        accepted(r#"{"to":"eve","to":"bob","content":5,"content":{"text":"x"},"metadata":5,"metadata":null}"#);
    assert_eq!(request.to.as_deref(), Some("bob"));
    assert_eq!(request.metadata, None);
}

#[test]
fn nesting_counts_from_the_object_itself() {
    let data = |levels: usize| {
        let inner = format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        format!(r#"{{"to":"bob","content":{{"data":{inner}}}}}"#)
    };
    assert!(parse(&data(63)).is_ok());
    assert_eq!(refused_fields(&data(64)), ["content"]);
    let metadata = |levels: usize| {
        let inner = format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"to":"bob","content":{{"text":""}},"metadata":{inner}}}"#)
    };
    assert!(parse(&metadata(63)).is_ok());
    assert_eq!(refused_fields(&metadata(64)), ["metadata"]);
    let far_too_deep = metadata(100_000);
    assert_eq!(refused_fields(&far_too_deep), ["metadata"]);
}

#[test]
fn the_size_is_that_of_the_compact_text() {
    let body =
        br#"{"to":"bob","content":{ "text" : "four" , "junk":"xxxxxxxxxxxxxxxxxxxxxxxxxxxx" },"metadata":{ "a" : 1 }}"#;
    let (content, metadata) = (r#"{"text":"four"}"#.len(), r#"{"a":1}"#.len());
    let request = SendRequest::parse(body, content + metadata).unwrap();
    assert_eq!(request.size, content + metadata);
    let limit = content + metadata - 1;
    let too_large = SendError::TooLarge { limit, size: limit + 1 };
    assert_eq!(SendRequest::parse(body, limit), Err(too_large));
}

#[test]
fn complaints_come_before_the_size() {
    let body = br#"{"to":"bob","type":"system","content":{"text":"long enough"}}"#;
    assert!(matches!(SendRequest::parse(body, 1), Err(SendError::Invalid(_))));
}

#[test]
fn all_complaints_come_together() {
    let errors = refused(r#"{"client_msg_id":"sys_x","type":"x","content":{},"metadata":[]}"#);
    let names: Vec<String> = errors.fields.into_keys().collect();
    assert_eq!(names, ["client_msg_id", "content", "metadata", "type"]);
    assert_eq!(errors.form.len(), 1);
}

#[test]
fn the_hash_is_of_the_canonical_form() {
    let hash = |rest: &str| accepted(&format!(r#"{{"to":"bob",{rest}}}"#)).payload_hash;
    let one = hash(r#""content":{"text":"a","data":{"x":1,"b":{"d":1,"c":2}}}"#);
    assert_eq!(
        one,
        hash(r#""type":"text","metadata":{},"content":{"data":{"b":{"c":2,"d":1},"x":1} , "text":"a","z":0}"#)
    );
    assert_ne!(one, hash(r#""content":{"text":"a","data":{"x":1.0,"b":{"d":1,"c":2}}}"#));
    assert_ne!(one, hash(r#""type":"file","content":{"text":"a","data":{"x":1,"b":{"d":1,"c":2}}}"#));
    assert_ne!(one, hash(r#""metadata":{"a":1},"content":{"text":"a","data":{"x":1,"b":{"d":1,"c":2}}}"#));
}

#[test]
fn many_keys_cost_no_more_than_a_sort() {
    let members: Vec<String> = (0..60_000).map(|n| format!(r#""k{}":{n}"#, n * 7919 % 50_000)).collect();
    let body = format!(r#"{{"to":"bob","content":{{"data":{{{}}}}}}}"#, members.join(","));
    let request = SendRequest::parse(body.as_bytes(), body.len()).unwrap();
    assert_eq!(request.content.as_str().matches(':').count(), 50_001);
}

fn frame(text: &str) -> Result<SendRequest, SendError> {
    SendRequest::parse_frame(text.as_bytes(), DEFAULT_LIMIT)
}

#[test]
fn a_frame_carries_the_members_on_top_or_in_its_payload() {
    let flat =
        frame(r#"{"type":"message.send","request_id":"r1","to":"bob","client_msg_id":"m","content":{"text":"x"}}"#)
            .unwrap();
    assert_eq!(flat.request_id.as_deref(), Some("r1"));
    assert_eq!(flat.kind, MessageType::Text);
    let nested = frame(
        r#"{"payload":{"request_id":"r1","to":"eve","client_msg_id":"m","type":"file","content":{"text":"x"}},"type":"message.send","to":"bob"}"#,
    )
    .unwrap();
    assert_eq!(nested.kind, MessageType::File);
    assert_eq!(nested.to.as_deref(), Some("bob"));
    assert_eq!(nested.content, flat.content);
}

#[test]
fn a_frame_needs_both_its_ids() {
    let Err(SendError::Invalid(errors)) =
        frame(r#"{"type":"message.send","payload":{"to":"bob","content":{"text":"x"}}}"#)
    else {
        panic!("both are missing");
    };
    assert_eq!(errors.fields.into_keys().collect::<Vec<_>>(), ["client_msg_id", "request_id"]);
}
