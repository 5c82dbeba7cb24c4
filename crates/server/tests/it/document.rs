//! The OpenAPI document: complete, and the one that is written down in `docs/openapi.json`.

use std::collections::BTreeSet;
use std::path::Path;

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use crate::client::TestServer;

async fn served() -> Value {
    let server =
        TestServer::start_with(|config| config.public_url = Some("https://agentchat.example".to_owned())).await;
    server.get("/v1/openapi.json").await.json()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let named = move |(method, operation)| (format!("{method} {path}"), operation);
        item.as_object().unwrap().iter().map(named)
    });
    all.collect()
}

fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(path) => document.pointer(&path[1..]).unwrap_or_else(|| panic!("{path} leads nowhere")),
        None => value,
    }
}

#[tokio::test]
async fn it_is_the_one_that_is_written_down() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&served().await).unwrap());
    if std::env::var_os("RENEW_OPENAPI").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "docs/openapi.json is not what the server serves; look at the difference after\n\
         RENEW_OPENAPI=1 cargo test -p agentchat-server --test it -- document"
    );
}

#[tokio::test]
async fn every_operation_is_described() {
    let document = served().await;
    let mut ids = BTreeSet::new();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} twice");
        assert!(!id.starts_with("undescribed_"), "nothing is said of `{name}`: api/document/operations/");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        assert!(tags.contains(&&operation["tags"][0]), "{name}: its tag is not described");
        for parameter in name.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let known = operation["parameters"].as_array().unwrap();
            assert!(known.iter().any(|one| one["name"] == parameter && one["in"] == "path"), "{name}");
        }
        for media in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            assert!(media.1["schema"].is_object(), "{name}: {} without a schema", media.0);
        }
    }
}

#[tokio::test]
async fn every_answer_says_what_it_is() {
    let document = served().await;
    for (name, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.as_str() < "400"), "{name} cannot succeed");
        for (status, answer) in answers {
            let answer = resolve(&document, answer);
            assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
            assert!(answer["headers"]["X-Request-Id"].is_object() || status == "416", "{name} {status}");
            if status.as_str() < "400" || status == "416" {
                continue;
            }
            let codes = answer["content"]["application/json"]["schema"]["properties"]["code"]["enum"].as_array();
            for code in codes.unwrap_or_else(|| panic!("{name} {status}: no codes")) {
                let code = ErrorCode::from_str(code.as_str().unwrap()).unwrap();
                let unset = (code, status.as_str()) == (ErrorCode::OpsAuthRequired, "503");
                assert!(code.status().to_string() == *status || unset, "{name} {status}: {code}");
                assert!(
                    answer["content"]["application/json"]["examples"][code.as_str()]["value"]["message"].is_string(),
                    "no example of {code}: api/document/errors.json"
                );
            }
            let waits = status == "429" || status == "503";
            assert_eq!(answer["headers"]["Retry-After"].is_object(), waits, "{name} {status}");
        }
    }
}

#[tokio::test]
async fn what_asks_for_a_key_answers_for_it() {
    let document = served().await;
    for (name, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        let asks = operation["security"] == json!([{ "api_key": [] }]);
        assert!(!asks || (answers.contains_key("401") && answers.contains_key("429")), "{name}");
        let keyed = operation["parameters"].as_array().unwrap();
        let keyed = keyed.iter().any(|one| resolve(&document, one)["name"] == "Idempotency-Key");
        assert_eq!(keyed, asks && !name.starts_with("get "), "{name}");
    }
}

#[tokio::test]
async fn routes_are_what_the_document_says() {
    let server = TestServer::start().await;
    let document = server.get("/v1/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let concrete = path.replace("{handle}", "nobody").replace(['{', '}'], "");
        let mut allowed: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if allowed.contains("GET") {
            allowed.insert("HEAD".to_owned());
        }
        let answer = server.request("TRACE", &concrete, &[], b"").await;
        assert_eq!(answer.status, 405, "{path}");
        let told = answer.json()["details"]["allow"].clone();
        let told: BTreeSet<String> =
            told.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
        assert_eq!(told, allowed, "{path}");
    }
}
