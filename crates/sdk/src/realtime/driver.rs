//! Executes what the realtime machine says: one task owns the socket, the timers and the machine.

mod execute;
mod io;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, Sleep};

use super::event::{CloseReport, DrainReport};
use super::handle::State;
use super::machine::{DrainRow, Generation, Input, Now, Options, Output, Phase, RealtimeMachine, Row, Token};
use super::own_sends::OwnSends;
use super::queue::Queue;
use super::socket::{Inbound, OpenFailure, Socket, SocketConnector, SocketFailure, SocketLimits};
use crate::client::{Client, ClientIdentity};
use crate::error::{Error, Result};
use crate::http::BoxFuture;
use crate::secret::ApiKey;

/// Inputs taken between two looks at the socket.
const BATCH: usize = 64;

/// What a session is told from outside.
pub(crate) enum Command {
    HandlerDone {
        token: Token,
        ok: bool,
    },
    HandlersChanged(bool),
    OwnSend {
        conversation: Arc<str>,
        seq: u64,
    },
    Send {
        text: String,
        answer: oneshot::Sender<Result<()>>,
    },
    Drain(oneshot::Sender<DrainReport>),
    ReconnectNow(oneshot::Sender<Result<()>>),
    Close(oneshot::Sender<CloseReport>),
    /// Nobody holds the client any more.
    Abandoned,
    DrainPage {
        pass: u64,
        result: Result<Option<Vec<DrainRow>>, String>,
    },
    AckResult {
        pass: u64,
        result: Result<(), String>,
    },
    FillPage {
        fill: u64,
        conversation: Arc<str>,
        result: Result<Vec<Row>, String>,
    },
}

/// Held by everything that keeps a session alive.
pub(super) struct Guard(UnboundedSender<Command>);

impl Guard {
    /// A session that has ended needs no telling.
    pub(super) fn send(&self, command: Command) {
        self.0.send(command).ok();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.send(Command::Abandoned);
    }
}

/// How a session reaches the server.
pub(super) struct Config {
    pub(super) url: String,
    pub(super) api_key: ApiKey,
    pub(super) identity: ClientIdentity,
    pub(super) connector: Arc<dyn SocketConnector>,
    pub(super) rest: Option<Client>,
    pub(super) own_sends: Arc<OwnSends>,
    pub(super) limits: SocketLimits,
    pub(super) options: Options,
}

/// The task of a realtime client.
pub(super) struct Session {
    config: Config,
    machine: RealtimeMachine,
    epoch: Instant,
    commands: UnboundedReceiver<Command>,
    own: UnboundedSender<Command>,
    queue: Arc<Queue>,
    state: watch::Sender<State>,
    timer: Pin<Box<Sleep>>,
    opening: io::Opening,
    socket: Option<(Generation, Box<dyn Socket>)>,
    /// The closing handshake of the shutdown.
    closing: Option<(Generation, BoxFuture<'static, ()>)>,
    reading: bool,
    writes: io::Writes,
    /// What has to wait until that is written.
    deferred: Option<Output>,
    /// The code with which this side gives the socket up.
    own_close_code: Option<u16>,
    drain_task: Option<(u64, tokio::task::AbortHandle)>,
    waiting: Waiting,
    last_error: Option<Error>,
    finished: bool,
}

/// Those who wait for something.
#[derive(Default)]
struct Waiting {
    /// The first attempt; when it fails nothing keeps running.
    first: Option<oneshot::Sender<Result<()>>>,
    connected: Vec<oneshot::Sender<Result<()>>>,
    drained: Vec<oneshot::Sender<DrainReport>>,
    closed: Vec<oneshot::Sender<CloseReport>>,
}

/// What a started session is steered with.
pub(super) struct Started {
    pub(super) guard: Arc<Guard>,
    pub(super) queue: Arc<Queue>,
    pub(super) state: watch::Receiver<State>,
}

/// What ended a wait.
enum Wake {
    Command(Option<Command>),
    Opened(Generation, Result<Box<dyn Socket>, OpenFailure>),
    Inbound(Generation, Option<Result<Inbound, SocketFailure>>),
    Closed(Generation),
    Tick,
}

impl Session {
    /// Starts the task; with `first`, a failed first attempt ends it.
    pub(super) fn start(config: Config, first: Option<oneshot::Sender<Result<()>>>) -> Started {
        let (own, commands) = unbounded_channel();
        let (state, watched) = watch::channel(State::Connecting);
        let queue = Arc::new(Queue::default());
        config.own_sends.listen(own.clone());
        let guard = Arc::new(Guard(own.clone()));
        let epoch = Instant::now();
        let session = Self {
            machine: RealtimeMachine::new(config.options.clone(), rand::random()),
            config,
            epoch,
            commands,
            own,
            queue: queue.clone(),
            state,
            timer: Box::pin(tokio::time::sleep_until(epoch)),
            opening: None,
            socket: None,
            closing: None,
            reading: true,
            writes: io::Writes::default(),
            deferred: None,
            own_close_code: None,
            drain_task: None,
            waiting: Waiting { first, ..Waiting::default() },
            last_error: None,
            finished: false,
        };
        tokio::spawn(session.run());
        Started { guard, queue, state: watched }
    }

