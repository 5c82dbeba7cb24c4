//! `GET /v1/export` (extensions.md X7): everything an agent may see, a JSON object a line.
//!
//! The answer is written while it is read, a page at a time. Should a page fail, the connection ends without the line
//! `end`, and not like an answer that is complete.

use std::collections::{BTreeMap, HashSet};

use agentchat_core::export::{
    BeginExport, Beginning, ExportAttachments, ExportConversations, ExportMessages, ExportUploads, FoundAttachment,
    Span,
};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AttachmentKey;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Caller, Operator, PathHandle};
use crate::limits::Policy;

const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");
/// Rows of one read.
const PAGE: i64 = 100;
/// Conversations of one read: each is several looks.
const CONVERSATIONS: usize = 50;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own)).routes(routes!(of_agent))
}

/// Everything the caller may see: its record, contacts, blocks, mutes, conversations, messages, what is known of
/// attachments, and webhooks without their secrets. Lines are told apart by `kind`; the last one is `end`, with counts.
#[utoipa::path(get, path = "/v1/export", tag = "agents", security(("api_key" = [])),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
async fn own(State(app): State<App>, caller: Caller) -> Result<Response> {
    app.limit_agent(Policy::Export, caller.key)?;
    export(&app, caller.handle.clone()).await
}

