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
            cpu_us: cpu_us(&read("stat")?, 11).ok_or_else(|| anyhow!("/proc/{pid}/stat is not understood"))?,
            rss_kib: kib(&status, "VmRSS:"),
            peak_rss_kib: kib(&status, "VmHWM:"),
        })
    }

    /// The same with its children, those that ended included.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub fn of_family(pid: u32) -> anyhow::Result<Self> {
        let mut sum = Self::of(pid)?;
        sum.cpu_us += stat(pid).and_then(|stat| cpu_us(&stat, 13)).unwrap_or(0);
        // One that ends meanwhile is counted by its parent the next time.
        Ok(children(pid).into_iter().filter_map(|child| Self::of(child).ok()).fold(sum, |sum, child| sum + child))
    }

    /// CPU time between `earlier` and this.
    #[must_use]
    pub fn cpu_since(&self, earlier: &Self) -> Duration {
        Duration::from_micros(self.cpu_us.saturating_sub(earlier.cpu_us))
    }
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_us: self.cpu_us + other.cpu_us,
            rss_kib: self.rss_kib + other.rss_kib,
            peak_rss_kib: self.peak_rss_kib + other.peak_rss_kib,
        }
    }
}

fn stat(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// Fields after the name, which may hold anything.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat[stat.rfind(')')? + 1..].split_ascii_whitespace())
}

fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parent = parent.to_string();
    processes.filter(|&pid| stat(pid).is_some_and(|stat| parent_of(&stat) == Some(&parent))).collect()
}

fn parent_of(stat: &str) -> Option<&str> {
    fields(stat)?.nth(1)
}

/// User and system time, two fields from the one after `skip`: 11 for the process, 13 for its ended children.
fn cpu_us(stat: &str, skip: usize) -> Option<u64> {
    let mut fields = fields(stat)?.skip(skip);
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
    fn children_are_counted_while_they_live_and_after() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        let (own, family) = (Usage::of(std::process::id()).unwrap(), Usage::of_family(std::process::id()).unwrap());
        assert!(family.cpu_us >= own.cpu_us);
        assert!(!children(std::process::id()).contains(&child.id()));
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "1 (a) b) S 77 0 0 0 0 0 0 0 0 0 7 3 1 4";
        let ticks = |number: u64| number * 1_000_000 / rustix::param::clock_ticks_per_second();
        assert_eq!((cpu_us(stat, 11), cpu_us(stat, 13)), (Some(ticks(10)), Some(ticks(5))));
        assert_eq!(parent_of(stat), Some("77"));
    }
}