    async fn run(mut self) {
        self.input(Input::Connect);
        while !self.finished {
            self.settle_outputs().await;
            if self.finished {
                break;
            }
            let wake = self.wait().await;
            self.take(wake);
            self.take_what_is_there();
        }
        self.queue.drop_messages();
        self.queue.set_ended(true);
        self.state.send_replace(State::Closed);
    }

    /// Executes and writes until the machine has nothing more to say.
    async fn settle_outputs(&mut self) {
        loop {
            self.execute();
            if !self.write().await && self.deferred.is_none() {
                break;
            }
        }
        self.publish();
    }

    fn now(&self) -> Now {
        self.epoch.elapsed()
    }

    fn input(&mut self, input: Input) {
        self.machine.handle(self.now(), input);
    }

    async fn wait(&mut self) -> Wake {
        let deadline = self.machine.deadline().map(|at| self.epoch + at);
        if let Some(deadline) = deadline.filter(|&deadline| self.timer.deadline() != deadline) {
            self.timer.as_mut().reset(deadline);
        }
        let Self { commands, timer, opening, socket, closing, reading, .. } = self;
        tokio::select! {
            biased;
            command = commands.recv() => Wake::Command(command),
            () = timer.as_mut(), if deadline.is_some() => Wake::Tick,
            (generation, result) = io::opened(opening) => Wake::Opened(generation, result),
            generation = io::closed(closing) => Wake::Closed(generation),
            (generation, inbound) = io::received(socket, *reading) => Wake::Inbound(generation, inbound),
        }
    }

    fn take(&mut self, wake: Wake) {
        match wake {
            Wake::Command(Some(command)) => self.command(command),
            Wake::Command(None) => self.finished = true,
            Wake::Tick => self.input(Input::Tick),
            Wake::Opened(generation, Ok(socket)) => {
                self.opening = None;
                self.own_close_code = None;
                self.socket = Some((generation, socket));
                self.input(Input::Opened { generation });
            }
            Wake::Opened(generation, Err(failure)) => {
                self.opening = None;
                self.input(Input::OpenFailed { generation, failure });
            }
            Wake::Inbound(generation, inbound) => self.inbound(generation, inbound),
            Wake::Closed(generation) => {
                self.closing = None;
                self.input(Input::Closed { generation, code: None, reason: String::new() });
            }
        }
    }

    /// Takes more of what is ready, so that many inputs cost one write.
    fn take_what_is_there(&mut self) {
        for _ in 0..BATCH {
            let received = io::received(&mut self.socket, self.reading).now_or_never();
            let Some((generation, inbound)) = received else { break };
            let goes_on = matches!(inbound, Some(Ok(Inbound::Text(_) | Inbound::Binary(_))));
            self.inbound(generation, inbound);
            if !goes_on {
                break;
            }
        }
        for _ in 0..BATCH {
            let Ok(command) = self.commands.try_recv() else { break };
            self.command(command);
        }
    }

