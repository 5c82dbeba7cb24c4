//! Which steps are likely.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::{NewTree, Union, ValueTree};
use proptest::test_runner::TestRunner;

use super::script::{Step, Verb};

/// Steps of one script at the most: few enough to make it small again.
pub(super) const LONGEST: usize = 100;

/// What scripts begin with, so that there is something to go on with.
const BEGINNING: usize = 15;

/// How often each thing happens at the beginning, in relation to the others.
const FIRST_VERBS: &[(u32, Verb)] = &[
    (2, Verb::Register),
    (8, Verb::Send),
    (10, Verb::Answer),
    (4, Verb::CreateGroup),
    (8, Verb::AddMember),
    (10, Verb::Accept),
];

/// How often each thing happens, in relation to the others.
const VERBS: &[(u32, Verb)] = &[
    (6, Verb::Wait),
    (1, Verb::Register),
    (2, Verb::Profile),
    (1, Verb::DeleteAccount),
    (3, Verb::Pause),
    (1, Verb::Suspend),
    (2, Verb::Reinstate),
    (14, Verb::Send),
    (8, Verb::SendInto),
    (14, Verb::Answer),
    (22, Verb::SendToGroup),
    (5, Verb::Resend),
    (6, Verb::Read),
    (5, Verb::ReadThrough),
    (8, Verb::HideMessage),
    (6, Verb::HideConversation),
    (5, Verb::Ack),
    (4, Verb::AckThrough),
    (3, Verb::Sync),
    (4, Verb::History),
    (2, Verb::List),
    (2, Verb::DirectContext),
    (2, Verb::AddContact),
    (2, Verb::NoteContact),
    (2, Verb::RemoveContact),
    (1, Verb::CheckContact),
    (2, Verb::Block),
    (3, Verb::Unblock),
    (1, Verb::Report),
    (3, Verb::MuteAgent),
    (3, Verb::MuteConversation),
    (2, Verb::UnmuteAgent),
    (2, Verb::UnmuteConversation),
    (3, Verb::Notify),
    (3, Verb::CreateGroup),
    (4, Verb::UpdateGroup),
    (1, Verb::DeleteGroup),
    (14, Verb::AddMember),
    (18, Verb::Accept),
    (2, Verb::Reject),
    (5, Verb::Kick),
    (8, Verb::Promote),
    (5, Verb::Demote),
    (5, Verb::Leave),
    (3, Verb::Expire),
    (4, Verb::Retain),
    (3, Verb::Work),
    (2, Verb::Crash),
];

/// Scripts of the greatest length.
#[derive(Debug)]
pub(super) struct Scripts;

impl Strategy for Scripts {
    type Tree = Smaller;
    type Value = Vec<Step>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let script = (vec(step(FIRST_VERBS), BEGINNING), vec(step(VERBS), LONGEST - BEGINNING));
        let (beginning, rest) = script.new_tree(runner)?.current();
        let script = [beginning, rest].concat();
        let next = Attempt::Without { steps: LONGEST / 2, before: LONGEST };
        Ok(Smaller { round: script.len(), next, now: script.clone(), best: script })
    }
}

fn step(verbs: &[(u32, Verb)]) -> impl Strategy<Value = Step> + use<> {
    let verbs = verbs.iter().map(|(weight, verb)| (*weight, Just(*verb))).collect();
    let verb = Union::new_weighted(verbs);
    (verb, any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(verb, who, what, how)| Step { verb, who, what, how })
}

/// A script on its way to a smaller one that fails as well: steps are left out, many at once and from the end first, and
/// then the picks of those that remain become small.
#[derive(Debug)]
pub(super) struct Smaller {
    /// The smallest that is known to fail.
    best: Vec<Step>,
    /// What is tried.
    now: Vec<Step>,
    next: Attempt,
    /// How many steps this round began with. Another failure may have come up meanwhile, which needs fewer.
    round: usize,
}

#[derive(Debug, Clone, Copy)]
enum Attempt {
    /// So many steps are left out that end before this one.
    Without { steps: usize, before: usize },
    /// The how manyth pick of all becomes 0, or less than the number of names.
    Nearer { pick: usize, zero: bool },
}

impl ValueTree for Smaller {
    type Value = Vec<Step>;

    fn current(&self) -> Vec<Step> {
        self.now.clone()
    }

    fn simplify(&mut self) -> bool {
        self.best = self.now.clone();
        self.attempt()
    }

    fn complicate(&mut self) -> bool {
        self.attempt()
    }
}

impl Smaller {
    fn begins_again(&mut self) -> bool {
        let steps = self.best.len();
        let again = steps < self.round;
        self.round = steps;
        self.next = Attempt::Without { steps: steps.div_ceil(2), before: steps };
        again
    }

    /// Makes the next smaller script to be tried; false when there is none.
    fn attempt(&mut self) -> bool {
        loop {
            self.now.clone_from(&self.best);
            match self.next {
                Attempt::Without { steps: 0, .. } => self.next = Attempt::Nearer { pick: 0, zero: true },
                Attempt::Without { steps, before: 0 } => {
                    self.next = Attempt::Without { steps: steps / 2, before: self.best.len() };
                }
                Attempt::Without { steps, before } => {
                    let before = before.min(self.best.len());
                    let from = before.saturating_sub(steps);
                    self.next = Attempt::Without { steps, before: from };
                    if from < before && before - from < self.best.len() {
                        self.now.drain(from..before);
                        return true;
                    }
                }
                Attempt::Nearer { pick, zero } => {
                    let Some(step) = self.now.get_mut(pick / 3) else {
                        if !self.begins_again() {
                            return false;
                        }
                        continue;
                    };
                    self.next = if zero {
                        Attempt::Nearer { pick, zero: false }
                    } else {
                        Attempt::Nearer { pick: pick + 1, zero: true }
                    };
                    let value =
                        [&mut step.who, &mut step.what, &mut step.how].into_iter().nth(pick % 3).expect("three");
                    let nearer = if zero { 0 } else { *value % 8 };
                    if nearer < *value {
                        *value = nearer;
                        return true;
                    }
                }
            }
        }
    }
}

#[test]
fn a_script_that_fails_becomes_one_step() {
    let mut runner = TestRunner::default();
    let mut tree = Scripts.new_tree(&mut runner).expect("a script");
    let fails = |script: &[Step]| script.iter().any(|step| step.verb == Verb::SendToGroup);
    while !fails(&tree.current()) {
        tree = Scripts.new_tree(&mut runner).expect("a script");
    }
    let mut goes_on = tree.simplify();
    while goes_on {
        goes_on = if fails(&tree.current()) { tree.simplify() } else { tree.complicate() };
    }
    assert_eq!(tree.current(), [Step { verb: Verb::SendToGroup, who: 0, what: 0, how: 0 }]);
}
