//! Policy `ws_frame`: how many frames a client may send.

use std::time::Duration;

use crate::limits::Rate;

/// The token bucket of one socket (GCRA), full at the beginning.
#[derive(Debug, Default)]
pub(super) struct FrameBudget {
    arrival: Duration,
}

impl FrameBudget {
    /// Takes a token, or says how long until there is one. No rate, no limit.
    pub(super) fn take(&mut self, now: Duration, rate: Option<Rate>) -> Result<(), Duration> {
        let Some(rate) = rate else { return Ok(()) };
        let window = Duration::from_secs(u64::from(rate.window_s));
        let next = self.arrival.max(now) + window / rate.limit.max(1);
        if next > now + window {
            return Err(next - window - now);
        }
        self.arrival = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_at_once_then_one_every_twenty_milliseconds() {
        let (mut budget, rate) = (FrameBudget::default(), Some(Rate::new(50, 1)));
        let now = Duration::from_secs(3);
        for _ in 0..50 {
            assert_eq!(budget.take(now, rate), Ok(()));
        }
        assert_eq!(budget.take(now, rate), Err(Duration::from_millis(20)));
        assert_eq!(budget.take(now + Duration::from_millis(20), rate), Ok(()));
        assert_eq!(budget.take(now, None), Ok(()));
    }
}
