//! A bounded set of positions, kept as ranges.

const MOST: usize = 64;

/// Ascending ranges that neither touch nor overlap; beyond 64 the lowest is forgotten.
#[derive(Default, Debug)]
pub(super) struct Intervals(Vec<(u64, u64)>);

impl Intervals {
    pub(super) fn contains(&self, value: u64) -> bool {
        let at = self.0.partition_point(|&(_, last)| last < value);
        self.0.get(at).is_some_and(|&(first, _)| first <= value)
    }

    pub(super) fn insert(&mut self, value: u64) {
        // Nearly always the value follows the last range.
        match self.0.last_mut() {
            Some((first, last)) if *last + 1 == value && *first <= value => *last = value,
            _ => self.insert_anywhere(value),
        }
    }

    fn insert_anywhere(&mut self, value: u64) {
        if self.contains(value) {
            return;
        }
        let at = self.0.partition_point(|&(_, last)| last < value);
        let joins_previous =
            at.checked_sub(1).and_then(|before| self.0.get(before)).is_some_and(|range| range.1 + 1 == value);
        let joins_next = self.0.get(at).is_some_and(|range| range.0 == value + 1);
        match (joins_previous, joins_next) {
            (true, true) => {
                let (_, last) = self.0.remove(at);
                self.set(at - 1, |range| range.1 = last);
            }
            (true, false) => self.set(at - 1, |range| range.1 = value),
            (false, true) => self.set(at, |range| range.0 = value),
            (false, false) => self.0.insert(at, (value, value)),
        }
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    fn set(&mut self, at: usize, change: impl FnOnce(&mut (u64, u64))) {
        if let Some(range) = self.0.get_mut(at) {
            change(range);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_a_set(values in proptest::collection::vec(0u64..100, 0..60)) {
            let mut intervals = Intervals::default();
            let mut set = BTreeSet::new();
            for value in values {
                intervals.insert(value);
                set.insert(value);
                for candidate in 0..100 {
                    proptest::prop_assert_eq!(intervals.contains(candidate), set.contains(&candidate));
                }
            }
        }
    }

    #[test]
    fn it_is_bounded() {
        let mut intervals = Intervals::default();
        for value in 0..1000 {
            intervals.insert(value * 2);
        }
        assert_eq!(intervals.0.len(), MOST);
        assert!(intervals.contains(1998) && !intervals.contains(0));
    }
}
