//! What is counted of a function's calls.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Failure;

/// The reasons failures are counted by, in the order of [`Counts::failures`].
pub const FAILURE_REASONS: [&str; 10] = [
    "function_trapped",
    "function_stack",
    "function_timeout",
    "function_cpu",
    "function_memory",
    "function_no_response",
    "function_malformed",
    "function_too_large",
    "function_failed",
    "function_busy",
];

/// Figures of a function since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that ended, well or not, or were given up since nobody waited any more.
    pub calls: u64,
    /// Calls that failed, by reason, in the order of [`FAILURE_REASONS`].
    pub failures: [u64; FAILURE_REASONS.len()],
    /// Calls that hold a place now.
    pub running: u64,
    /// Calls that wait for a place now.
    pub waiting: u64,
    /// Processor time of all calls, nanoseconds.
    pub cpu_ns: u64,
    /// Most memory one instance had, bytes.
    pub memory_bytes_max: u64,
}

/// The same, as many threads count them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    failures: [AtomicU64; FAILURE_REASONS.len()],
    cpu_ns: AtomicU64,
    memory_bytes_max: AtomicU64,
}

impl Counters {
    pub(crate) fn ended(&self, failure: Option<&Failure>, cpu_ns: u64, memory_bytes: u64) {
        self.calls.fetch_add(1, Relaxed);
        self.cpu_ns.fetch_add(cpu_ns, Relaxed);
        self.memory_bytes_max.fetch_max(memory_bytes, Relaxed);
        if let Some(failure) = failure {
            self.failed(failure.reason());
        }
    }

    pub(crate) fn failed(&self, reason: &str) {
        if let Some(at) = FAILURE_REASONS.iter().position(|known| *known == reason) {
            self.failures[at].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read(&self, running: usize, waiting: usize) -> Counts {
        Counts {
            calls: self.calls.load(Relaxed),
            failures: std::array::from_fn(|at| self.failures[at].load(Relaxed)),
            running: running as u64,
            waiting: waiting as u64,
            cpu_ns: self.cpu_ns.load(Relaxed),
            memory_bytes_max: self.memory_bytes_max.load(Relaxed),
        }
    }
}
