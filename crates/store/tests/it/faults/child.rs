//! The parent's side of a [`workload`](super::workload).

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use super::layer::Layer;
use super::workload::{FOLDER, LONG_LOG};
use crate::books::Books;

/// A child at work on a layer's data folder.
pub(super) struct Child {
    process: Process,
    orders: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What a burst was answered.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) acked: u64,
    pub(super) regretted: u64,
    /// Why the store was unavailable, once for each.
    pub(super) unavailable: Vec<String>,
    /// Answers that a failing disk does not explain.
    pub(super) otherwise: Vec<String>,
}

impl Child {
    /// Starts a child that has its agents; `Err` holds what it said when it could not open its store.
    pub(super) fn start(layer: &Layer) -> Result<Self, String> {
        Self::open(layer).map(Self::meet)
    }

    /// As [`Child::start`], with a log that grows for ever.
    pub(super) fn start_with_long_log(layer: &Layer) -> Result<Self, String> {
        Self::open_with(layer, |command| {
            command.env(LONG_LOG, "1");
        })
        .map(Self::meet)
    }

    /// Starts a child that only opened its store.
    pub(super) fn open(layer: &Layer) -> Result<Self, String> {
        Self::open_with(layer, |_| ())
    }

    fn meet(mut self) -> Self {
        self.obeys("meet");
        self
    }

    /// From now on no operation heeds the store's errors.
    pub(super) fn make_stubborn(&mut self) {
        self.obeys("stubborn");
    }

    fn obeys(&mut self, order: &str) {
        self.order(order);
        assert_eq!(self.answer().as_deref(), Some("done"), "{order}");
    }

    fn open_with(layer: &Layer, change: impl Fn(&mut Command)) -> Result<Self, String> {
        let mut command = Command::new(std::env::current_exe().expect("this test's binary"));
        command
            .args(["--exact", "faults::workload::workload", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, layer.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        layer.put_under(&mut command, true);
        change(&mut command);
        let mut process = command.spawn().expect("a child");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut child = Self { process, orders, answers };
        loop {
            match child.answer() {
                Some(line) if line == "ready" => return Ok(child),
                Some(line) if line.starts_with("closed ") => return Err(line["closed ".len()..].to_owned()),
                Some(_) => {}
                None => panic!("the child ended before it was ready: {:?}", child.process.wait()),
            }
        }
    }

    fn answer(&mut self) -> Option<String> {
        self.answers.next().map(|line| line.expect("a line"))
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("a child that listens");
        writeln!(orders, "{order}").expect("a child that listens");
    }

    /// Says `count` messages at once, numbered on from what was said so far.
    pub(super) fn burst(&mut self, books: &mut Books, next: &mut u64, count: u64) -> Outcome {
        self.order(&format!("burst {next} {count}"));
        *next += count;
        let mut outcome = Outcome::default();
        loop {
            match self.answer() {
                Some(line) if line == "done" => return outcome,
                Some(line) => outcome.enter(&line, books),
                None => panic!("the child died: {:?}", self.process.wait()),
            }
        }
    }

    /// How many messages a reader of the child sees.
    pub(super) fn count(&mut self) -> Result<i64, String> {
        self.order("count");
        let answer = self.answer().expect("a count");
        assert_eq!(self.answer().as_deref(), Some("done"));
        match answer.split_once(' ') {
            Some(("count", number)) => Ok(number.parse().expect("a number")),
            _ => Err(answer),
        }
    }

    /// Lets messages be said without a pause from now on.
    pub(super) fn load(&mut self, next: u64) {
        self.order(&format!("load {next}"));
    }

    /// Enters answers until so many messages were acknowledged.
    pub(super) fn listen(&mut self, books: &mut Books, acked: u64) -> Outcome {
        let mut outcome = Outcome::default();
        while outcome.acked < acked {
            let line = self.answer().expect("a child at work");
            outcome.enter(&line, books);
        }
        outcome
    }

    /// `SIGKILL`, then enters what it still had said.
    pub(super) fn kill(&mut self, books: &mut Books) -> Outcome {
        self.process.kill().expect("a child to kill");
        self.process.wait().expect("a dead child");
        let mut outcome = Outcome::default();
        while let Some(line) = self.answer() {
            outcome.enter(&line, books);
        }
        outcome
    }

    /// Lets it close its store and end.
    pub(super) fn close(mut self) {
        self.order("close");
        self.orders = None;
        let last: Vec<String> = std::iter::from_fn(|| self.answer()).collect();
        assert!(last.iter().any(|line| line == "closed in peace"), "{last:?}");
        assert!(self.process.wait().expect("an ended child").success());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Dead already unless a test failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Outcome {
    fn enter(&mut self, line: &str, books: &mut Books) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["acked", number, seq, position] => {
                let place = (seq.parse().expect("a seq"), position.parse().expect("a position"));
                books.acked.insert(number.parse().expect("a number"), place);
                self.acked += 1;
            }
            ["refused", number, why, ..] => {
                books.refused.insert(number.parse().expect("a number"));
                match why {
                    "regret" => self.regretted += 1,
                    "unavailable" => self.unavailable.push(line.to_owned()),
                    _ => self.otherwise.push(line.to_owned()),
                }
            }
            _ => {}
        }
    }
}
