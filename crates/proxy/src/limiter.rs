//! Moment 5: rates and concurrency, exact over all workers.

mod permits;
mod rules;
mod table;

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};

pub use permits::{Asker, Permits};
pub use rules::{RouteLimits, Stage};
use table::{Table, Tag};

/// What all workers count limits in. It outlives every configuration, so that a reload lets nobody begin afresh.
#[derive(Debug)]
pub struct Limiter {
    /// Time 0 of the states. The clock is the monotonic one, so that setting the wall clock changes nothing.
    origin: Instant,
    hasher: SeedableRandomState,
    /// Keys that must find room in each table.
    keys: usize,
    /// State: the theoretical arrival time, nanoseconds. Made when the first such limit is asked.
    rates: OnceLock<Table>,
    /// State: requests under way.
    concurrency: OnceLock<Table>,
    rate_limited: AtomicU64,
    concurrency_limited: AtomicU64,
}

/// What limits have refused since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitCounts {
    /// Requests refused by a rate.
    pub rate_limited: u64,
    /// Requests refused because too many were under way.
    pub concurrency_limited: u64,
    /// Requests refused because the tables had no room to count them in.
    pub limiter_full: u64,
    /// Memory of the tables, bytes.
    pub memory_bytes: usize,
}

impl Limiter {
    /// A limiter with room for so many keys of rates, and as many of concurrency.
    pub fn new(keys: usize) -> Self {
        let mut seed = [0; 8];
        // The shared seed is random, too; this one is harder to guess.
        let _ = getrandom::fill(&mut seed);
        Self {
            origin: Instant::now(),
            hasher: SeedableRandomState::with_seed(u64::from_le_bytes(seed), SharedSeed::global_random()),
            keys,
            rates: OnceLock::new(),
            concurrency: OnceLock::new(),
            rate_limited: AtomicU64::new(0),
            concurrency_limited: AtomicU64::new(0),
        }
    }

    /// What has been refused so far.
    pub fn counts(&self) -> LimitCounts {
        let tables = || [&self.rates, &self.concurrency].into_iter().filter_map(OnceLock::get);
        LimitCounts {
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
            concurrency_limited: self.concurrency_limited.load(Ordering::Relaxed),
            limiter_full: tables().map(Table::full).sum(),
            memory_bytes: tables().map(Table::memory_bytes).sum(),
        }
    }

    fn rates(&self) -> &Table {
        self.rates.get_or_init(|| Table::new(self.keys))
    }

    fn concurrency(&self) -> &Table {
        self.concurrency.get_or_init(|| Table::new(self.keys))
    }

    fn tag(&self, hash: impl FnOnce(&mut FoldHasher<'_>)) -> Tag {
        let mut hasher = self.hasher.build_hasher();
        hash(&mut hasher);
        Tag::of_hash(hasher.finish())
    }

    fn since_origin_ns(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
