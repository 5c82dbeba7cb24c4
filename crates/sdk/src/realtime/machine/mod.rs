//! The realtime machine: every decision about a connection, its messages and its acknowledgements, without I/O,
//! clock or chance.
//!
//! What happened goes in through [`RealtimeMachine::handle`] with the time, what to do comes out of
//! [`RealtimeMachine::poll`], and [`RealtimeMachine::deadline`] says when to say [`Input::Tick`]. Rule numbers in
//! comments (`R18`) are those of the SDK's behaviour contract.
//!
//! * `link` – connecting, handshake, reconnecting (R1–R8, R33–R39)
//! * `arrival`, `order` – identity and order of messages (R13–R19)
//! * `gap` – holes in a conversation's positions (R20–R22)
//! * `drain` – the backlog over HTTP (R17, R23–R26)
//! * `lane`, `settle` – dispatch and acknowledgement (R27–R31)
//! * `shutdown` – leaving (R41)

mod arrival;
mod conversation;
mod drain;
mod entry;
mod gap;
mod input;
mod intervals;
mod lane;
mod ledger;
mod link;
mod lru;
mod memory;
mod order;
mod output;
mod settle;
mod shutdown;
mod timers;
mod tuning;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub use conversation::GapReason;
pub use input::{DrainRow, Frame, Generation, Hello, Input, Meta, OpenFailure, Row, SendFailure};
pub use output::{CloseSummary, DrainSummary, Gap, Message, Origin, Output, Phase, Token};
pub use tuning::{Options, Reconnect, Tuning};

use conversation::Conversations;
use drain::Drain;
use entry::Entries;
use lane::Lanes;
use link::Link;
use memory::Memory;
use shutdown::Shutdown;
use timers::{Timer, Timers};

/// Time since an epoch of the driver's choice; it never goes back.
pub type Now = Duration;

/// One realtime client.
pub struct RealtimeMachine {
    options: Options,
    now: Now,
    out: VecDeque<Output>,
    timers: Timers,
    link: Link,
    conversations: Conversations,
    entries: Entries,
    memory: Memory,
    lanes: Lanes,
    drain: Drain,
    /// Acknowledgements that wait for a connection (R29).
    unsent_acks: VecDeque<Arc<str>>,
    has_handler: bool,
    /// A shed message waits at the server for room here (R31).
    shed: bool,
    reading_paused: bool,
    shutdown: Shutdown,
    last_fill: u64,
    /// Messages given back at shutdown.
    unacked: u64,
}

impl RealtimeMachine {
    /// A machine that waits for [`Input::Connect`]; `seed` is its only source of chance.
    pub fn new(options: Options, seed: u64) -> Self {
        Self {
            now: Now::ZERO,
            out: VecDeque::new(),
            timers: Timers::default(),
            link: Link::new(seed),
            conversations: Conversations::new(options.tuning.idle_conversations),
            entries: Entries::default(),
            memory: Memory::new(options.dedup_capacity, options.tuning.failed_capacity),
            lanes: Lanes::default(),
            drain: Drain::default(),
            unsent_acks: VecDeque::new(),
            has_handler: false,
            shed: false,
            reading_paused: false,
            shutdown: Shutdown::None,
            last_fill: 0,
            unacked: 0,
            options,
        }
    }

    /// Takes what happened. Inputs of a socket, pass or fill that is over are ignored (A5).
    pub fn handle(&mut self, now: Now, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Connect => self.connect(),
            Input::Opened { generation } => self.opened(generation),
            Input::OpenFailed { generation, failure } => self.open_failed(generation, failure),
            Input::HelloSent { generation } => self.hello_sent(generation),
            Input::SendFailed { generation, failure } => self.send_failed(generation, failure),
            Input::Frame { generation, frame } => self.frame(generation, frame),
            Input::Closed { generation, code, reason } => self.closed(generation, code, reason),
            Input::Tick => self.tick(),
            Input::DrainPage { pass, result } => self.drain_page(pass, result),
            Input::AckResult { pass, result } => self.ack_result(pass, result),
            Input::FillPage { fill, conversation, result } => self.fill_page(fill, &conversation, result),
            Input::HandlerDone { token, ok } => self.handler_done(token, ok),
            Input::HandlersChanged { has_message_handler } => self.handlers_changed(has_message_handler),
            Input::OwnSend { conversation, seq } => self.own_send(&conversation, seq),
            Input::DrainRequested => self.drain_requested(),
            Input::Shutdown => self.begin_shutdown(),
        }
        self.relieve();
        self.conversations.rest_touched();
        self.advance_shutdown();
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When the next [`Input::Tick`] is due.
    pub fn deadline(&self) -> Option<Now> {
        self.timers.next()
    }

    /// Messages in hand: waiting for order, for a handler, or running.
    pub fn pending(&self) -> usize {
        self.entries.len()
    }

    /// Conversations whose order is remembered.
    pub fn conversations(&self) -> usize {
        self.conversations.len()
    }

    fn tick(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now) {
            match timer {
                Timer::Watchdog => self.watchdog_fired(),
                Timer::Stable => self.link.became_stable(),
                Timer::Reconnect => self.open(),
                Timer::Hold => self.end_hold(),
                Timer::Redrain => self.redrain_fired(),
                Timer::Gap(conversation) => self.gap_due(&conversation),
                Timer::Fill(conversation) => self.fill_timed_out(&conversation),
                Timer::Saturated => self.warn("all handlers have been busy for 30 s"),
                Timer::Grace => self.grace_over(),
                Timer::Close => self.close_timed_out(),
            }
        }
    }

    fn emit(&mut self, output: Output) {
        self.out.push_back(output);
    }

    fn error(&mut self, text: impl Into<String>) {
        self.emit(Output::Error(text.into()));
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.emit(Output::Warning(text.into()));
    }
}
