//! What a running process holds, read from `/proc`.

use std::fs;
use std::io;

/// Memory, descriptors and threads of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessFigures {
    /// Resident set, bytes.
    pub rss_bytes: u64,
    /// Resident pages that belong to it alone and to no file, bytes.
    pub anonymous_bytes: u64,
    /// Open file descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: u64,
    /// CPU time of all threads, clock ticks (10 ms).
    pub cpu_ticks: u64,
}

/// Reads the figures of a process.
///
/// # Errors
/// When it has gone, or there is no `/proc`.
pub fn figures_of(pid: u32) -> io::Result<ProcessFigures> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; what follows it does not.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Ok(ProcessFigures {
        rss_bytes: number("VmRSS:") * 1024,
        anonymous_bytes: number("RssAnon:") * 1024,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        threads: number("Threads:"),
        cpu_ticks: ticks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_descriptor_is_counted() {
        let pid = std::process::id();
        let held: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        let figures = figures_of(pid).unwrap();
        assert!(figures.descriptors > held.len(), "{figures:?}");
        assert!(figures.rss_bytes > 100_000 && figures.threads >= 1, "{figures:?}");
    }
}
