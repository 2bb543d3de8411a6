//! The cells that limits are counted in: a table of fixed size, shared by all workers, that takes no lock for a key it knows.
//!
//! A key may lie in any of the 16 cells of one set. A cell is one 128-bit atomic, the key's tag and its state, so that a state can
//! never be taken for another key's. A state that says nothing any more (see [`Table::change`]) leaves its cell to the next key.
//!
//! Why nothing is ever counted in two places: a key comes into its set, and drives another one out, only under the set's latch,
//! behind a look at the whole set. Why forgetting a key admits nothing more: the latch keeps the latest time by which a state was
//! found to say nothing, and a key that comes in is judged at that time or later. A key that is known is changed without the latch;
//! whoever drives it out meanwhile makes its compare-and-swap fail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use portable_atomic::AtomicU128;

/// Cells of one set: where a key may lie.
const SET_CELLS: usize = 16;
/// Sets that are allocated together, when the first key comes into one of them: 4 KiB.
const PAGE_SETS: usize = 16;
const PAGE_CELLS: usize = PAGE_SETS * SET_CELLS;
/// Cells for each key that must find room: with a quarter of the cells taken, one set in a million is full.
const CELLS_PER_KEY: usize = 4;
/// Latches; each is for every so manieth set.
const LATCHES: usize = 1024;

/// Cells in sets in pages.
#[derive(Debug)]
pub(super) struct Table {
    pages: Box<[OnceLock<Box<Page>>]>,
    latches: Box<[Mutex<u64>]>,
    full: AtomicU64,
}

type Page = [Set; PAGE_SETS];

/// Aligned so that a cell and its neighbors lie in one cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([AtomicU128; SET_CELLS]);

/// A key, by a hash of it that nobody outside can foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u64);

impl Tag {
    /// The tag of a key with this hash; 0 stands for no key.
    pub(super) fn of_hash(hash: u64) -> Self {
        Self(hash.max(1))
    }
}

/// A state that was changed, and so can be changed back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    cell: usize,
    tag: Tag,
    before: u64,
    /// When the decision was made.
    at: u64,
    after: u64,
}

/// Why no state was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchanged<R> {
    /// It was decided so.
    Refused(R),
    /// The set of a key that is not known is full.
    Full,
}

impl Table {
    /// A table that has room for so many keys at the same time. It takes memory as keys come.
    pub(super) fn new(keys: usize) -> Self {
        let cells = keys.saturating_mul(CELLS_PER_KEY).next_power_of_two().max(PAGE_CELLS);
        let pages = (0..cells / PAGE_CELLS).map(|_| OnceLock::new()).collect();
        let latches = (0..LATCHES).map(|_| Mutex::default()).collect();
        Self { pages, latches, full: AtomicU64::new(0) }
    }

    /// Changes the state of a key as `decide` says of the state and the time: to what, with what it answers, or not at all. A state
    /// that is not greater than the time is as good as 0, the state of a key that is not known.
    ///
    /// `decide` may be asked again with another state or a later time; only its last answer counts.
    pub(super) fn change<A, R>(
        &self,
        tag: Tag,
        now: u64,
        decide: impl Fn(u64, u64) -> Result<(u64, A), R>,
    ) -> Result<(Change, A), Unchanged<R>> {
        let known = self.set(tag).and_then(|set| self.change_known(set, tag, now, &decide));
        known.unwrap_or_else(|| self.change_unknown(tag, now, &decide))
    }

    /// Takes back what a change has added to a state that is a time. What has followed was put behind it, and would else have begun when
    /// it came, which may be now: so no more is taken back than is left by now.
    pub(super) fn undo(&self, change: Change, now: u64) {
        let Change { before, at, after, .. } = change;
        let left = after.saturating_sub(before.max(at).max(now));
        self.update(change, |state| if state == after { before } else { state.saturating_sub(left) });
    }

    /// Takes one off a state that is a count and has been raised by `change`. Until then it is not 0, so that the cell is the key's.
    pub(super) fn lower(&self, change: Change) {
        self.update(change, |count| count.saturating_sub(1));
    }

    /// Changes the state that `change` has left, as long as the cell is still its key's.
    fn update(&self, change: Change, next: impl Fn(u64) -> u64) {
        if let Some(cell) = self.cell(change.cell) {
            let updated =
                |seen: u128| (tag_of(seen) == change.tag.0).then(|| join(change.tag, next(state_of(seen))));
            let _ = cell.fetch_update(Ordering::AcqRel, Ordering::Relaxed, updated);
        }
    }

