//! The promises that hold whatever happens (D-5c, D-12h): random interleavings of live frames, drain rows, copies,
//! holes, closes and failures against a server that keeps books.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use agentchat::RawJson;
use agentchat::realtime::machine::{
    DrainRow, Frame, Hello, Input, Message, Meta, OpenFailure, Options, Output, RealtimeMachine, Row, Token,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// The server stores a message; it is pushed at once, later, or never (muted).
    Store {
        conversation: u8,
        push: Push,
    },
    /// This process sends a message; the realtime client is told or not.
    Send {
        conversation: u8,
        told: bool,
    },
    /// One of the messages to be pushed later is pushed.
    Push(u8),
    /// An unsettled message is pushed again.
    PushAgain(u8),
    Close(u16),
    Wait(u16),
    Handlers(bool),
    Drain,
    Connect,
}

#[derive(Clone, Copy, Debug)]
enum Push {
    Now,
    Later,
    Never,
}

fn step() -> impl Strategy<Value = Step> {
    let push = prop_oneof![4 => Just(Push::Now), 3 => Just(Push::Later), 1 => Just(Push::Never)];
    prop_oneof![
        8 => (0u8..3, push).prop_map(|(conversation, push)| Step::Store { conversation, push }),
        2 => (0u8..3, any::<bool>()).prop_map(|(conversation, told)| Step::Send { conversation, told }),
        6 => any::<u8>().prop_map(Step::Push),
        2 => any::<u8>().prop_map(Step::PushAgain),
        1 => prop_oneof![Just(1001u16), Just(1006), Just(1013), Just(4408)].prop_map(Step::Close),
        5 => (0u16..3000).prop_map(Step::Wait),
        1 => Just(Step::Handlers(false)),
        2 => Just(Step::Handlers(true)),
        1 => Just(Step::Drain),
        1 => Just(Step::Connect),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    rest: bool,
    auto_drain: bool,
    legacy: bool,
    /// The server pushes the backlog after each connection too.
    pushes_backlog: bool,
    page: u32,
}

fn setting() -> impl Strategy<Value = Setting> {
    (any::<bool>(), any::<bool>(), prop::bool::weighted(0.25), any::<bool>(), 1u32..6).prop_map(
        |(rest, auto_drain, legacy, pushes_backlog, page)| Setting {
            rest,
            auto_drain,
            legacy,
            pushes_backlog: pushes_backlog || !rest || !auto_drain,
            page,
        },
    )
}

#[derive(Clone, Debug)]
struct Stored {
    conversation: u8,
    seq: u64,
    own: bool,
    settled: bool,
}

impl Stored {
    fn id(&self) -> String {
        format!("m{}.{}", self.conversation, self.seq)
    }

    fn row(&self, position: usize) -> Row {
        Row {
            meta: Meta {
                id: Some(self.id().into()),
                conversation: Some(format!("conv{}", self.conversation).into()),
                seq: Some(self.seq),
                delivery_id: (!self.own).then(|| format!("del_{position}").into()),
            },
            body: RawJson::default(),
        }
    }
}

enum Later {
    HandlerDone(Token, String, bool),
    Opened(u64),
    DrainPage { pass: u64, after: Option<usize>, limit: u32, ok: bool },
    AckResult { pass: u64, ok: bool },
    FillPage { fill: u64, conversation: Arc<str>, after_seq: u64, limit: u32, ok: bool },
}

struct World {
    machine: RealtimeMachine,
    setting: Setting,
    now: Duration,
    log: Vec<Stored>,
    to_push: Vec<usize>,
    generation: Option<u64>,
    later: BTreeMap<(Duration, u64), Later>,
    order: u64,
    handled: HashSet<String>,
    running: HashMap<u8, String>,
    last: HashMap<u8, u64>,
    /// Delays and outcomes of handlers and requests, used in turn.
    fates: Vec<(u8, bool)>,
    fate: usize,
    peaceful: bool,
}

impl World {
    fn new(setting: Setting, fates: Vec<(u8, bool)>) -> Self {
        let mut options = Options { rest: setting.rest, auto_drain: setting.auto_drain, ..Options::default() };
        options.tuning.drain_page = setting.page;
        options.tuning.drain_window = 4;
        options.tuning.fill_page = setting.page;
        options.concurrency = std::num::NonZeroUsize::MIN.saturating_add(1);
        options.tuning.buffer_soft = 4;
        options.tuning.buffer_hard = 8;
        options.tuning.pending_limit = 20;
        Self {
            machine: RealtimeMachine::new(options, 1),
            setting,
            now: Duration::ZERO,
            log: Vec::new(),
            to_push: Vec::new(),
            generation: None,
            later: BTreeMap::new(),
            order: 0,
            handled: HashSet::new(),
            running: HashMap::new(),
            last: HashMap::new(),
            fates,
            fate: 0,
            peaceful: false,
        }
    }

    fn fate(&mut self) -> (Duration, bool) {
        self.fate += 1;
        let (delay, ok) = self.fates[self.fate % self.fates.len()];
        if self.peaceful { (Duration::from_millis(1), true) } else { (Duration::from_millis(u64::from(delay) * 5), ok) }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Store { conversation, push } => {
                let position = self.store(conversation, false);
                match push {
                    Push::Now => self.push(position),
                    Push::Later => self.to_push.push(position),
                    Push::Never => {}
                }
            }
            Step::Send { conversation, told } => {
                let position = self.store(conversation, true);
                let seq = self.log[position].seq;
                if told {
                    self.feed(Input::OwnSend { conversation: format!("conv{conversation}").into(), seq });
                }
            }
            Step::Push(which) if !self.to_push.is_empty() => {
                let position = self.to_push.remove(usize::from(which) % self.to_push.len());
                self.push(position);
            }
            Step::PushAgain(which) => {
                let open: Vec<usize> = self.unsettled().collect();
                if !open.is_empty() {
                    self.push(open[usize::from(which) % open.len()]);
                }
            }
            Step::Push(_) => {}
            Step::Close(code) => self.close(code),
            Step::Wait(millis) => self.wait(Duration::from_millis(u64::from(millis))),
            Step::Handlers(has_message_handler) => self.feed(Input::HandlersChanged { has_message_handler }),
            Step::Drain => self.feed(Input::DrainRequested),
            Step::Connect => self.feed(Input::Connect),
        }
    }

    fn store(&mut self, conversation: u8, own: bool) -> usize {
        let seq = self.log.iter().filter(|stored| stored.conversation == conversation).count() as u64 + 1;
        self.log.push(Stored { conversation, seq, own, settled: own });
        self.log.len() - 1
    }

    fn unsettled(&self) -> impl Iterator<Item = usize> {
        self.log.iter().enumerate().filter(|(_, stored)| !stored.settled).map(|(at, _)| at)
    }

    fn push(&mut self, position: usize) {
        let Some(generation) = self.generation else { return };
        let row = self.log[position].row(position);
        if self.setting.legacy {
            self.log[position].settled = true;
        }
        self.feed(Input::Frame { generation, frame: Frame::Message(row) });
    }

    fn close(&mut self, code: u16) {
        let Some(generation) = self.generation.take() else { return };
        self.to_push.clear();
        self.feed(Input::Closed { generation, code: Some(code), reason: String::new() });
    }

    fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            let later = self.later.keys().next().map(|(at, _)| *at);
            let next = later.into_iter().chain(self.machine.deadline()).min();
            let Some(next) = next.filter(|&next| next <= until) else { break };
            self.now = self.now.max(next);
            if later.is_some_and(|at| at <= next) { self.happen() } else { self.feed(Input::Tick) }
        }
        self.now = until;
    }

    fn happen(&mut self) {
        let Some((_, later)) = self.later.pop_first() else { return };
        match later {
            Later::HandlerDone(token, id, ok) => {
                self.running.retain(|_, running| *running != id);
                if ok {
                    assert!(self.handled.insert(id.clone()), "{id} was handled twice");
                }
                self.feed(Input::HandlerDone { token, ok });
            }
            Later::Opened(generation) => self.opened(generation),
            Later::DrainPage { pass, after, limit, ok } => {
                let rows = self.unsettled().filter(|&at| after.is_none_or(|after| at > after)).take(limit as usize);
                let rows = rows.map(|at| DrainRow::Valid(self.log[at].row(at))).collect();
                let result = if ok { Ok(Some(rows)) } else { Err("no".to_owned()) };
                self.feed(Input::DrainPage { pass, result });
            }
            Later::AckResult { pass, ok } => {
                let result = if ok { Ok(()) } else { Err("no".to_owned()) };
                self.feed(Input::AckResult { pass, result });
            }
            Later::FillPage { fill, conversation, after_seq, limit, ok } => {
                let rows = self.log.iter().enumerate().filter(|(_, stored)| {
                    format!("conv{}", stored.conversation) == *conversation && stored.seq > after_seq
                });
                let rows: Vec<Row> = rows.take(limit as usize).map(|(at, stored)| stored.row(at)).collect();
                let result = if ok { Ok(rows) } else { Err("no".to_owned()) };
                self.feed(Input::FillPage { fill, conversation, result });
            }
        }
    }

    fn opened(&mut self, generation: u64) {
        let (_, ok) = self.fate();
        if !ok {
            return self.feed(Input::OpenFailed { generation, failure: OpenFailure::default() });
        }
        self.feed(Input::Opened { generation });
        self.feed(Input::HelloSent { generation });
        self.generation = Some(generation);
        let hello = Hello { handle: String::new(), ack_mode: !self.setting.legacy, server_time: None };
        self.feed(Input::Frame { generation, frame: Frame::HelloOk(hello) });
        if self.setting.pushes_backlog {
            let open: Vec<usize> = self.unsettled().collect();
            open.into_iter().for_each(|position| self.push(position));
        }
    }

    fn feed(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        while let Some(output) = self.machine.poll() {
            self.execute(output);
        }
    }

    fn schedule(&mut self, delay: Duration, later: Later) {
        self.order += 1;
        self.later.insert((self.now + delay, self.order), later);
    }

    fn execute(&mut self, output: Output) {
        match output {
            Output::Open { generation } => self.schedule(Duration::from_millis(1), Later::Opened(generation)),
            Output::SendAck { message_id, .. } => {
                assert!(self.handled.contains(&*message_id), "{message_id} was acknowledged before it was handled");
                self.log
                    .iter_mut()
                    .filter(|stored| stored.id() == *message_id)
                    .for_each(|stored| stored.settled = true);
            }
            Output::FetchDrain { pass, limit, after } => {
                let (delay, ok) = self.fate();
                let after = after.map(|cursor| position(&cursor));
                self.schedule(delay, Later::DrainPage { pass, after, limit, ok });
            }
            Output::SyncAck { pass, cursor } => self.sync_ack(pass, &cursor),
            Output::FetchFill { fill, conversation, after_seq, limit } => {
                let (delay, ok) = self.fate();
                self.schedule(delay, Later::FillPage { fill, conversation, after_seq, limit, ok });
            }
            Output::Dispatch(message) => self.dispatch(message),
            Output::Gap(gap) if gap.recovered => assert_eq!(gap.missing, []),
            _ => {}
        }
    }

    fn sync_ack(&mut self, pass: u64, cursor: &str) {
        let (delay, ok) = self.fate();
        for at in 0..=position(cursor) {
            let stored = &self.log[at];
            let covered = stored.settled || self.handled.contains(&stored.id());
            assert!(covered, "{cursor} covers {} which was not handled", stored.id());
            if ok {
                self.log[at].settled = true;
            }
        }
        self.schedule(delay, Later::AckResult { pass, ok });
    }

    fn dispatch(&mut self, message: Message) {
        let id = message.meta.id.expect("every message has an id").to_string();
        let stored = self.log.iter().find(|stored| stored.id() == id).expect("only stored messages come");
        let (conversation, seq) = (stored.conversation, stored.seq);
        assert!(!self.handled.contains(&id), "{id} is handed out after it was handled");
        let earlier = self.running.insert(conversation, id.clone());
        assert_eq!(earlier, None, "two messages of one conversation run at once");
        if !message.late {
            let last = self.last.insert(conversation, seq).unwrap_or_default();
            assert!(last < seq, "{id} comes after {last} and is not called late");
        }
        let (delay, ok) = self.fate();
        self.schedule(delay, Later::HandlerDone(message.token, id, ok));
    }

    /// Everything works from now on: whatever is unsettled is handled in the end.
    fn recover(&mut self) {
        self.peaceful = true;
        self.feed(Input::HandlersChanged { has_message_handler: true });
        self.feed(Input::Connect);
        self.wait(Duration::from_secs(120));
        self.close(1001);
        self.wait(Duration::from_secs(7200));
    }
}

fn position(cursor: &str) -> usize {
    cursor.trim_start_matches("del_").parse().expect("cursors are positions")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn d05_c_d12_h_nothing_is_lost_doubled_reordered_or_acknowledged_early(
        setting in setting(),
        fates in prop::collection::vec((any::<u8>(), prop::bool::weighted(0.8)), 1..40),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new(setting, fates);
        world.feed(Input::HandlersChanged { has_message_handler: true });
        world.feed(Input::Connect);
        for step in &steps {
            world.take(step);
        }
        world.recover();
        if !setting.legacy {
            let open: Vec<String> = world.unsettled().map(|at| world.log[at].id()).collect();
            prop_assert_eq!(open, Vec::<String>::new());
            let lost: Vec<String> = world
                .log
                .iter()
                .filter(|stored| !stored.own && !world.handled.contains(&stored.id()))
                .map(Stored::id)
                .collect();
            prop_assert_eq!(lost, Vec::<String>::new());
        }
        prop_assert_eq!(world.machine.pending(), 0);
    }
}
