//! The clock of a run and the time in which it counts.

use std::time::{Duration, Instant};

/// Nanoseconds since the run was set up; also stamped into the messages.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the beginning.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// When samples count, in nanoseconds of the run's clock.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The first moment that counts.
    pub start: u64,
    /// The first that no longer does; no send begins after it.
    pub end: u64,
}

/// Width of a bucket of the time series.
pub const BUCKET: Duration = Duration::from_millis(250);

impl Window {
    /// Opens `warmup` after `now` and stays open for `length`.
    #[must_use]
    pub fn after(now: u64, warmup: Duration, length: Duration) -> Self {
        let start = now + warmup.as_nanos() as u64;
        Self { start, end: start + length.as_nanos() as u64 }
    }

    /// The bucket that `nanos` falls into; none outside the window.
    #[must_use]
    pub fn bucket(&self, nanos: u64) -> Option<usize> {
        let inside = (self.start..self.end).contains(&nanos);
        inside.then(|| ((nanos - self.start) / BUCKET.as_nanos() as u64) as usize)
    }

    /// How many buckets the window has.
    #[must_use]
    pub fn buckets(&self) -> usize {
        (self.end - self.start).div_ceil(BUCKET.as_nanos() as u64) as usize
    }

    /// Its length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_window_counts() {
        let window = Window::after(5, Duration::from_secs(1), Duration::from_secs(1));
        assert_eq!(window.bucket(window.start - 1), None);
        assert_eq!(window.bucket(window.start), Some(0));
        assert_eq!(window.bucket(window.end - 1), Some(window.buckets() - 1));
        assert_eq!(window.bucket(window.end), None);
    }
}
