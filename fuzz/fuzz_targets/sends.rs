//! The scanner of send requests against serde_json: what it keeps of content and metadata is what was sent, compact, and
//! read again it is the same.
#![no_main]

use agentchat_protocol::send::SendRequest;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

const LIMIT: usize = 32_768;

fuzz_target!(|data: &[u8]| {
    let Ok(request) = SendRequest::parse(data, LIMIT) else { return };
    let content = request.content.as_str();
    let metadata = request.metadata.as_ref().map_or("{}", |metadata| metadata.as_str());
    assert!(content.len() <= LIMIT, "larger than the limit");
    // A number beyond the range of serde_json: no second opinion.
    let (Ok(body), Ok(kept)) = (serde_json::from_slice::<Value>(data), serde_json::from_str::<Value>(content)) else {
        return;
    };
    let sent = body["content"].as_object().cloned().unwrap_or_default();
    let known = |(name, value): &(String, Value)| {
        matches!(name.as_str(), "text" | "data" | "attachment_id") && !value.is_null()
    };
    let expected: Map<String, Value> = sent.into_iter().filter(known).collect();
    assert_eq!(kept, Value::Object(expected));
    let again = format!(r#"{{"to":"bob","client_msg_id":"m","content":{content},"metadata":{metadata}}}"#);
    let again = SendRequest::parse(again.as_bytes(), LIMIT).expect("what was kept is a valid request");
    assert_eq!(again.content.as_str(), content);
    assert_eq!(again.metadata.as_ref().map(|metadata| metadata.as_str()), Some(metadata));
});
