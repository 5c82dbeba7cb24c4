//! CPU time and memory of a process, from `/proc/PID`.

use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::Serialize;

/// What a process used up to now.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// User and system time together, in microseconds (the kernel counts in 10 ms).
    pub cpu_us: u64,
    /// Resident memory now, in KiB.
    pub rss_kib: u64,
    /// The most it ever was, in KiB.
    pub peak_rss_kib: u64,
}

impl Usage {
    /// Reads the usage of process `pid`.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let status = read("status")?;
        Ok(Self {
            cpu_us: cpu_us(&read("stat")?).ok_or_else(|| anyhow!("/proc/{pid}/stat is not understood"))?,
            rss_kib: kib(&status, "VmRSS:"),
            peak_rss_kib: kib(&status, "VmHWM:"),
        })
    }

    /// CPU time between `earlier` and this.
    #[must_use]
    pub fn cpu_since(&self, earlier: &Self) -> Duration {
        Duration::from_micros(self.cpu_us.saturating_sub(earlier.cpu_us))
    }
}

fn cpu_us(stat: &str) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 1_000_000 / rustix::param::clock_ticks_per_second())
}

fn kib(status: &str, name: &str) -> u64 {
    status.lines().find_map(|line| line.strip_prefix(name)?.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_usage_is_read() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_kib > 100 && usage.peak_rss_kib >= usage.rss_kib);
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "1 (a) b) S 0 0 0 0 0 0 0 0 0 0 7 3 0 0";
        let ticks = 10 * 1_000_000 / rustix::param::clock_ticks_per_second();
        assert_eq!(cpu_us(stat), Some(ticks));
    }
}
