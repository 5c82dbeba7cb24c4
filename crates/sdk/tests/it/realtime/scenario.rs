//! A machine in a virtual world: clock, socket, REST answers and handler follow a script, and everything the machine
//! wants done is written down in the notation of the defect list.
//!
//! `M n` handler called · `A id` socket ack · `Q …` requests · `K cursor` sync ack · `G(…)` gap · `E …` error ·
//! `T …` terminal · `X code` disconnected · `O` socket opened · `D` drain done · `S` shutdown done.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use agentchat::RawJson;
use agentchat::realtime::machine::{
    DrainRow, Frame, Hello, Input, Meta, OpenFailure, Options, Output, RealtimeMachine, Row, SendFailure, Token,
};

/// What the handler does with a message: how long it takes, and whether it succeeds.
type Handler = Box<dyn FnMut(&str, u32) -> (f64, bool)>;

/// What a request is answered with, and when. None is never.
pub(crate) type Answer<T> = Option<(f64, Result<T, &'static str>)>;

/// How an attempt to open a socket ends.
#[derive(Clone)]
pub(crate) enum Opening {
    /// It opens, and `hello.ok` follows at once.
    Accepted,
    /// It opens and nothing follows.
    Silent,
    /// It opens, but nothing can be written; with the peer's close frame if there was one.
    Deaf(Option<(u16, &'static str)>),
    /// It opens and is closed at once.
    ClosedAtOnce(u16, &'static str),
    /// It is refused.
    Refused(OpenFailure),
    /// It stays pending.
    Pending,
}

/// Something that will happen by itself.
enum Later {
    HandlerDone(Token, bool),
    Input(Box<dyn FnOnce() -> Input>),
}

pub(crate) struct Scenario {
    pub(crate) machine: RealtimeMachine,
    now: Duration,
    log: Vec<String>,
    handler: Handler,
    later: BTreeMap<(Duration, u64), Later>,
    order: u64,
    pub(crate) legacy: bool,
    pub(crate) openings: VecDeque<Opening>,
    pub(crate) pages: VecDeque<Answer<Vec<DrainRow>>>,
    pub(crate) history: VecDeque<(u64, Answer<Vec<Row>>)>,
    pub(crate) sync_acks: VecDeque<Result<(), &'static str>>,
    pub(crate) generation: u64,
    pub(crate) opened_at: Vec<f64>,
    pub(crate) paused: bool,
}

pub(crate) fn options() -> Options {
    let mut options = Options::default();
    options.tuning.jitter = Some(1.0);
    options.tuning.drain_page = 100;
    options
}

pub(crate) fn with_rest() -> Options {
    Options { rest: true, ..options() }
}

pub(crate) fn no_drain() -> Options {
    Options { auto_drain: false, ..with_rest() }
}

/// Message `n` of a conversation: id `cN`, seq N, delivery `del_N`.
pub(crate) fn message(conversation: &str, n: u64) -> Row {
    Row {
        meta: Meta {
            id: Some(format!("{conversation}{n}").into()),
            conversation: Some(conversation.into()),
            seq: Some(n),
            delivery_id: Some(format!("del_{n}").into()),
        },
        body: RawJson::default(),
    }
}

pub(crate) fn rows(numbers: impl IntoIterator<Item = u64>) -> Vec<Row> {
    numbers.into_iter().map(|n| message("c", n)).collect()
}

/// An answer at once with messages of `c`.
pub(crate) fn page(numbers: impl IntoIterator<Item = u64>) -> Answer<Vec<DrainRow>> {
    Some((0.0, Ok(rows(numbers).into_iter().map(DrainRow::Valid).collect())))
}

pub(crate) fn refused(status: u16, retry_after: Option<u64>) -> Opening {
    let text = format!("the server answered HTTP {status}");
    Opening::Refused(OpenFailure { status: Some(status), retry_after: retry_after.map(Duration::from_secs), text })
}

fn seconds(value: f64) -> Duration {
    Duration::from_millis((value * 1000.0).round() as u64)
}

impl Scenario {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            machine: RealtimeMachine::new(options, 7),
            now: Duration::ZERO,
            log: Vec::new(),
            handler: Box::new(|_, _| (0.0, true)),
            later: BTreeMap::new(),
            order: 0,
            legacy: false,
            openings: VecDeque::new(),
            pages: VecDeque::new(),
            history: VecDeque::new(),
            sync_acks: VecDeque::new(),
            generation: 0,
            opened_at: Vec::new(),
            paused: false,
        }
    }

    /// Connected at t=0 with a handler.
    pub(crate) fn connected(options: Options) -> Self {
        let mut scenario = Self::new(options);
        scenario.start();
        scenario
    }

    /// Registers the handler and connects.
    pub(crate) fn start(&mut self) {
        self.handlers(true);
        self.feed(Input::Connect);
        self.log.retain(|line| line != "O");
    }

    pub(crate) fn handler(&mut self, handler: impl FnMut(&str, u32) -> (f64, bool) + 'static) -> &mut Self {
        self.handler = Box::new(handler);
        self
    }

    /// The handler fails on its first call for an id.
    pub(crate) fn fail_once(&mut self, id: &'static str) -> &mut Self {
        self.handler(move |called, attempt| (0.0, called != id || attempt > 1))
    }

    pub(crate) fn handlers(&mut self, has_message_handler: bool) {
        self.feed(Input::HandlersChanged { has_message_handler });
    }

    pub(crate) fn live(&mut self, numbers: impl IntoIterator<Item = u64>) {
        self.live_in("c", numbers);
    }

    pub(crate) fn live_in(&mut self, conversation: &str, numbers: impl IntoIterator<Item = u64>) {
        for n in numbers {
            self.frame(Frame::Message(message(conversation, n)));
        }
    }

    pub(crate) fn frame(&mut self, frame: Frame) {
        self.feed(Input::Frame { generation: self.generation, frame });
    }

    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        let code = Some(code).filter(|&code| code != 1006);
        self.feed(Input::Closed { generation: self.generation, code, reason: reason.to_owned() });
    }

    /// Lets the world go on until this time.
    pub(crate) fn at(&mut self, time: f64) {
        let until = seconds(time);
        loop {
            let next_later = self.later.keys().next().map(|(at, _)| *at);
            let next_tick = self.machine.deadline();
            let Some(next) = next_later.into_iter().chain(next_tick).min().filter(|&next| next <= until) else { break };
            self.now = self.now.max(next);
            if next_later.is_some_and(|at| at <= next) {
                self.happen();
            } else {
                self.feed(Input::Tick);
            }
        }
        self.now = until;
    }

    fn happen(&mut self) {
        let Some((_, later)) = self.later.pop_first() else { return };
        match later {
            Later::HandlerDone(token, ok) => self.feed(Input::HandlerDone { token, ok }),
            Later::Input(input) => self.feed(input()),
        }
    }

    fn schedule(&mut self, delay: f64, later: Later) {
        self.order += 1;
        self.later.insert((self.now + seconds(delay), self.order), later);
    }

    fn answer(&mut self, delay: f64, input: impl FnOnce() -> Input + 'static) {
        self.schedule(delay, Later::Input(Box::new(input)));
    }

    pub(crate) fn feed(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        while let Some(output) = self.machine.poll() {
            self.execute(output);
        }
        self.answer_what_is_due();
    }

    /// Answers without delay come before anything else happens.
    fn answer_what_is_due(&mut self) {
        while self.later.keys().next().is_some_and(|(at, _)| *at <= self.now) {
            self.happen();
        }
    }

    fn execute(&mut self, output: Output) {
        match output {
            Output::Open { generation } => self.open(generation),
            Output::SendHello { generation } => self.hello(generation),
            Output::SendAck { message_id, .. } => self.write(format!("A {message_id}")),
            Output::Close { code: 1000, .. } if !self.machine.is_leaving() => {}
            Output::Close { code, .. } => self.write(format!("close {code}")),
            Output::PauseReading(paused) => self.paused = paused,
            Output::FetchDrain { pass, after, .. } => self.sync(pass, after),
            Output::CancelDrain { pass } => self.write(format!("cancel {pass}")),
            Output::SyncAck { pass, cursor } => self.sync_ack(pass, &cursor),
            Output::FetchFill { fill, conversation, after_seq, .. } => self.fill(fill, conversation, after_seq),
            Output::Dispatch(message) => {
                let id = message.meta.id.clone().unwrap_or_else(|| "?".into());
                self.write(format!("M {id}{}", if message.late { " late" } else { "" }));
                match (self.handler)(&id, message.attempt) {
                    (0.0, ok) => self.machine.handle(self.now, Input::HandlerDone { token: message.token, ok }),
                    (delay, ok) => self.schedule(delay, Later::HandlerDone(message.token, ok)),
                }
            }
            Output::Connected { .. } => {}
            Output::Disconnected { code, .. } => self.write(format!("X {code}")),
            Output::Event { kind, .. } => self.write(format!("V {kind}")),
            Output::Gap(gap) => {
                let buffered = gap.buffered_seq.map_or("none".to_owned(), |seq| seq.to_string());
                self.write(format!("G({}, {}, {}, {buffered})", gap.reason, gap.recovered, gap.expected_seq));
            }
            Output::Error(text) => self.write(format!("E {text}")),
            Output::Terminal(text) => self.write(format!("T {text}")),
            Output::Warning(text) => self.write(format!("W {text}")),
            Output::DrainDone(_) => self.write("D".to_owned()),
            Output::ShutdownDone(summary) => self.write(format!("S {}", summary.unacked)),
        }
    }

    fn open(&mut self, generation: u64) {
        self.opened_at.push(self.now.as_secs_f64());
        self.write("O".to_owned());
        match self.openings.front().cloned().unwrap_or(Opening::Accepted) {
            Opening::Refused(failure) => {
                self.openings.pop_front();
                self.answer(0.0, move || Input::OpenFailed { generation, failure });
            }
            Opening::Pending => drop(self.openings.pop_front()),
            _ => {
                self.generation = generation;
                self.answer(0.0, move || Input::Opened { generation });
            }
        }
    }

    fn hello(&mut self, generation: u64) {
        let ack_mode = !self.legacy;
        match self.openings.pop_front().unwrap_or(Opening::Accepted) {
            Opening::Deaf(close) => {
                let close = close.map(|(code, reason)| (code, reason.to_owned()));
                let failure = SendFailure::Hello { text: "broken pipe".to_owned(), close };
                self.answer(0.0, move || Input::SendFailed { generation, failure });
            }
            Opening::ClosedAtOnce(code, reason) => {
                self.answer(0.0, move || Input::HelloSent { generation });
                self.answer(0.0, move || Input::Closed { generation, code: Some(code), reason: reason.to_owned() });
            }
            Opening::Silent => self.answer(0.0, move || Input::HelloSent { generation }),
            _ => {
                self.answer(0.0, move || Input::HelloSent { generation });
                let hello = Hello { handle: "me".to_owned(), ack_mode, server_time: None };
                self.answer(0.0, move || Input::Frame { generation, frame: Frame::HelloOk(hello) });
            }
        }
    }

    fn sync(&mut self, pass: u64, after: Option<Arc<str>>) {
        self.write(format!("Q sync({})", after.as_deref().unwrap_or("none")));
        let answer = self.pages.pop_front().unwrap_or(Some((0.0, Ok(Vec::new()))));
        if let Some((delay, result)) = answer {
            let result = result.map(Some).map_err(str::to_owned);
            self.answer(delay, move || Input::DrainPage { pass, result });
        }
    }

    fn sync_ack(&mut self, pass: u64, cursor: &str) {
        self.write(format!("K {cursor}"));
        let result = self.sync_acks.pop_front().unwrap_or(Ok(())).map_err(str::to_owned);
        self.answer(0.0, move || Input::AckResult { pass, result });
    }

    fn fill(&mut self, fill: u64, conversation: Arc<str>, after_seq: u64) {
        self.write(format!("Q hist({after_seq})"));
        let (expected, answer) = self.history.pop_front().unwrap_or_else(|| panic!("no history after {after_seq}"));
        assert_eq!(expected, after_seq, "history is asked from another position");
        if let Some((delay, result)) = answer {
            let result = result.map_err(str::to_owned);
            self.answer(delay, move || Input::FillPage { fill, conversation, result });
        }
    }

    fn write(&mut self, line: String) {
        self.log.push(line);
    }

    /// Everything since the last look, in order.
    pub(crate) fn took(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// Everything since the last look must be exactly this; messages of `c` are written without their conversation.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &str) {
        let expected: Vec<String> = lines.split(" · ").filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let found: Vec<String> =
            self.took().iter().map(|line| line.replace("M c", "M ")).filter(|line| line != "D").collect();
        assert_eq!(found, expected);
    }

    /// Lines that begin so, without looking them away.
    pub(crate) fn of(&self, prefix: &str) -> Vec<String> {
        self.log.iter().filter(|line| line.starts_with(prefix)).cloned().collect()
    }
}
