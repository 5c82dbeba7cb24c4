//! Running scripts on both sides.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};

use agentchat_protocol::id::ConversationId;
use agentchat_store::Engine;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::compare::{Places, answers, differences};
use super::expected::Model;
use super::generate::{LONGEST, Scripts};
use super::script::{AT_FIRST, Action, NAMES, Step, Turn, Who};
use super::system::System;

const BEGINNING: i64 = 1_768_469_400_000;

#[test]
fn sqlite_does_what_the_model_says() {
    check(Engine::Sqlite, 10_000);
}

#[test]
fn postgres_does_what_the_model_says() {
    check(Engine::Postgres, 2_000);
}

/// Runs so many steps, in scripts.
#[expect(clippy::print_stdout, reason = "how to repeat the run, and what it came to")]
fn check(engine: Engine, steps: usize) {
    let steps = setting("AGENTCHAT_MODEL_STEPS").unwrap_or(steps);
    let seed = setting("AGENTCHAT_MODEL_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("{steps} steps on {engine:?}; AGENTCHAT_MODEL_SEED={seed} repeats them");
    let config = Config {
        cases: u32::try_from(steps.div_ceil(LONGEST)).unwrap_or(u32::MAX),
        max_shrink_iters: 4_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = Runtime::new().expect("a runtime");
    let record = Record::default();
    let play = |script: &[Step]| runtime.block_on(run(engine, script, &record));
    match runner.run(&Scripts, |script| play(&script).map_err(TestCaseError::fail)) {
        Ok(()) => {
            println!("{}", shown(&record.tally.borrow()));
            if steps >= ENOUGH {
                let missing = missing(&record.tally.borrow());
                assert_eq!(missing, Vec::<String>::new(), "nothing of this happened in {steps} steps");
            }
        }
        Err(TestError::Fail(reason, script)) => {
            // Once more, for the list: the last one tried was none that fails.
            let _same = catch_unwind(AssertUnwindSafe(|| play(&script)));
            let told = record.told.borrow();
            panic!("AGENTCHAT_MODEL_SEED={seed}\n\n{told}  differs:\n{}", reason.message());
        }
        Err(TestError::Abort(reason)) => panic!("AGENTCHAT_MODEL_SEED={seed}: {reason}"),
    }
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Of so many steps one may expect that everything happens.
const ENOUGH: usize = 10_000;

/// What has to happen now and then, or the generator has lost its way.
const EXPECTED: &[(&str, &[&str])] = &[
    (
        "Send",
        &[
            "ok",
            "AGENT_NOT_FOUND",
            "AGENT_PAUSED_BY_OWNER",
            "AWAITING_REPLY",
            "BLOCKED",
            "CONVERSATION_NOT_FOUND",
            "GROUP_NOT_FOUND",
            "IDEMPOTENCY_KEY_CONFLICT",
            "RATE_LIMITED",
            "RECIPIENT_BACKLOGGED",
            "VALIDATION_ERROR",
        ],
    ),
    ("Read", &["ok", "MESSAGE_NOT_FOUND"]),
    ("ReadThrough", &["ok"]),
    ("HideMessage", &["ok", "MESSAGE_NOT_FOUND"]),
    ("HideConversation", &["ok", "CONVERSATION_NOT_FOUND"]),
    ("Ack", &["ok"]),
    ("AckThrough", &["ok"]),
    ("Sync", &["ok"]),
    ("History", &["ok"]),
    ("AddContact", &["ok"]),
    ("Block", &["ok"]),
    ("Mute", &["ok"]),
    ("Notify", &["ok"]),
    ("Emptied", &["messages"]),
    ("CreateGroup", &["ok"]),
    ("UpdateGroup", &["ok"]),
    ("AddMember", &["ok", "FORBIDDEN", "GROUP_NOT_FOUND"]),
    ("Accept", &["ok", "INVITE_NOT_FOUND"]),
    ("Kick", &["ok"]),
    ("Promote", &["ok"]),
    ("Demote", &["ok"]),
    ("Leave", &["ok"]),
    ("DeleteAccount", &["ok"]),
    ("Crash", &["ok"]),
];

fn missing(tally: &Tally) -> Vec<String> {
    let happened =
        |action: &str, outcome: &str| tally.get(action).is_some_and(|outcomes| outcomes.contains_key(outcome));
    let expected = EXPECTED.iter().flat_map(|(action, outcomes)| outcomes.iter().map(move |outcome| (action, outcome)));
    expected
        .filter(|(action, outcome)| !happened(action, outcome))
        .map(|(action, outcome)| format!("{action}: {outcome}"))
        .collect()
}

/// How often what came of which action.
type Tally = BTreeMap<String, BTreeMap<&'static str, u32>>;

fn shown(tally: &Tally) -> String {
    let line = |(action, outcomes): (&String, &BTreeMap<&str, u32>)| {
        let outcomes: Vec<String> = outcomes.iter().map(|(outcome, times)| format!("{outcome} {times}")).collect();
        format!("  {action}: {}\n", outcomes.join(", "))
    };
    tally.iter().map(line).collect()
}

/// What happened: in all scripts, and in the last one.
#[derive(Debug, Default)]
struct Record {
    tally: RefCell<Tally>,
    told: RefCell<String>,
}

/// Both sides of a script.
struct Both<'a> {
    record: &'a Record,
    model: Model,
    system: System,
    places: Places,
    turn: Turn,
    /// Of the next message's id that a job needs in this turn.
    index: u8,
    just_accepted: bool,
}

/// Actions themselves need fewer ids of messages.
const FIRST_OF_JOBS: u8 = 4;

async fn run(engine: Engine, script: &[Step], record: &Record) -> Result<(), String> {
    record.told.borrow_mut().clear();
    let mut both = Both {
        record,
        model: Model::new(BEGINNING),
        system: System::new(engine).await,
        places: Places::default(),
        turn: Turn { number: 0, now: BEGINNING },
        index: FIRST_OF_JOBS,
        just_accepted: false,
    };
    let result = both.play(script).await;
    both.system.close().await;
    result
}

impl Both<'_> {
    async fn play(&mut self, script: &[Step]) -> Result<(), String> {
        for name in 0..AT_FIRST {
            self.act(&Action::Register { name }).await?;
        }
        *self.record.told.borrow_mut() = format!("  at first there are {}\n", NAMES[..AT_FIRST].join(", "));
        for (index, step) in script.iter().enumerate() {
            let next = Turn { number: self.turn.number + 1, ..self.turn };
            let action = self.model.resolve(*step, &next);
            self.act(&action).await?;
            if (index + 1) % 100 == 0 {
                self.compare_everything().await?;
            }
        }
        self.compare_everything().await
    }

    /// One action on both sides.
    async fn act(&mut self, action: &Action) -> Result<(), String> {
        let passed = match action {
            Action::Wait { millis } => *millis,
            // Some come at the same moment. (What is said at that of a hide, the contract masks and the service shows.)
            Action::Accept { .. } if self.just_accepted => 0,
            _ => 1,
        };
        self.turn = Turn { number: self.turn.number + 1, now: self.turn.now + passed };
        self.just_accepted = matches!(action, Action::Accept { .. });
        self.index = FIRST_OF_JOBS;
        let turn = self.turn;
        let expected = self.model.apply(action, &turn);
        let outcome = expected.as_ref().map_or_else(|refused| refused.code, |_| "ok");
        let _infallible = writeln!(self.record.told.borrow_mut(), "  {}. {action} → {outcome}", turn.number);
        *self.record.tally.borrow_mut().entry(kind(action)).or_default().entry(outcome).or_default() += 1;
        let mut actual = self.system.apply(action, &turn).await;
        if let (Some(who), Ok(body)) = (action.caller(), &mut actual) {
            self.places.watch(who, body, &self.model, &mut self.system)?;
        }
        nothing_or(answers(&expected, &actual))?;
        if let Action::Retain { age, cut_short } = action {
            let before = turn.now - age;
            self.system.expire(&turn).await;
            let emptied = self.system.retain(before, *cut_short, &turn).await;
            *self.record.tally.borrow_mut().entry("Emptied".into()).or_default().entry("messages").or_default() +=
                u32::try_from(emptied.len()).expect("few");
            self.model.hear_of_emptying(&emptied, before)?;
        }
        if let Action::Work { chunks, rows } = action {
            self.work(*chunks, *rows).await?;
        }
        self.compare_touched().await?;
        if let (Action::DeleteGroup { .. }, Ok(_)) = (action, &expected) {
            self.end_the_job().await?;
        }
        Ok(())
    }

    /// What waits of a group that ended is not shown any more, but an ack may still settle it, until the job has: so the
    /// job ends here, with a crash on its way.
    async fn end_the_job(&mut self) -> Result<(), String> {
        self.work(2, 1).await?;
        self.compare_touched().await?;
        self.system.apply(&Action::Crash, &self.turn).await.map_err(|refused| refused.code.to_owned())?;
        self.compare_touched().await?;
        self.work(usize::MAX, 500).await?;
        self.compare_touched().await
    }

    /// Jobs do what they find; the model is told which group was left when.
    async fn work(&mut self, chunks: usize, rows: u64) -> Result<(), String> {
        let turn = self.turn;
        let (leavings, idle) = self.system.work(chunks, rows, &turn, self.index).await;
        self.index += u8::try_from(2 * leavings.len()).expect("few");
        for leaving in leavings {
            let told = self.model.hear_of_leaving(leaving.group, &leaving.name, &turn, leaving.index);
            let told = told.map_err(|text| format!("    {text}\n"))?;
            nothing_or(differences("posted", &told, &leaving.posted))?;
        }
        let left = self.model.groups_to_leave();
        if idle && !left.is_empty() {
            return Err(format!("    the jobs are done, but deleted accounts are still in {left:?}\n"));
        }
        Ok(())
    }

    async fn compare_touched(&mut self) -> Result<(), String> {
        let conversations: Vec<ConversationId> = self.model.touched_in.iter().copied().collect();
        let living = self.model.everybody();
        for who in living.into_iter().filter(|who| self.model.touched.contains(who)).collect::<Vec<_>>() {
            self.compare(who, conversations.clone()).await?;
        }
        Ok(())
    }

    async fn compare_everything(&mut self) -> Result<(), String> {
        for who in self.model.everybody() {
            self.compare(who, self.model.all_conversations()).await?;
        }
        Ok(())
    }

    /// What one agent sees of itself and of these conversations.
    async fn compare(&mut self, who: Who, conversations: Vec<ConversationId>) -> Result<(), String> {
        let expected = self.model.view(who);
        let expected_of: Vec<Value> = conversations.iter().map(|id| self.model.view_of(who, *id)).collect();
        let (mut actual, mut actual_of) = self.system.look(who, conversations.clone(), &self.turn).await;
        for shown in [&mut actual].into_iter().chain(&mut actual_of) {
            self.places.watch(who, shown, &self.model, &mut self.system)?;
        }
        nothing_or(differences(NAMES[who], &expected, &actual))?;
        for ((id, expected), actual) in conversations.iter().zip(&expected_of).zip(&actual_of) {
            nothing_or(differences(&format!("{} in {id}", NAMES[who]), expected, actual))?;
        }
        Ok(())
    }
}

/// The action's name.
fn kind(action: &Action) -> String {
    let text = format!("{action:?}");
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn nothing_or(differences: String) -> Result<(), String> {
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}