    /// How often a key found its set full.
    pub(super) fn full(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    /// Memory taken so far, bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        let pages = self.pages.iter().filter(|page| page.get().is_some()).count();
        pages * size_of::<Page>() + size_of_val(&*self.pages) + size_of_val(&*self.latches)
    }

    fn change_known<A, R>(
        &self,
        set: &Set,
        tag: Tag,
        now: u64,
        decide: &impl Fn(u64, u64) -> Result<(u64, A), R>,
    ) -> Option<Result<(Change, A), Unchanged<R>>> {
        let (at, mut seen) = set.in_order(tag).find(|(_, seen)| tag_of(*seen) == tag.0)?;
        loop {
            let before = state_of(seen);
            let (after, answer) = match decide(before, now) {
                Ok(decided) => decided,
                Err(refused) => return Some(Err(Unchanged::Refused(refused))),
            };
            match set.swap(at, seen, join(tag, after)) {
                Ok(_) => {
                    let cell = self.set_index(tag) * SET_CELLS + at;
                    return Some(Ok((Change { cell, tag, before, at: now, after }, answer)));
                }
                Err(found) if tag_of(found) == tag.0 => seen = found,
                // It was driven out.
                Err(_) => return None,
            }
        }
    }

    fn change_unknown<A, R>(
        &self,
        tag: Tag,
        now: u64,
        decide: &impl Fn(u64, u64) -> Result<(u64, A), R>,
    ) -> Result<(Change, A), Unchanged<R>> {
        let set = self.set_or_make(tag);
        let mut latest = self.latch(tag);
        *latest = now.max(*latest);
        let now = *latest;
        if let Some(known) = self.change_known(set, tag, now, decide) {
            return known;
        }
        let (after, answer) = decide(0, now).map_err(Unchanged::Refused)?;
        for (at, mut seen) in set.in_order(tag) {
            while state_of(seen) <= now {
                match set.swap(at, seen, join(tag, after)) {
                    Ok(_) => {
                        let cell = self.set_index(tag) * SET_CELLS + at;
                        return Ok((Change { cell, tag, before: 0, at: now, after }, answer));
                    }
                    // The key that has the cell came back in time.
                    Err(found) => seen = found,
                }
            }
        }
        self.full.fetch_add(1, Ordering::Relaxed);
        Err(Unchanged::Full)
    }

    fn set_index(&self, tag: Tag) -> usize {
        tag.0 as usize & (self.pages.len() * PAGE_SETS - 1)
    }

    fn set(&self, tag: Tag) -> Option<&Set> {
        let at = self.set_index(tag);
        Some(&self.pages[at / PAGE_SETS].get()?[at % PAGE_SETS])
    }

    fn set_or_make(&self, tag: Tag) -> &Set {
        let at = self.set_index(tag);
        &self.pages[at / PAGE_SETS].get_or_init(Box::default)[at % PAGE_SETS]
    }

    fn cell(&self, at: usize) -> Option<&AtomicU128> {
        self.pages[at / PAGE_CELLS].get()?[at / SET_CELLS % PAGE_SETS].0.get(at % SET_CELLS)
    }

    /// Nothing that is done under a latch can leave it in a bad state.
    fn latch(&self, tag: Tag) -> MutexGuard<'_, u64> {
        self.latches[self.set_index(tag) % LATCHES].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Set {
    /// The cells with their places and contents, beginning with the one that the key is put into first, so that it is found at once.
    fn in_order(&self, tag: Tag) -> impl Iterator<Item = (usize, u128)> {
        let first = (tag.0 >> 60) as usize;
        (first..first + SET_CELLS).map(|at| at % SET_CELLS).map(|at| (at, self.0[at].load(Ordering::Acquire)))
    }

    fn swap(&self, at: usize, current: u128, new: u128) -> Result<u128, u128> {
        self.0[at].compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire)
    }
}

fn join(tag: Tag, state: u64) -> u128 {
    u128::from(tag.0) << 64 | u128::from(state)
}

fn tag_of(cell: u128) -> u64 {
    (cell >> 64) as u64
}

fn state_of(cell: u128) -> u64 {
    cell as u64
}

#[cfg(test)]
mod tests;
