//! Waiting for the socket and writing to it.

use std::future::pending;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::oneshot;

use super::Session;
use crate::error::{Error, Result};
use crate::http::BoxFuture;
use crate::realtime::machine::{Generation, Input, Phase, SendFailure};
use crate::realtime::socket::{Inbound, OpenFailure, Socket, SocketFailure};

/// The socket that is being opened.
pub(super) type Opening = Option<(Generation, BoxFuture<'static, Result<Box<dyn Socket>, OpenFailure>>)>;

/// The socket that is being opened; waits for ever while none is.
pub(super) async fn opened(opening: &mut Opening) -> (Generation, Result<Box<dyn Socket>, OpenFailure>) {
    match opening {
        Some((generation, future)) => (*generation, future.await),
        None => pending().await,
    }
}

/// The end of the closing handshake; waits for ever while there is none.
pub(super) async fn closed(closing: &mut Option<(Generation, BoxFuture<'static, ()>)>) -> Generation {
    match closing {
        Some((generation, future)) => {
            future.await;
            *generation
        }
        None => pending().await,
    }
}

/// The next frame; waits for ever while there is no socket or it must not be read.
pub(super) async fn received(
    socket: &mut Option<(Generation, Box<dyn Socket>)>,
    reading: bool,
) -> (Generation, Option<Result<Inbound, SocketFailure>>) {
    match socket {
        Some((generation, socket)) if reading => (*generation, socket.recv().await),
        _ => pending().await,
    }
}

/// What is to be written next.
#[derive(Default)]
pub(super) struct Writes {
    hello: Option<Generation>,
    acks: Vec<Arc<str>>,
    frames: Vec<(String, oneshot::Sender<Result<()>>)>,
}

impl Writes {
    pub(super) fn push_hello(&mut self, generation: Generation) {
        self.hello = Some(generation);
    }

    pub(super) fn push_ack(&mut self, message_id: Arc<str>) {
        self.acks.push(message_id);
    }

    pub(super) fn push_frame(&mut self, text: String, answer: oneshot::Sender<Result<()>>) {
        self.frames.push((text, answer));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hello.is_none() && self.acks.is_empty() && self.frames.is_empty()
    }
}

impl Session {
    /// Writes everything that waits, at once. Whether there was anything.
    pub(super) async fn write(&mut self) -> bool {
        if self.writes.is_empty() {
            return false;
        }
        if let Some(generation) = self.writes.hello.take() {
            self.write_hello(generation).await;
        }
        let acks = std::mem::take(&mut self.writes.acks);
        let frames = std::mem::take(&mut self.writes.frames);
        if !acks.is_empty() || !frames.is_empty() {
            self.write_batch(acks, frames).await;
        }
        true
    }

    async fn write_hello(&mut self, generation: Generation) {
        let identity = &self.config.identity;
        let mut hello = json!({"type": "hello", "api_key": self.config.api_key.expose(), "capabilities": ["ack"], "client": identity.name});
        if let (Some(hello), false) = (hello.as_object_mut(), identity.version.is_empty()) {
            hello.insert("client_version".to_owned(), identity.version.clone().into());
        }
        match self.write_texts(vec![hello.to_string()]).await {
            Ok(()) => self.input(Input::HelloSent { generation }),
            Err(text) => {
                let close = self.peer_close().await;
                self.input(Input::SendFailed { generation, failure: SendFailure::Hello { text, close } });
            }
        }
    }

    /// The close frame the peer may have sent before the write failed.
    async fn peer_close(&mut self) -> Option<(u16, String)> {
        let limit = self.config.options.tuning.close;
        let received = tokio::time::timeout(limit, received(&mut self.socket, true)).await;
        match received {
            Ok((_, Some(Ok(Inbound::Close { code: Some(code), reason })))) => Some((code, reason)),
            _ => None,
        }
    }

    async fn write_batch(&mut self, acks: Vec<Arc<str>>, frames: Vec<(String, oneshot::Sender<Result<()>>)>) {
        let is_online = matches!(self.machine.phase(), Phase::Online { .. }) || self.machine.is_leaving();
        let Some(generation) = self.socket.as_ref().map(|(generation, _)| *generation).filter(|_| is_online) else {
            for (_, answer) in frames {
                answer.send(Err(Error::realtime("WebSocket is not connected"))).ok();
            }
            return self.input(Input::SendFailed { generation: 0, failure: SendFailure::Acks(acks) });
        };
        let (texts, answers): (Vec<String>, Vec<_>) = frames.into_iter().unzip();
        let texts = acks.iter().map(|id| ack(id)).chain(texts).collect();
        let result = self.write_texts(texts).await;
        for answer in answers {
            let told = result.clone().map_err(|text| Error::realtime(format!("send failed: {text}")));
            answer.send(told).ok();
        }
        if result.is_err() {
            tracing::debug!(target: "agentchat::realtime", count = acks.len(), "acknowledgements wait for the next connection");
            self.input(Input::SendFailed { generation, failure: SendFailure::Acks(acks) });
        }
    }

    /// A write that breaks is seen by the reader too, with the peer's reason; one that stalls ends the socket here.
    async fn write_texts(&mut self, texts: Vec<String>) -> Result<(), String> {
        let Some((generation, socket)) = &mut self.socket else { return Err("the socket is closed".to_owned()) };
        let generation = *generation;
        match tokio::time::timeout(self.config.options.tuning.write, socket.send_all(texts)).await {
            Ok(result) => result.map_err(|failure| failure.text),
            Err(_) => {
                let reason = "the peer does not read".to_owned();
                self.input(Input::Closed { generation, code: None, reason: reason.clone() });
                Err(reason)
            }
        }
    }
}

/// The frame that acknowledges a message. Ids are opaque, so they are written as any string.
fn ack(id: &str) -> String {
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return format!(r#"{{"type":"ack","message_id":"{id}"}}"#);
    }
    json!({"type": "ack", "message_id": id}).to_string()
}
