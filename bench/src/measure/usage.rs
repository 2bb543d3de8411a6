//! What the kernel says a group of processes used: CPU time to the nanosecond, memory by kind.

use std::fs;
use std::ops::Sub;

use serde::{Deserialize, Serialize};

/// CPU time of all threads, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cpu {
    /// By the scheduler's own clock.
    pub(crate) total_ns: u64,
    /// By ticks: good for the proportion of user to system time, not for sums.
    pub(crate) user_ticks: u64,
    pub(crate) system_ticks: u64,
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            total_ns: self.total_ns.saturating_sub(before.total_ns),
            user_ticks: self.user_ticks.saturating_sub(before.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(before.system_ticks),
        }
    }
}

impl Cpu {
    /// Of all threads of `pids` that live now.
    pub(crate) fn of(pids: &[u32]) -> Self {
        let mut sum = Self::default();
        for pid in pids {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let (user, system) = ticks(&stat).unwrap_or_default();
            sum.user_ticks += user;
            sum.system_ticks += system;
            for task in tasks(*pid) {
                let schedule =
                    fs::read_to_string(format!("/proc/{pid}/task/{task}/schedstat")).unwrap_or_default();
                sum.total_ns += first_number(&schedule);
            }
        }
        sum
    }

    /// Share of user time, 0 to 1.
    pub(crate) fn user_share(self) -> f64 {
        let all = self.user_ticks + self.system_ticks;
        if all == 0 { 0.0 } else { self.user_ticks as f64 / all as f64 }
    }
}

/// Memory of a group of processes, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Resident, shared pages counted in each process.
    pub(crate) rss: u64,
    /// Resident, shared pages divided among their users.
    pub(crate) pss: u64,
    /// Resident and nobody else's.
    pub(crate) private: u64,
    /// The part of that which was written: without the program's own pages, which the kernel can read again. 0 in older runs.
    #[serde(default)]
    pub(crate) dirty: u64,
}

impl Memory {
    /// Of all of `pids`.
    pub(crate) fn of(pids: &[u32]) -> Self {
        let mut sum = Self::default();
        for pid in pids {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let one = parse_rollup(&rollup);
            sum.rss += one.rss;
            sum.pss += one.pss;
            sum.private += one.private;
            sum.dirty += one.dirty;
        }
        sum
    }
}

/// `pid` and all processes below it.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        for task in tasks(parent) {
            let children =
                fs::read_to_string(format!("/proc/{parent}/task/{task}/children")).unwrap_or_default();
            found.extend(children.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// Threads of `pid` whose name is `prefix` and a number.
pub(crate) fn threads_named(pid: u32, prefix: &str) -> Vec<u32> {
    let is_named = |task: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/task/{task}/comm")).unwrap_or_default();
        name.trim_end().strip_prefix(prefix).is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    tasks(pid).into_iter().filter(is_named).collect()
}

fn tasks(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// User and system ticks; the program's name, in parentheses, may itself hold spaces and parentheses.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn parse_rollup(text: &str) -> Memory {
    let sum = |names: &[&str]| -> u64 {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(name, _)| names.contains(name)).map(|(_, value)| first_number(value) * 1024).sum()
    };
    let (rss, pss, dirty) = (sum(&["Rss"]), sum(&["Pss"]), sum(&["Private_Dirty"]));
    Memory { rss, pss, private: sum(&["Private_Clean"]) + dirty, dirty }
}

fn first_number(text: &str) -> u64 {
    text.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 9 8 7 6 123 45 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some((123, 45)));
    }

    #[test]
    fn private_memory_is_clean_and_dirty_together() {
        let text = "00-ff ---p 00 00:00 0 [rollup]\nRss:  3000 kB\nPss:  2000 kB\nPss_Dirty: 9 kB\nPrivate_Clean: 10 kB\nPrivate_Dirty: 20 kB\n";
        let (rss, pss, private, dirty) = (3000 * 1024, 2000 * 1024, 30 * 1024, 20 * 1024);
        assert_eq!(parse_rollup(text), Memory { rss, pss, private, dirty });
    }

    #[test]
    fn work_done_here_is_seen() {
        let me = [std::process::id()];
        let before = Cpu::of(&me);
        let sum = (0..3_000_000_u64).fold(1_u64, |sum, i| sum.wrapping_mul(31) ^ std::hint::black_box(i));
        assert_ne!(sum, 0);
        assert!((Cpu::of(&me) - before).total_ns > 0);
        let memory = Memory::of(&me);
        assert!(memory.dirty > 0 && memory.private >= memory.dirty, "{memory:?}");
    }

    #[test]
    fn threads_are_found_by_name_and_number() {
        let (ended, waits) = std::sync::mpsc::channel::<()>();
        let (begun, is_there) = std::sync::mpsc::channel();
        let wait = move || begun.send(()).and(Ok(waits.recv()));
        let thread = std::thread::Builder::new().name("named-7".into()).spawn(wait).unwrap();
        is_there.recv().unwrap();
        assert_eq!(threads_named(std::process::id(), "named-").len(), 1);
        assert_eq!(threads_named(std::process::id(), "name").len(), 0);
        drop(ended);
        thread.join().unwrap().unwrap().unwrap_err();
    }

    #[test]
    fn children_are_found() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        assert!(descendants(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
