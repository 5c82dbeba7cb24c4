//! Whether the peer is still there: pings, and progress of writes.

use std::time::Duration;

use super::Timing;

/// What the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing to do.
    Fine,
    /// Send a ping.
    Ping,
    /// Nothing came after a ping.
    Silent,
    /// Nothing could be written for too long.
    Stalled,
}

/// How often the peer is asked for a sign of life, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    pub(super) ping: Duration,
    /// From a ping to the next sign of life; `None` where the peer cannot answer.
    pub(super) pong: Option<Duration>,
    /// Without any progress of a write.
    pub(super) stalled: Duration,
}

impl Rhythm {
    /// That of a WebSocket.
    pub(super) fn of_socket(timing: &Timing) -> Self {
        Self { ping: timing.ping, pong: Some(timing.pong), stalled: timing.stalled }
    }

    /// That of a stream.
    pub(super) fn of_stream(timing: &Timing) -> Self {
        Self { ping: timing.stream_ping, pong: None, stalled: timing.stalled }
    }
}

/// The clocks of one socket. Times are since it began.
#[derive(Debug)]
pub(super) struct Heart {
    rhythm: Rhythm,
    ping_at: Duration,
    /// Set from a ping until the next sign of life.
    dead_at: Option<Duration>,
    /// Since when nothing could be written, and how much was written then.
    stalled: Option<(Duration, u64)>,
}

impl Heart {
    pub(super) fn new(rhythm: Rhythm) -> Self {
        Self { rhythm, ping_at: rhythm.ping, dead_at: None, stalled: None }
    }

    /// Something came from the peer.
    pub(super) fn heard(&mut self) {
        self.dead_at = None;
    }

    /// How writing goes: bytes ever written, and whether some wait.
    pub(super) fn wrote(&mut self, now: Duration, written: u64, blocked: bool) {
        match self.stalled {
            _ if !blocked => self.stalled = None,
            Some((_, before)) if before == written => {}
            _ => self.stalled = Some((now, written)),
        }
    }

    pub(super) fn tick(&mut self, now: Duration) -> Beat {
        if let Some((since, _)) = self.stalled {
            // A ping would wait behind what is stuck: its answer says nothing.
            return if now >= since + self.rhythm.stalled { Beat::Stalled } else { Beat::Fine };
        }
        if self.dead_at.is_some_and(|at| now >= at) {
            return Beat::Silent;
        }
        if now < self.ping_at {
            return Beat::Fine;
        }
        self.ping_at = now + self.rhythm.ping;
        self.dead_at = self.dead_at.or(self.rhythm.pong.map(|pong| now + pong));
        Beat::Ping
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Duration {
        match self.stalled {
            Some((since, _)) => since + self.rhythm.stalled,
            None => self.dead_at.map_or(self.ping_at, |at| at.min(self.ping_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pings_every_thirty_seconds_and_waits_twenty_for_any_frame() {
        let mut heart = Heart::new(Rhythm::of_socket(&Timing::default()));
        assert_eq!(heart.tick(29 * SECOND), Beat::Fine);
        assert_eq!(heart.tick(30 * SECOND), Beat::Ping);
        assert_eq!(heart.deadline(), 50 * SECOND);
        heart.heard();
        assert_eq!(heart.tick(50 * SECOND), Beat::Fine);
        assert_eq!(heart.tick(60 * SECOND), Beat::Ping);
        assert_eq!(heart.tick(80 * SECOND), Beat::Silent);
    }

    #[test]
    fn sixty_seconds_without_progress_are_too_long() {
        let mut heart = Heart::new(Rhythm::of_socket(&Timing::default()));
        heart.wrote(10 * SECOND, 100, true);
        heart.wrote(40 * SECOND, 100, true);
        assert_eq!(heart.tick(69 * SECOND), Beat::Fine, "no ping behind what is stuck");
        assert_eq!(heart.deadline(), 70 * SECOND);
        assert_eq!(heart.tick(70 * SECOND), Beat::Stalled);
        heart.wrote(70 * SECOND, 101, true);
        assert_eq!(heart.deadline(), 130 * SECOND);
        heart.wrote(71 * SECOND, 200, false);
        assert_eq!(heart.tick(71 * SECOND), Beat::Ping);
    }

    #[test]
    fn who_cannot_answer_is_not_waited_for() {
        let mut heart = Heart::new(Rhythm::of_stream(&Timing::default()));
        for beat in 1..=100 {
            assert_eq!(heart.tick(15 * beat * SECOND - SECOND), Beat::Fine);
            assert_eq!(heart.tick(15 * beat * SECOND), Beat::Ping);
        }
    }
}
