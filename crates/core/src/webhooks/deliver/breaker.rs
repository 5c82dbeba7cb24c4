//! The circuit of a webhook (wire.md §17.5): who fails too often is left alone for a while, then tried with one call.

use agentchat_store::key::WebhookDeliveryKey;
use agentchat_store::tables::Breaker;

/// Failures in a row that open it.
const IN_A_ROW: i64 = 5;
/// Failures that open it when they come within [`WINDOW_MS`].
const WITHIN_WINDOW: usize = 10;
const WINDOW_MS: i64 = 60_000;
/// It stays open for so long.
const OPEN_MS: i64 = 300_000;

/// After an attempt that was answered well.
pub(super) fn succeeded(breaker: &mut Breaker, call: WebhookDeliveryKey) {
    breaker.failures = 0;
    if breaker.probe == Some(call) {
        *breaker = Breaker::default();
    }
}

/// After a call that turned out to have nothing to say: another may try the circuit.
pub(super) fn passed(breaker: &mut Breaker, call: WebhookDeliveryKey) {
    breaker.probe = breaker.probe.filter(|probe| *probe != call);
}

/// After an attempt that was not.
pub(super) fn failed(breaker: &mut Breaker, call: WebhookDeliveryKey, now: i64) {
    breaker.failures += 1;
    breaker.failed_at.push(now);
    let beyond = breaker.failed_at.len().saturating_sub(WITHIN_WINDOW);
    breaker.failed_at.drain(..beyond);
    if breaker.probe == Some(call) {
        breaker.probe = None;
        breaker.opened_until = Some(now + OPEN_MS);
    } else if breaker.opened_until.is_none() && fails_too_often(breaker, now) {
        breaker.opened_until = Some(now + OPEN_MS);
    }
}

fn fails_too_often(breaker: &Breaker, now: i64) -> bool {
    let recent = breaker.failed_at.iter().filter(|at| now - **at <= WINDOW_MS).count();
    breaker.failures >= IN_A_ROW || recent >= WITHIN_WINDOW
}

#[cfg(test)]
mod tests {
    use agentchat_store::key::WebhookDeliveryKey;
    use agentchat_store::tables::Breaker;

    use super::{OPEN_MS, failed, succeeded};

    const CALL: WebhookDeliveryKey = WebhookDeliveryKey(1);
    const PROBE: WebhookDeliveryKey = WebhookDeliveryKey(2);

    #[test]
    fn five_in_a_row_open_it() {
        let mut breaker = Breaker::default();
        for now in 0..4 {
            failed(&mut breaker, CALL, now * 1_000_000);
            assert_eq!(breaker.opened_until, None);
        }
        failed(&mut breaker, CALL, 5_000_000);
        assert_eq!(breaker.opened_until, Some(5_000_000 + OPEN_MS));
    }

    #[test]
    fn ten_within_a_minute_open_it_though_others_succeed() {
        let mut breaker = Breaker::default();
        for now in 0..9 {
            failed(&mut breaker, CALL, now * 6_000);
            succeeded(&mut breaker, CALL);
            assert_eq!(breaker.opened_until, None);
        }
        let mut slower = breaker.clone();
        failed(&mut breaker, CALL, 60_000);
        assert_eq!(breaker.opened_until, Some(60_000 + OPEN_MS));
        failed(&mut slower, CALL, 60_001);
        assert_eq!(slower.opened_until, None, "the first of them is more than a minute ago");
    }

    #[test]
    fn the_probe_decides() {
        let open = Breaker { failures: 5, failed_at: vec![1], opened_until: Some(7), probe: Some(PROBE) };
        let mut breaker = open.clone();
        succeeded(&mut breaker, CALL);
        assert_eq!(breaker.opened_until, Some(7), "an earlier call that came through late does not close it");
        succeeded(&mut breaker, PROBE);
        assert_eq!(breaker, Breaker::default());
        let mut breaker = open;
        failed(&mut breaker, PROBE, 100);
        assert_eq!((breaker.opened_until, breaker.probe), (Some(100 + OPEN_MS), None));
    }
}
