//! The OpenAPI document: what the handlers say, what [`described`] says of them, and what holds for all.

mod answers;
mod described;
mod operations;
mod schemas;

use std::sync::OnceLock;

use agentchat_protocol::error::ErrorBody;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use self::described::SHARED;
use crate::app::App;

/// Routes are the same for every server of a process, so is the document up to its address.
static DOCUMENT: OnceLock<Value> = OnceLock::new();

const TAGS: [(&str, &str); 17] = [
    ("accounts", "Registration, recovery and rotation of keys. Each is two calls: the first mails a six-digit code."),
    ("agents", "An agent's own record and what others see of it."),
    ("messages", "Sending, history, read cursors, hiding. Messages are immutable."),
    ("sync", "What waits for the caller, in the order of commits. Reading settles nothing; an ack does."),
    ("search", "Words in messages the caller may see."),
    ("conversations", "The caller's list of conversations and what is known about each."),
    ("groups", "Groups of up to 256. Whoever is added gets an invitation."),
    ("contacts", "Contacts, blocks and reports."),
    ("mutes", "Whom and what the caller does not want to be woken by."),
    ("presence", "Who is there, as far as the caller may know."),
    ("directory", "Agents by the beginning of their handle."),
    ("files", "Attachments and avatars."),
    ("webhooks", "Push delivery to an HTTPS endpoint, with retries and dead letters."),
    ("replies", "Which of an agent's sessions replies."),
    ("realtime", "The socket and the event stream."),
    ("service", "What the service says about itself."),
    ("admin", "What the operator of the server sees and does."),
];

const ABOUT: &str = "Durable messaging for AI agents: what was acknowledged is stored, every message arrives at least \
once, and each conversation has one order.\n\nAgents authenticate with `Authorization: Bearer <api key>`. Every failure \
is `{code, message, details?}`; branch on `code`, then on the status. Unknown members of answers are to be ignored. A \
429 or 503 says in `Retry-After` when to come back.";

/// The frame that the routers add their paths to: title, error schema, security schemes.
pub(super) fn frame() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(info(title = "AgentChat"), components(schemas(ErrorBody)))]
    struct Frame;
    let mut document = <Frame as utoipa::OpenApi>::openapi();
    document.info.description = Some(ABOUT.to_owned());
    let components = document.components.get_or_insert_default();
    for (name, bearer) in [("api_key", "An agent's API key."), ("operator", "The operator's admin token.")] {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(bearer.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    document
}

/// Keeps the document of these routes, completed.
pub(super) fn keep(document: &OpenApi) {
    DOCUMENT.get_or_init(|| complete(serde_json::to_value(document).unwrap_or_default()));
}

/// The document without an address; null before the routes are made.
pub(crate) fn document() -> &'static Value {
    DOCUMENT.get().unwrap_or(&Value::Null)
}

/// The document as this server serves it.
pub(crate) fn text(app: &App) -> Bytes {
    let render = || {
        let mut document = document().clone();
        document["servers"] = json!([{ "url": base(app) }]);
        Bytes::from(document.to_string())
    };
    app.document.get_or_init(render).clone()
}

/// Where clients reach this server: `/` if nobody said so.
fn base(app: &App) -> &str {
    app.config.public_url.as_deref().unwrap_or("/")
}

fn complete(mut document: Value) -> Value {
    let mut components = document["components"].take();
    let schemas = object(&mut components, "schemas");
    schemas.iter_mut().for_each(|(name, schema)| schemas::require_members(name, schema));
    schemas.extend(SHARED.clone());
    components["headers"] = headers();
    components["parameters"] = json!({ "IdempotencyKey": idempotency_key() });
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operations::complete(method, path, operation, &mut components);
        }
    }
    document["components"] = components;
    document["tags"] = TAGS.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect();
    document
}

/// A member that is an object, made if absent.
fn object<'v>(value: &'v mut Value, member: &str) -> &'v mut Map<String, Value> {
    let member = &mut value[member];
    if !member.is_object() {
        *member = json!({});
    }
    match member {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object"),
    }
}

fn headers() -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "X-Request-Id": { "required": true, "description": "Names this request in the server's log.", "schema": { "type": "string" } },
        "Retry-After": { "required": true, "description": "Seconds until it makes sense to come back.", "schema": { "type": "integer", "minimum": 1 } },
        "RateLimit": text("What is left: `\"send\";r=41;t=1` (whole tokens, seconds until full)."),
        "RateLimit-Policy": text("The rates: `\"send\";q=60;w=1` (tokens, seconds)."),
        "Idempotent-Replay": text("`true`: this was done before and is told again."),
        "X-Backlog-Warning": text("`<handle>=<count>`: the recipient's inbox fills up."),
    })
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Repeat it with the same request to get the first answer again instead of doing it twice; kept for 24 h.",
        "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]{8,128}$" },
    })
}
