//! Nothing is left out: every route the server serves has a ladder, every ladder a route, and every error code of
//! errors.md is provoked.

use std::collections::BTreeSet;

use agentchat_protocol::error::ErrorCode;

use super::ladder::{Step, anonymous};
use crate::client::TestServer;

/// Routes whose rows cannot be climbed, and where they are proved.
const ELSEWHERE: &[(&str, &str)] = &[("GET /v1/ws", "realtime: handshakes and closes")];

/// Codes that no rung can provoke, and where they are proved.
const CODES_ELSEWHERE: &[(ErrorCode, &str)] = &[
    (ErrorCode::MethodNotAllowed, "prologues"),
    (ErrorCode::PayloadTooLarge, "prologues"),
    (ErrorCode::Unauthorized, "prologues"),
    (ErrorCode::Suspended, "prologues"),
    (ErrorCode::OpsAuthRequired, "prologues"),
    (ErrorCode::IdempotentInProgress, "idempotency: two at once"),
    (ErrorCode::InternalError, "frame: a handler that panics; layers' own tests"),
    (ErrorCode::ServiceUnavailable, "lifecycle: draining; nodes: outages"),
];

/// Codes of resources that are not built yet. This list only ever gets shorter.
const UNBUILT: &[ErrorCode] = &[
    ErrorCode::AttachmentWrongScope,
    ErrorCode::AttachmentNotReady,
    ErrorCode::AttachmentMismatch,
    ErrorCode::UploadUrlInvalid,
    ErrorCode::StorageUnavailable,
    ErrorCode::EmptyBody,
    ErrorCode::UnsupportedFormat,
    ErrorCode::DecodeFailed,
    ErrorCode::ImageTooSmall,
    ErrorCode::ProcessingFailed,
    ErrorCode::LimitReached,
    ErrorCode::AlreadyReplayed,
    ErrorCode::OwnerNotFound,
    ErrorCode::InvalidApiKey,
    ErrorCode::ClaimNotFound,
    ErrorCode::AlreadyClaimed,
    ErrorCode::TooManyClaims,
    ErrorCode::NotASystemAgent,
];

/// `GET /v1/agents/{}` of everything in the server's own OpenAPI document.
async fn served() -> BTreeSet<String> {
    let server = TestServer::start().await;
    let document = server.get("/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap_or_else(|| panic!("no paths: {document}"));
    let routes = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flat_map(|methods| methods.keys());
        methods.map(move |method| format!("{} {}", method.to_uppercase(), anonymous(path)))
    });
    routes.collect()
}

#[tokio::test]
async fn every_route_has_a_ladder_and_every_ladder_a_route() {
    let elsewhere = ELSEWHERE.iter().map(|(route, _)| (*route).to_owned());
    let laddered: BTreeSet<String> = super::all().iter().map(|ladder| ladder.route()).chain(elsewhere).collect();
    let served = served().await;
    assert_eq!(served.difference(&laddered).collect::<Vec<_>>(), Vec::<&String>::new(), "routes without a ladder");
    assert_eq!(laddered.difference(&served).collect::<Vec<_>>(), Vec::<&String>::new(), "ladders without a route");
}

#[test]
fn every_code_is_provoked() {
    let ladders = super::all();
    let rungs = ladders.iter().flat_map(|ladder| &ladder.steps).filter_map(|step| match step {
        Step::Refused(refused) => Some(refused.code),
        _ => None,
    });
    let mut proved: Vec<ErrorCode> = rungs.collect();
    let unbuilt_but_provoked: Vec<_> = UNBUILT.iter().filter(|code| proved.contains(code)).collect();
    assert!(unbuilt_but_provoked.is_empty(), "take these off the list: {unbuilt_but_provoked:?}");
    proved.extend(CODES_ELSEWHERE.iter().map(|(code, _)| *code).chain(UNBUILT.iter().copied()));
    let forgotten: Vec<_> = ErrorCode::ALL.iter().filter(|code| !proved.contains(code)).collect();
    assert!(forgotten.is_empty(), "no rung provokes {forgotten:?}");
}
