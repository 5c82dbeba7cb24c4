//! What a client's frames are answered with, in the order in which the frames came.

use std::collections::VecDeque;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use agentchat_core::accounts::Caller;
use agentchat_core::messages::{ReadThrough, Sent};
use agentchat_core::presence::{SaidSo, SayPresence};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::frame::{FrameFailure, MessageSent, PresenceUpdate, SendFrame, ServerFrame};
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::presence::PresenceRequest;
use agentchat_protocol::send::SendRequest;
use agentchat_store::Engine;
use futures_util::stream::{FuturesOrdered, Stream};

use super::typing::{Composing, Forward};
use crate::app::App;
use crate::error::AppError;
use crate::limits::{Policy, Rate};
use crate::{api, enforcement, sending};

/// Frames of one socket that are worked on at once; further ones wait in the connection.
const AT_ONCE: usize = 16;

type Reply = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What becomes of a frame. The next one's comes after it, however long each took.
enum Done {
    Nothing,
    /// A frame for the socket.
    Answer(String),
    /// A frame for others.
    Forward(Forward),
}

impl Done {
    fn answer(text: Option<String>) -> Self {
        text.map_or(Self::Nothing, Self::Answer)
    }
}

/// The open replies of one socket. Its frames are processed in their order.
pub(super) struct Replies {
    engine: Engine,
    open: Option<Box<Open>>,
}

enum Open {
    /// SQLite's writer takes operations in the order in which they were queued, and each runs up to there when it is
    /// first polled.
    Together(FuturesOrdered<Reply>),
    /// On PostgreSQL operations that are under way at once commit in any order.
    InTurn(VecDeque<Reply>),
}

impl Open {
    fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Together(FuturesOrdered::new()),
            Engine::Postgres => Self::InTurn(VecDeque::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Together(replies) => replies.len(),
            Self::InTurn(replies) => replies.len(),
        }
    }

    fn push_back(&mut self, reply: Reply) {
        match self {
            Self::Together(replies) => replies.push_back(reply),
            Self::InTurn(replies) => replies.push_back(reply),
        }
    }

    /// `None` when there is no further one.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Done>> {
        match self {
            Self::Together(replies) => Pin::new(replies).poll_next(context),
            Self::InTurn(replies) => {
                let Some(first) = replies.front_mut() else { return Poll::Ready(None) };
                let reply = ready!(first.as_mut().poll(context));
                replies.pop_front();
                Poll::Ready(Some(reply))
            }
        }
    }
}

