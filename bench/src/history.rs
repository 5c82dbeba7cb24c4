//! Conversations' histories, held against what the senders were told.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

use crate::setup::{Agent, Caller};

/// Where history and senders disagree; all zero when they do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Discrepancies {
    /// Acknowledged, but not in the history with its `seq`.
    pub missing: u64,
    /// Places where `seq` jumps or repeats.
    pub holes: u64,
    /// In the history although no sender was told so.
    pub unexpected: u64,
}

impl std::ops::AddAssign for Discrepancies {
    fn add_assign(&mut self, other: Self) {
        self.missing += other.missing;
        self.holes += other.holes;
        self.unexpected += other.unexpected;
    }
}

/// All rows after `audited`, oldest first.
pub(crate) async fn after(
    caller: &mut Caller,
    agent: &Agent,
    conversation: &str,
    audited: u64,
) -> anyhow::Result<Vec<Value>> {
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let last = rows.last().map_or(audited, seq);
        let page = page(caller, agent, conversation, last).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// One page of a conversation, oldest first.
pub(crate) async fn page(
    caller: &mut Caller,
    agent: &Agent,
    conversation: &str,
    after: u64,
) -> anyhow::Result<Vec<Value>> {
    let path = format!("/v1/messages/{conversation}?limit=200&after_seq={after}");
    let rows = caller.call("GET", &path, &agent.key, &Value::Null).await?;
    rows.as_array().cloned().context("history is no array")
}

/// A row's place.
pub(crate) fn seq(row: &Value) -> u64 {
    row["seq"].as_u64().unwrap_or(0)
}

/// The number at the end of a row's `client_msg_id`.
pub(crate) fn counter(row: &Value) -> Option<u64> {
    row["client_msg_id"].as_str()?.rsplit('-').next()?.parse().ok()
}

/// Holds the rows above `audited` (`seq` and name of each) against what was acknowledged (name → `seq`).
pub(crate) fn compare<K: Ord>(acked: &BTreeMap<K, u64>, audited: u64, rows: &[(u64, Option<K>)]) -> Discrepancies {
    let mut found = Discrepancies::default();
    let mut names = BTreeSet::new();
    let mut last = audited;
    for (seq, name) in rows {
        found.holes += u64::from(*seq != last + 1);
        last = *seq;
        match name.as_ref().filter(|name| acked.get(name) == Some(seq)) {
            Some(name) => drop(names.insert(name)),
            None => found.unexpected += 1,
        }
    }
    let expected = acked.iter().filter(|(_, seq)| **seq > audited);
    found.missing = expected.filter(|(name, _)| !names.contains(name)).count() as u64;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(acked: &[(u64, u64)], rows: &[(u64, Option<u64>)]) -> (u64, u64, u64) {
        let found = compare(&acked.iter().copied().collect(), 2, rows);
        (found.missing, found.holes, found.unexpected)
    }

    #[test]
    fn what_was_acknowledged_and_is_there_balances() {
        assert_eq!(found(&[(0, 3), (1, 4)], &[(3, Some(0)), (4, Some(1))]), (0, 0, 0));
    }

    #[test]
    fn a_lost_send_is_missing() {
        assert_eq!(found(&[(0, 3), (1, 4)], &[(3, Some(0))]), (1, 0, 0));
    }

    #[test]
    fn a_jump_of_seq_is_a_hole() {
        assert_eq!(found(&[(0, 4)], &[(4, Some(0))]), (0, 1, 0));
    }

    #[test]
    fn a_row_that_nobody_was_told_of_is_found() {
        assert_eq!(found(&[(0, 3)], &[(3, Some(0)), (4, Some(9))]), (0, 0, 1));
        assert_eq!(found(&[(0, 3)], &[(3, Some(0)), (4, None)]), (0, 0, 1));
    }

    #[test]
    fn another_place_than_acknowledged_is_wrong_twice() {
        assert_eq!(found(&[(0, 4), (1, 3)], &[(3, Some(0)), (4, Some(1))]), (2, 0, 2));
    }

    #[test]
    fn a_message_that_stands_there_twice_is_unexpected_once() {
        assert_eq!(found(&[(0, 3)], &[(3, Some(0)), (4, Some(0))]), (0, 0, 1));
    }
}
