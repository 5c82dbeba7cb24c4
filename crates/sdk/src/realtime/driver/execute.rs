//! One arm for each thing the machine may want done.

use std::sync::Arc;

use tokio::task::AbortHandle;

use super::{Command, Session};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::realtime::delivery::Delivery;
use crate::realtime::event::{Connected, Disconnected, Event};
use crate::realtime::frame;
use crate::realtime::machine::{Generation, Hello, Input, Output, SendFailure};
use crate::types::Timestamp;

impl Session {
    pub(super) fn execute(&mut self) {
        while let Some(output) = self.deferred.take().or_else(|| self.machine.poll()) {
            // Acknowledgements go out before the socket they are for is closed.
            if matches!(output, Output::Close { .. }) && !self.writes.is_empty() {
                self.deferred = Some(output);
                return;
            }
            self.execute_one(output);
        }
    }

    fn execute_one(&mut self, output: Output) {
        match output {
            Output::Open { generation } => self.open(generation),
            Output::SendHello { generation } => self.writes.push_hello(generation),
            Output::SendAck { generation, message_id } => self.ack(generation, message_id),
            Output::Close { generation, code, reason } => self.close(generation, code, reason),
            Output::PauseReading(pause) => self.reading = !pause,
            Output::FetchDrain { pass, limit, after } => self.fetch_drain(pass, limit, after),
            Output::CancelDrain { pass } => self.cancel_drain(pass),
            Output::SyncAck { pass, cursor } => self.sync_ack(pass, cursor),
            Output::FetchFill { fill, conversation, after_seq, limit } => {
                self.fetch_fill(fill, conversation, after_seq, limit);
            }
            Output::Dispatch(message) => self.queue.push(Event::Message(Delivery::new(message, self.own.clone()))),
            Output::Connected { hello, first } => self.connected(hello, first),
            Output::Disconnected { code, reason } => {
                tracing::debug!(target: "agentchat::realtime", code, reason, "disconnected");
                self.queue.push(Event::Disconnected(Disconnected { code, reason, clean: code == 1000 }));
            }
            Output::Event { kind, raw } => {
                if let Some((conversation, seq)) = frame::own_send(&kind, &raw) {
                    self.input(Input::OwnSend { conversation, seq });
                }
                self.queue.push_frame(kind.clone(), Event::of_frame(kind, raw));
            }
            Output::Gap(gap) => self.queue.push(Event::Gap(gap.into())),
            Output::Error(text) => self.failed(Error::realtime(text)),
            Output::Terminal(text) => self.stopped(Error::local(ErrorKind::Terminal, text)),
            Output::Warning(text) => tracing::warn!(target: "agentchat::realtime", "{text}"),
            Output::DrainDone(summary) => {
                for answer in self.waiting.drained.drain(..) {
                    answer.send(summary.clone().into()).ok();
                }
            }
            Output::ShutdownDone(summary) => {
                let report =
                    crate::realtime::CloseReport { unacked: summary.unacked, closed_cleanly: summary.closed_cleanly };
                for answer in self.waiting.closed.drain(..) {
                    answer.send(report).ok();
                }
                self.finished = true;
            }
        }
    }

    fn open(&mut self, generation: Generation) {
        let (connector, url) = (self.config.connector.clone(), self.config.url.clone());
        let limits = self.config.limits;
        let opening = async move { connector.open(&url, http::HeaderMap::new(), limits).await };
        self.opening = Some((generation, Box::pin(opening)));
        self.reading = true;
    }

    fn ack(&mut self, generation: Generation, message_id: Arc<str>) {
        if self.socket.as_ref().is_some_and(|(open, _)| *open == generation) {
            self.writes.push_ack(message_id);
        } else {
            let failure = SendFailure::Acks(vec![message_id]);
            self.input(Input::SendFailed { generation, failure });
        }
    }

    fn close(&mut self, generation: Generation, code: u16, reason: &'static str) {
        self.opening.take_if(|(opening, _)| *opening == generation);
        let Some((_, mut socket)) = self.socket.take_if(|(open, _)| *open == generation) else { return };
        let code = self.own_close_code.take().unwrap_or(code);
        let closing = async move { socket.close(code, reason).await };
        if self.machine.is_leaving() {
            self.closing = Some((generation, Box::pin(closing)));
        } else {
            let limit = self.config.options.tuning.close;
            tokio::spawn(tokio::time::timeout(limit, closing));
        }
    }

    fn connected(&mut self, hello: Hello, first: bool) {
        tracing::debug!(target: "agentchat::realtime", handle = hello.handle, ack_mode = hello.ack_mode, "connected");
        self.queue.push(Event::Connected(Connected {
            handle: hello.handle,
            ack_mode: hello.ack_mode,
            server_time: hello.server_time.as_deref().map(Timestamp::from),
            first,
        }));
        self.last_error = None;
        for answer in self.waiting.first.take().into_iter().chain(self.waiting.connected.drain(..)) {
            answer.send(Ok(())).ok();
        }
    }

    fn failed(&mut self, error: Error) {
        tracing::debug!(target: "agentchat::realtime", %error, "failed");
        self.last_error = Some(error.clone());
        self.queue.push(Event::Error(error));
    }

    fn stopped(&mut self, error: Error) {
        tracing::debug!(target: "agentchat::realtime", %error, "stopped");
        self.last_error = Some(error.clone());
        self.queue.push(Event::Terminal(error));
        self.queue.set_ended(true);
    }

    /// Runs a request beside the session and brings back its result.
    fn request<F>(&self, work: impl FnOnce(Client) -> F) -> Option<AbortHandle>
    where
        F: Future<Output = Command> + Send + 'static,
    {
        let work = work(self.config.rest.clone()?);
        let own = self.own.clone();
        Some(tokio::spawn(async move { own.send(work.await).ok() }).abort_handle())
    }

    fn fetch_drain(&mut self, pass: u64, limit: u32, after: Option<Arc<str>>) {
        let task = self.request(|client| async move {
            let page = client.sync_raw(limit, after.as_deref()).await;
            Command::DrainPage {
                pass,
                result: page.map(|page| frame::backlog(&page)).map_err(|error| error.to_string()),
            }
        });
        self.drain_task = task.map(|task| (pass, task));
    }

    fn cancel_drain(&mut self, pass: u64) {
        if let Some((_, task)) = self.drain_task.take_if(|(running, _)| *running == pass) {
            task.abort();
        }
    }

    fn sync_ack(&self, pass: u64, cursor: Arc<str>) {
        self.request(|client| async move {
            let result = client.ack_cursor(&cursor).await;
            Command::AckResult { pass, result: result.map(drop).map_err(|error| error.to_string()) }
        });
    }

    fn fetch_fill(&self, fill: u64, conversation: Arc<str>, after_seq: u64, limit: u32) {
        self.request(|client| async move {
            let page = client.history_raw(&conversation, after_seq, limit).await;
            let rows = page.map_err(|error| error.to_string());
            let rows = rows.and_then(|page| frame::history(&page).ok_or_else(|| "history is not an array".to_owned()));
            Command::FillPage { fill, conversation, result: rows }
        });
    }
}
