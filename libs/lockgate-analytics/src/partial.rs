//! A partial answer: groups with what has been seen of each. Adding rows and merging partials commute.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use lockgate_event::{EventId, EventRef};

use crate::accumulator::Accumulator;
use crate::events::{Texts, weight_of_kind};
use crate::query::Plan;
use crate::report::Report;
use crate::time::moment_of;
use crate::{Cell, key};

/// Most groups a question may make.
pub const GROUPS_MAX: usize = 4_000_000;
/// Most memory the groups of a question may take, bytes.
pub const GROUP_BYTES_MAX: usize = 1 << 30;

/// The question makes more groups than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGroups {
    /// Groups there were then.
    pub groups: usize,
    /// Memory they took, bytes.
    pub bytes: usize,
}

impl fmt::Display for TooManyGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too many groups: {} of them take {} MiB", self.groups, self.bytes >> 20)
    }
}

impl core::error::Error for TooManyGroups {}

/// What has been seen of some of the rows.
#[derive(Clone, Debug)]
pub struct Partial<'p> {
    plan: &'p Plan,
    hash: RandomState,
    /// Numbers of groups by the hash of their keys.
    table: HashTable<u32>,
    /// Each group's key in `key_bytes`: where it ends; it starts where the one before ends.
    key_ends: Vec<usize>,
    key_bytes: Vec<u8>,
    /// For each group, its hash, so that growing and merging need not hash again.
    hashes: Vec<u64>,
    /// For each group, one accumulator per measure.
    accumulators: Vec<Accumulator>,
    /// Memory the accumulators took beside themselves, bytes.
    taken_bytes: usize,
    rows: u64,
    /// Rows without a moment where the question is about time.
    timeless: u64,
    scratch: Vec<u8>,
}

