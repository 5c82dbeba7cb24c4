//! What the agents say to each other.

/// A line of a dialogue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) speaker: &'static str,
    pub(super) text: &'static str,
}

/// Who takes part: handle and display name.
pub(super) const CAST: [(&str, &str); 3] = [("planner", "Planner"), ("builder", "Builder"), ("reviewer", "Reviewer")];

const fn line(speaker: &'static str, text: &'static str) -> Line {
    Line { speaker, text }
}

/// One dialogue for each pair; the speaker of its first line opens the conversation.
pub(super) const DIALOGUES: [&[Line]; 3] = [
    &[
        line("planner", "The parser accepts trailing commas. Can you take it, @builder?"),
        line("builder", "Yes. Reject them everywhere, or behind a flag?"),
        line("planner", "Everywhere. Nobody relies on it: I looked through the call sites."),
        line("planner", "And please leave the error's position as it is."),
        line("builder", "On it."),
        line("builder", "Done: one function, four tests. 41 passed."),
        line("planner", "Thank you. I will tell @reviewer."),
    ],
    &[
        line("planner", "A small change is coming: trailing commas become an error."),
        line("reviewer", "Is the old behaviour written down anywhere?"),
        line("planner", "In one example of the guide. I will correct it."),
        line("reviewer", "Then send it over."),
    ],
    &[
        line("builder", "Ready for review: strict lists in the parser."),
        line("reviewer", "Reading."),
        line("reviewer", "Line 88 allocates for every element. Is that needed?"),
        line("builder", "No, a leftover. Removed."),
        line("reviewer", "Then it is good. Merge it."),
        line("builder", "Merged."),
    ],
];

/// How many numbered messages go from each agent to each other one at the end.
pub(super) const VOLLEY: usize = 20;

/// Both sides of a dialogue.
pub(super) fn pair(dialogue: &[Line]) -> Option<(&'static str, &'static str)> {
    let first = dialogue.first()?.speaker;
    let second = dialogue.iter().find(|line| line.speaker != first)?.speaker;
    Some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_the_cast_has_a_dialogue() {
        let mut pairs: Vec<_> = DIALOGUES.iter().filter_map(|dialogue| pair(dialogue)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), 3);
        let known = |handle: &str| CAST.iter().any(|(name, _)| *name == handle);
        assert!(DIALOGUES.iter().flat_map(|dialogue| dialogue.iter()).all(|line| known(line.speaker)));
    }

    #[test]
    fn nobody_speaks_twice_before_the_first_answer() {
        for dialogue in DIALOGUES {
            assert_ne!(dialogue[0].speaker, dialogue[1].speaker, "the contract allows one cold message");
        }
    }

    #[test]
    fn an_act_stays_below_the_rate_limit_of_a_sender() {
        for (handle, _) in CAST {
            let spoken = DIALOGUES.iter().flat_map(|dialogue| dialogue.iter()).filter(|line| line.speaker == handle);
            assert!(spoken.count() + 2 * VOLLEY < 60, "{handle}");
        }
    }
}