    fn inbound(&mut self, generation: Generation, inbound: Option<Result<Inbound, SocketFailure>>) {
        let (code, reason) = match inbound {
            Some(Ok(Inbound::Text(text))) => return self.frame(generation, &text),
            Some(Ok(Inbound::Binary(bytes))) => return self.frame(generation, &String::from_utf8_lossy(&bytes)),
            Some(Ok(Inbound::Close { code, reason })) => (code, reason),
            Some(Err(failure)) => {
                self.own_close_code = failure.code;
                (failure.code, failure.text)
            }
            None => (None, String::new()),
        };
        // A socket that has ended is not read again; the machine says when it is closed.
        self.reading = false;
        self.input(Input::Closed { generation, code, reason });
    }

    fn frame(&mut self, generation: Generation, text: &str) {
        match super::frame::parse(text) {
            Some(frame) => self.input(Input::Frame { generation, frame }),
            None => tracing::debug!(target: "agentchat::realtime", "a frame that is no frame was ignored"),
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::HandlerDone { token, ok } => self.input(Input::HandlerDone { token, ok }),
            Command::HandlersChanged(has_message_handler) => self.input(Input::HandlersChanged { has_message_handler }),
            Command::OwnSend { conversation, seq } => self.input(Input::OwnSend { conversation, seq }),
            Command::Send { text, answer } => self.writes.push_frame(text, answer),
            Command::Drain(answer) => {
                self.waiting.drained.push(answer);
                self.input(Input::DrainRequested);
            }
            Command::ReconnectNow(answer) => self.reconnect_now(answer),
            Command::Close(answer) => {
                self.waiting.closed.push(answer);
                self.input(Input::Shutdown);
            }
            Command::Abandoned => self.input(Input::Shutdown),
            Command::DrainPage { pass, result } => self.input(Input::DrainPage { pass, result }),
            Command::AckResult { pass, result } => self.input(Input::AckResult { pass, result }),
            Command::FillPage { fill, conversation, result } => {
                self.input(Input::FillPage { fill, conversation, result })
            }
        }
    }

    fn reconnect_now(&mut self, answer: oneshot::Sender<Result<()>>) {
        if matches!(self.machine.phase(), Phase::Online { .. }) {
            answer.send(Ok(())).ok();
            return;
        }
        self.queue.set_ended(false);
        self.waiting.connected.push(answer);
        self.input(Input::Connect);
    }

    /// Tells the state, and those who wait for a connection that the attempt has failed.
    fn publish(&mut self) {
        let phase = self.machine.phase();
        if matches!(phase, Phase::Waiting { .. } | Phase::Stopped) {
            self.attempt_failed();
        }
        let state = self.state_of(phase);
        self.state.send_if_modified(|now| {
            let changed = *now != state;
            *now = state;
            changed
        });
    }

    fn attempt_failed(&mut self) {
        let error = || self.last_error.clone().unwrap_or_else(|| Error::realtime("the connection failed"));
        let result = Err(error());
        for answer in self.waiting.connected.drain(..) {
            answer.send(result.clone()).ok();
        }
        if let Some(first) = self.waiting.first.take() {
            first.send(result).ok();
            self.finished = true;
        }
    }

    fn state_of(&self, phase: Phase) -> State {
        let instant = |at: Now| (self.epoch + at).into_std();
        match phase {
            Phase::Connecting => State::Connecting,
            Phase::Handshaking => State::Handshaking,
            Phase::Online { ack_mode, since } => State::Online { ack_mode, since: instant(since) },
            Phase::Waiting { until, attempt } => State::Waiting { until: instant(until), attempt },
            Phase::Stopped => State::Terminal,
            Phase::Closed => State::Closed,
        }
    }
}