impl Replies {
    /// None yet, on this engine.
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, open: None }
    }

    /// As much is open as may be at once.
    pub(super) fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.len() >= AT_ONCE)
    }

    /// Sends the message of a frame. Without a usable `request_id` nobody could tell what the answer refers to.
    pub(super) fn send(&mut self, app: &App, caller: &Arc<Caller>, frame: &SendFrame<'_>) {
        let Some(request_id) = frame.request_id.clone() else { return };
        let limit = usize::try_from(app.limits.content_bytes).unwrap_or(usize::MAX);
        match frame.request(limit) {
            Ok(request) => self.push(send(app.clone(), Arc::clone(caller), request_id, request)),
            Err(error) => self.push(future::ready(Done::answer(failure(request_id, &api::send_error(error))))),
        }
    }

    /// Answers a send that came too soon.
    pub(super) fn refuse(&mut self, frame: SendFrame<'_>, rate: Option<Rate>, wait: Duration) {
        let (Some(request_id), Some(rate)) = (frame.request_id, rate) else { return };
        let refusal = agentchat_core::Refusal {
            policy: Policy::WsFrame.reason(),
            limit: u64::from(rate.limit),
            window_s: u64::from(rate.window_s),
            retry_after_ms: (wait.as_micros() as u64).div_ceil(1_000).max(1),
        };
        self.push(future::ready(Done::answer(failure(request_id, &AppError::from(refusal)))));
    }

    /// Moves the read cursor; answered by nothing.
    pub(super) fn read_through(
        &mut self,
        app: &App,
        caller: &Arc<Caller>,
        conversation: ConversationId,
        through_seq: i64,
    ) {
        let operation = ReadThrough {
            reader: caller.key,
            handle: caller.handle.clone(),
            conversation,
            through_seq: through_seq.unsigned_abs(),
            now: app.clock.now(),
        };
        self.push(read_through(app.clone(), operation));
    }

    /// Says whether the agent is there; answered by nothing.
    pub(super) fn say_presence(&mut self, app: &App, caller: &Arc<Caller>, update: &PresenceUpdate) {
        let request = PresenceRequest::of(&update.status, update.custom_message.as_deref());
        let Ok(request) = request else { return };
        let (agent, handle, now) = (caller.key, caller.handle.clone(), app.clock.now());
        self.push(say_presence(app.clone(), SayPresence { agent, handle, request, now }));
    }

    /// Forwards that the agent composes, or stopped; answered by nothing.
    pub(super) fn composing(&mut self, app: &App, caller: &Arc<Caller>, conversation: ConversationId, starts: bool) {
        let composing = Composing { agent: caller.key, handle: caller.handle.clone(), conversation, starts };
        let forward = composing.forward(app.clone());
        self.push(async { forward.await.map_or(Done::Nothing, Done::Forward) });
    }

    /// The next text to write, once its turn has come.
    pub(super) fn poll_next(&mut self, app: &App, context: &mut Context<'_>) -> Poll<String> {
        while let Some(open) = &mut self.open {
            match open.poll_next(context) {
                Poll::Ready(Some(Done::Answer(text))) => return Poll::Ready(text),
                Poll::Ready(Some(Done::Forward(forward))) => forward.send(app),
                Poll::Ready(Some(Done::Nothing)) => {}
                Poll::Ready(None) => self.open = None,
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    fn push(&mut self, reply: impl Future<Output = Done> + Send + 'static) {
        let open = self.open.get_or_insert_with(|| Box::new(Open::new(self.engine)));
        open.push_back(Box::pin(reply));
    }
}

async fn send(app: App, caller: Arc<Caller>, request_id: String, request: SendRequest) -> Done {
    let answer = sending::send(&app, &caller, request).await;
    if answer.as_ref().is_err_and(|error| error.code() == ErrorCode::Restricted) {
        // A request lets its agent be looked at when it comes; a frame when it is refused, which helps the next one.
        enforcement::review_restricted(&app, caller.key).await;
    }
    Done::answer(match answer {
        Ok(sent) => sent_text(request_id, sent),
        Err(error) => failure(request_id, &error),
    })
}

async fn say_presence(app: App, operation: SayPresence) -> Done {
    let shared = app.clone();
    let tell = move |said: &Result<SaidSo, agentchat_core::Error>| {
        if let Ok(said) = said {
            shared.hub.attendance().announce(&said.announcements);
        }
    };
    if let Err(error) = app.store.write_then(operation, tell).await {
        tracing::warn!(%error, "a presence.update was lost");
    }
    Done::Nothing
}

fn sent_text(request_id: String, sent: Sent) -> Option<String> {
    let backlog = sent.backlog.map(|warning| format!("{}={}", warning.handle, warning.undelivered));
    text(&ServerFrame::MessageSent(Box::new(MessageSent {
        request_id,
        replay: sent.replayed,
        message: sent.message,
        skipped_recipients: sent.skipped_recipients,
        backlog_warning: backlog,
    })))
}

fn failure(request_id: String, error: &AppError) -> Option<String> {
    if error.code().status() >= 500 {
        tracing::error!(request_id, %error, "a message.send failed");
    }
    text(&ServerFrame::Error(FrameFailure {
        request_id: Some(request_id),
        code: error.code().as_str().into(),
        message: error.message().into(),
        details: error.details(),
    }))
}

async fn read_through(app: App, operation: ReadThrough) -> Done {
    loop {
        match app.store.write(operation.clone()).await {
            Ok(outcome) => {
                sending::publish_reads(&app, &outcome);
                if !outcome.more {
                    return Done::Nothing;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a message.read_ack was lost");
                return Done::Nothing;
            }
        }
    }
}

/// The text of a frame.
pub(crate) fn text(frame: &ServerFrame) -> Option<String> {
    match frame.to_text() {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::error!(%error, kind = frame.kind(), "a frame could not be written");
            None
        }
    }
}