impl<'p> Partial<'p> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            hash: RandomState::default(),
            table: HashTable::new(),
            key_ends: Vec::new(),
            key_bytes: Vec::new(),
            hashes: Vec::new(),
            accumulators: Vec::new(),
            taken_bytes: 0,
            rows: 0,
            timeless: 0,
            scratch: Vec::new(),
        }
    }

    /// Adds a row, its fields in the order of [`Plan::columns`].
    ///
    /// # Errors
    ///
    /// When there are too many groups; the partial is of no further use.
    #[inline]
    pub fn add(&mut self, row: &[Cell<'_>]) -> Result<(), TooManyGroups> {
        let plan = self.plan;
        self.add_weighed(row, || weight_of(plan, row))
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// When there are too many groups; the partial is of no further use.
    pub fn add_event(&mut self, event: &EventRef<'_>) -> Result<(), TooManyGroups> {
        let fields = &self.plan.event_fields;
        let mut texts = Texts::default();
        fields.write_texts(&mut texts, || (event.id, event.parent, event.client));
        fields.with_row(|row| {
            fields.fill_from_event(row, event, &texts);
            self.add_weighed(row, || weight_of_kind(event.kind))
        })
    }

    /// Adds a row that counts so much; the columns that only tell of weight may be missing.
    #[inline]
    pub(crate) fn add_weighed(
        &mut self,
        row: &[Cell<'_>],
        weight: impl FnOnce() -> i64,
    ) -> Result<(), TooManyGroups> {
        self.rows += 1;
        let plan = self.plan;
        if plan.predicate.as_ref().is_some_and(|predicate| !predicate.admits(row)) {
            return Ok(());
        }
        self.scratch.clear();
        if let Some((slot, period)) = plan.time {
            match moment_of(&row[slot]) {
                Some(us) => key::put(&Cell::Time(period.bucket(us)), &mut self.scratch),
                None => {
                    self.timeless += 1;
                    return Ok(());
                }
            }
        }
        for slot in &plan.group_by {
            key::put(&row[*slot], &mut self.scratch);
        }
        let weight = weight();
        let group = self.group()?;
        let start = group * plan.measures.len();
        let accumulators = &mut self.accumulators[start..start + plan.measures.len()];
        for (accumulator, (_, slot)) in accumulators.iter_mut().zip(&plan.measures) {
            self.taken_bytes += accumulator.add(slot.map(|slot| &row[slot]), weight);
        }
        if self.taken_bytes > GROUP_BYTES_MAX { Err(self.too_many()) } else { Ok(()) }
    }

    /// The group whose key is in `scratch`, a new one if there is none.
    #[inline]
    fn group(&mut self) -> Result<usize, TooManyGroups> {
        let hash = hash_of(&self.hash, &self.scratch);
        let is_it = |group: &u32| key_of(&self.key_ends, &self.key_bytes, *group as usize) == self.scratch;
        match self.table.find(hash, is_it) {
            Some(group) => Ok(*group as usize),
            None => self.new_group(hash),
        }
    }

    #[cold]
    fn new_group(&mut self, hash: u64) -> Result<usize, TooManyGroups> {
        let group = self.key_ends.len();
        self.taken_bytes += self.scratch.len() + self.plan.measures.len() * size_of::<Accumulator>() + 32;
        if group == GROUPS_MAX || self.taken_bytes > GROUP_BYTES_MAX {
            return Err(self.too_many());
        }
        self.key_bytes.extend_from_slice(&self.scratch);
        self.key_ends.push(self.key_bytes.len());
        self.hashes.push(hash);
        self.accumulators.extend(self.plan.measures.iter().map(|(function, _)| Accumulator::new(*function)));
        let hashes = &self.hashes;
        self.table.insert_unique(hash, group as u32, |group| hashes[*group as usize]);
        Ok(group)
    }

    fn too_many(&self) -> TooManyGroups {
        TooManyGroups { groups: self.key_ends.len(), bytes: self.taken_bytes }
    }

    /// Adds what another partial of the same plan has seen.
    ///
    /// # Errors
    ///
    /// When there are too many groups together; the partial is of no further use.
    pub fn merge(&mut self, other: Self) -> Result<(), TooManyGroups> {
        self.rows += other.rows;
        self.timeless += other.timeless;
        let measures = self.plan.measures.len();
        let mut accumulators = other.accumulators.into_iter();
        for group in 0..other.key_ends.len() {
            self.scratch.clear();
            self.scratch.extend_from_slice(key_of(&other.key_ends, &other.key_bytes, group));
            let own = self.group()? * measures;
            for (own, other) in self.accumulators[own..own + measures].iter_mut().zip(&mut accumulators) {
                self.taken_bytes += own.merge(other);
            }
            if self.taken_bytes > GROUP_BYTES_MAX {
                return Err(self.too_many());
            }
        }
        Ok(())
    }

    /// Rows seen, whether they were admitted or not.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows that were admitted but said no moment, where the question is about time: they are in no bucket.
    #[must_use]
    pub fn timeless(&self) -> u64 {
        self.timeless
    }

    /// What the rows say together.
    #[must_use]
    pub fn report(&self) -> Report {
        let measures = self.plan.measures.len();
        let rows = (0..self.key_ends.len()).map(|group| {
            let mut row = key::data_of(key_of(&self.key_ends, &self.key_bytes, group));
            let accumulators = &self.accumulators[group * measures..(group + 1) * measures];
            row.extend(
                accumulators
                    .iter()
                    .zip(&self.plan.measures)
                    .map(|(seen, (function, _))| seen.result(*function)),
            );
            row
        });
        Report::new(self.plan, rows.collect())
    }
}

fn key_of<'k>(ends: &[usize], bytes: &'k [u8], group: usize) -> &'k [u8] {
    let start = group.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[group]]
}

#[inline]
fn hash_of(state: &RandomState, key: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// What a row counts: an event of kind `part` nothing, a `cut` takes one back; every other row, whatever its `kind` is, counts once.
#[inline]
fn weight_of(plan: &Plan, row: &[Cell<'_>]) -> i64 {
    match row[plan.kind] {
        Cell::Text("part") if is_event(&row[plan.id]) => 0,
        Cell::Text("cut") if is_event(&row[plan.id]) => -1,
        _ => 1,
    }
}

#[cold]
fn is_event(id: &Cell<'_>) -> bool {
    matches!(id, Cell::Text(id) if id.parse::<EventId>().is_ok())
}