/// The same for any agent.
#[utoipa::path(get, path = "/admin/agents/{handle}/export", tag = "admin", security(("operator" = [])),
    params(("handle" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
async fn of_agent(_: Operator, State(app): State<App>, PathHandle(handle): PathHandle) -> Result<Response> {
    export(&app, handle).await
}

/// The export of an agent, as of now.
pub(crate) async fn export(app: &App, handle: Handle) -> Result<Response> {
    let now = app.clock.now();
    let beginning = app.shown(app.store.read(BeginExport { handle, now }).await?);
    let export = Export {
        app: app.clone(),
        now,
        beginning,
        next: Next::Beginning,
        seen: HashSet::new(),
        counts: BTreeMap::new(),
    };
    let lines = stream::try_unfold(export, Export::page);
    Ok(([(CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response())
}

/// An export under way.
struct Export {
    app: App,
    now: Timestamp,
    beginning: Beginning,
    next: Next,
    /// Attachments that were written.
    seen: HashSet<AttachmentKey>,
    counts: BTreeMap<&'static str, u64>,
}

/// What is read next.
enum Next {
    Beginning,
    /// From this one on.
    Conversations(usize),
    /// Of this conversation, above this seq.
    Messages(usize, Option<i64>),
    /// The same.
    Attachments(usize, Option<i64>),
    /// Behind this one.
    Uploads(AttachmentKey),
    End,
    Nothing,
}

/// Lines, each of a kind.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn add(&mut self, kind: &'static str, object: &impl Serialize) -> serde_json::Result<()> {
        let text = serde_json::to_string(object)?;
        self.0.extend_from_slice(format!("{{\"kind\":\"{kind}\"").as_bytes());
        let members = text.strip_prefix('{').unwrap_or("}");
        if members != "}" {
            self.0.push(b',');
        }
        self.0.extend_from_slice(members.as_bytes());
        self.0.push(b'\n');
        Ok(())
    }
}

/// Why an export ends early.
type Broken = Box<dyn std::error::Error + Send + Sync>;

impl Export {
    /// The next lines; none when all were written.
    async fn page(mut self) -> Result<Option<(Bytes, Self)>, Broken> {
        loop {
            let mut lines = Lines::default();
            if let Err(error) = self.step(&mut lines).await {
                tracing::warn!(%error, "an export ends early");
                return Err(error);
            }
            if !lines.0.is_empty() {
                return Ok(Some((lines.0.into(), self)));
            }
            if matches!(self.next, Next::Nothing) {
                return Ok(None);
            }
        }
    }

    async fn step(&mut self, lines: &mut Lines) -> Result<(), Broken> {
        if self.app.is_draining() {
            return Err("the server shuts down".into());
        }
        self.next = match self.next {
            Next::Beginning => self.begin(lines)?,
            Next::Conversations(from) => self.conversations(from, lines).await?,
            Next::Messages(place, above) => self.messages(place, above, lines).await?,
            Next::Attachments(place, above) => self.attachments(place, above, lines).await?,
            Next::Uploads(after) => self.uploads(after, lines).await?,
            Next::End => self.end(lines)?,
            Next::Nothing => Next::Nothing,
        };
        Ok(())
    }

    fn write<T: Serialize>(&mut self, kind: &'static str, objects: &[T], lines: &mut Lines) -> Result<(), Broken> {
        for object in objects {
            lines.add(kind, object)?;
        }
        *self.counts.entry(kind).or_default() += objects.len() as u64;
        Ok(())
    }

    fn begin(&mut self, lines: &mut Lines) -> Result<Next, Broken> {
        let contacts = std::mem::take(&mut self.beginning.contacts);
        let blocks = std::mem::take(&mut self.beginning.blocks);
        let mutes = std::mem::take(&mut self.beginning.mutes);
        let agent = self.beginning.agent.clone();
        self.write("agent", &[agent], lines)?;
        self.write("contact", &contacts, lines)?;
        self.write("block", &blocks, lines)?;
        self.write("mute", &mutes, lines)?;
        Ok(Next::Conversations(0))
    }

    async fn conversations(&mut self, from: usize, lines: &mut Lines) -> Result<Next, Broken> {
        let some = self.beginning.spans[from..].iter().take(CONVERSATIONS);
        let conversations: Vec<_> = some.map(|span| span.conversation).collect();
        let next = from + conversations.len();
        let read = ExportConversations { agent: self.beginning.key, conversations, now: self.now };
        let items = self.app.shown(self.app.store.read(read).await?);
        self.write("conversation", &items, lines)?;
        Ok(if next < self.beginning.spans.len() { Next::Conversations(next) } else { Next::Messages(0, None) })
    }

    /// What is left of the conversation at a place.
    fn span(&self, place: usize, above: Option<i64>) -> Option<Span> {
        let span = self.beginning.spans.get(place).copied()?;
        Some(Span { above: above.unwrap_or(span.above), ..span })
    }

    async fn messages(&mut self, place: usize, above: Option<i64>, lines: &mut Lines) -> Result<Next, Broken> {
        let Some(span) = self.span(place, above) else { return Ok(Next::Attachments(0, None)) };
        let (agent, keys, now) = (self.beginning.key, self.app.keys.clone(), self.now);
        let found = self.app.store.read(ExportMessages { agent, span, limit: PAGE, keys, now }).await?;
        self.write("message", &found.messages, lines)?;
        Ok(match found.above {
            Some(above) => Next::Messages(place, Some(above)),
            None => Next::Messages(place + 1, None),
        })
    }

    async fn attachments(&mut self, place: usize, above: Option<i64>, lines: &mut Lines) -> Result<Next, Broken> {
        let Some(span) = self.span(place, above) else { return Ok(Next::Uploads(AttachmentKey(0))) };
        let read = ExportAttachments { agent: self.beginning.key, span, limit: PAGE };
        let (found, above) = self.app.store.read(read).await?;
        self.write_unseen(found, lines)?;
        Ok(match above {
            Some(above) => Next::Attachments(place, Some(above)),
            None => Next::Attachments(place + 1, None),
        })
    }

    async fn uploads(&mut self, after: AttachmentKey, lines: &mut Lines) -> Result<Next, Broken> {
        let read = ExportUploads { agent: self.beginning.key, after, until: self.now, limit: PAGE };
        let found = self.app.store.read(read).await?;
        let last = found.last().map(|found| found.key);
        self.write_unseen(found, lines)?;
        Ok(last.map_or(Next::End, Next::Uploads))
    }

    fn write_unseen(&mut self, mut found: Vec<FoundAttachment>, lines: &mut Lines) -> Result<(), Broken> {
        found.retain(|found| self.seen.insert(found.key));
        let fresh: Vec<_> = found.into_iter().map(|found| found.attachment).collect();
        self.write("attachment", &fresh, lines)
    }

    fn end(&mut self, lines: &mut Lines) -> Result<Next, Broken> {
        let webhooks = std::mem::take(&mut self.beginning.webhooks);
        self.write("webhook", &webhooks, lines)?;
        self.counts.entry("attachment").or_default();
        lines.add("end", &json!({ "counts": self.counts }))?;
        Ok(Next::Nothing)
    }
}
