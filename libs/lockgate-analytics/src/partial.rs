//! A partial answer: groups with what has been seen of each. Adding rows and merging partials commute.

mod carried;

use alloc::vec::Vec;
use core::fmt;
use core::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use lockgate_event::{EventId, EventRef, Value};

use crate::accumulator::Accumulator;
use crate::events::{Parts, Texts, weight_of_kind};
use crate::key::PackedKey;
use crate::measure::Function;
use crate::query::Plan;
use crate::report::Report;
use crate::time::moment_of;
use crate::{Cell, Datum, Number, key};

pub use carried::ReadPartialError;

/// Most groups a question may make.
pub const GROUPS_MAX: usize = 4_000_000;
/// Most memory the groups of a question may take, bytes.
pub const GROUP_BYTES_MAX: usize = 1 << 30;

/// Most rows that are added at once.
#[cfg(feature = "std")]
pub(crate) const BATCH_ROWS: usize = 64;

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
    layout: Layout,
    hash: RandomState,
    /// Groups by their keys.
    table: HashTable<Entry>,
    /// Each group's key in `key_bytes`: where it ends; it starts where the one before ends.
    key_ends: Vec<usize>,
    key_bytes: Vec<u8>,
    /// For each group, its counts and sums side by side, as the layout says: what nearly every row changes lies close together.
    words: Vec<u64>,
    /// For each group, what is kept for its other measures.
    others: Vec<Accumulator>,
    /// Memory taken, bytes.
    taken_bytes: usize,
    rows: u64,
    /// Rows without a moment where the question is about time.
    timeless: u64,
    scratch: Vec<u8>,
}

/// A group in the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: PackedKey,
    group: u32,
}

/// Where the measures of a group are kept.
#[derive(Clone, Debug)]
struct Layout {
    /// For each measure, where it is, and the field it is about.
    places: Vec<(Place, Option<usize>)>,
    words: usize,
    others: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// One word.
    Count(usize),
    /// Two words, the lower one first.
    Sum(usize),
    /// An accumulator.
    Other(usize),
}

impl Layout {
    fn of(plan: &Plan) -> Self {
        let mut layout = Self { places: Vec::new(), words: 0, others: 0 };
        for (function, slot) in &plan.measures {
            let (counter, size) = match function {
                Function::Count => (&mut layout.words, 1),
                Function::Sum => (&mut layout.words, 2),
                _ => (&mut layout.others, 1),
            };
            let at = *counter;
            *counter += size;
            let place = match function {
                Function::Count => Place::Count(at),
                Function::Sum => Place::Sum(at),
                _ => Place::Other(at),
            };
            layout.places.push((place, *slot));
        }
        layout
    }
}

#[inline(always)]
fn add_to_count(words: &mut [u64], at: usize, more: i64) {
    words[at] = words[at].wrapping_add_signed(more);
}

#[inline(always)]
fn sum_at(words: &[u64], at: usize) -> i128 {
    (i128::from(words[at + 1].cast_signed()) << 64) | i128::from(words[at])
}

/// Adds to a sum. Numbers are read only as far as more of them than there can be rows fit.
#[inline(always)]
fn add_to_sum(words: &mut [u64], at: usize, more: i128) {
    let sum = sum_at(words, at).wrapping_add(more);
    (words[at], words[at + 1]) = (sum as u64, (sum >> 64) as u64);
}

impl<'p> Partial<'p> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            layout: Layout::of(plan),
            hash: RandomState::default(),
            table: HashTable::new(),
            key_ends: Vec::new(),
            key_bytes: Vec::new(),
            words: Vec::new(),
            others: Vec::new(),
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

    /// Adds rows that lie behind one another, each with its fields in the order of [`Plan::columns`]: several are looked up side by side.
    ///
    /// # Errors
    ///
    /// When there are too many groups; the partial is of no further use.
    #[cfg(feature = "std")]
    pub fn add_rows(&mut self, rows: &[Cell<'_>]) -> Result<(), TooManyGroups> {
        let plan = self.plan;
        let width = plan.columns().names().len();
        for rows in rows.chunks(BATCH_ROWS * width) {
            let mut weights = [0; BATCH_ROWS];
            let weights = &mut weights[..rows.len() / width];
            weights
                .iter_mut()
                .zip(rows.chunks_exact(width))
                .for_each(|(weight, row)| *weight = weight_of(plan, row));
            self.add_batch(&rows[..weights.len() * width], weights)?;
        }
        Ok(())
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// When there are too many groups; the partial is of no further use.
    pub fn add_event(&mut self, event: &EventRef<'_>) -> Result<(), TooManyGroups> {
        let fields = &self.plan.event_fields;
        let mut texts = Texts::default();
        fields.write_texts(&mut texts, || Parts {
            id: event.id,
            parent: event.parent,
            client: event.client,
            client_fingerprint: event.tls.and_then(|tls| tls.client_fingerprint),
        });
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
        if let Some(group) = self.group_of_row(row)? {
            self.measure(group, row, weight());
        }
        if self.taken_bytes > GROUP_BYTES_MAX { Err(self.too_many()) } else { Ok(()) }
    }

    /// Adds up to [`BATCH_ROWS`] rows that lie behind one another, with what each counts. All groups are looked up first: these waits for
    /// memory pass side by side, and so do those for what is then changed.
    ///
    /// # Errors
    ///
    /// When there are too many groups; the partial is of no further use.
    #[cfg(feature = "std")]
    pub(crate) fn add_batch(&mut self, rows: &[Cell<'_>], weights: &[i64]) -> Result<(), TooManyGroups> {
        let Some(width) = rows.len().checked_div(weights.len()).filter(|width| *width > 0) else {
            return weights.iter().try_for_each(|weight| self.add_weighed(&[], || *weight));
        };
        let mut groups = [None; BATCH_ROWS];
        for (group, row) in groups.iter_mut().zip(rows.chunks_exact(width)) {
            *group = self.group_of_row(row)?;
        }
        for ((group, row), weight) in groups.iter().zip(rows.chunks_exact(width)).zip(weights) {
            if let Some(group) = group {
                self.measure(*group, row, *weight);
            }
        }
        if self.taken_bytes > GROUP_BYTES_MAX { Err(self.too_many()) } else { Ok(()) }
    }

    /// The group that a row counts in; `None` when it does not count.
    #[inline(always)]
    fn group_of_row(&mut self, row: &[Cell<'_>]) -> Result<Option<usize>, TooManyGroups> {
        self.rows += 1;
        let plan = self.plan;
        if plan.predicate.as_ref().is_some_and(|predicate| !predicate.admits(row)) {
            return Ok(None);
        }
        if let (None, &[slot]) = (plan.time, &plan.group_by[..]) {
            return self.group_of_cell(&row[slot]).map(Some);
        }
        self.scratch.clear();
        if let Some((slot, period)) = plan.time {
            let Some(us) = moment_of(&row[slot]) else {
                self.timeless += 1;
                return Ok(None);
            };
            key::put(&Cell::Time(period.bucket(us)), &mut self.scratch);
        }
        plan.group_by.iter().for_each(|slot| key::put(&row[*slot], &mut self.scratch));
        self.group().map(Some)
    }

    #[inline(always)]
    fn measure(&mut self, group: usize, row: &[Cell<'_>], weight: i64) {
        let Layout { places, words, others } = &self.layout;
        let words = &mut self.words[group * words..(group + 1) * words];
        for (place, slot) in places {
            let cell = slot.map(|slot| &row[slot]);
            match (place, cell) {
                (Place::Count(_) | Place::Sum(_), Some(Cell::Null)) => {}
                (Place::Count(at), _) => add_to_count(words, *at, weight),
                (Place::Sum(at), Some(Cell::Number(number))) => add_to_sum(words, *at, number.0),
                (Place::Sum(_), _) => {}
                (Place::Other(at), Some(cell)) if weight > 0 => {
                    let more = self.others[group * others + at].add(cell);
                    self.taken_bytes = self.taken_bytes.saturating_add_signed(more);
                }
                (Place::Other(_), _) => {}
            }
        }
    }

    /// The group of one cell, a new one if there is none.
    #[inline]
    fn group_of_cell(&mut self, cell: &Cell<'_>) -> Result<usize, TooManyGroups> {
        if let Some(key) = PackedKey::of_number(cell)
            && let Some(group) = self.find(key, &[])
        {
            return Ok(group);
        }
        self.scratch.clear();
        key::put(cell, &mut self.scratch);
        self.group()
    }

    /// The group whose key is in `scratch`, a new one if there is none.
    fn group(&mut self) -> Result<usize, TooManyGroups> {
        let key = PackedKey::of(&self.scratch, |long| self.hash.hash_one(long));
        match self.find(key, &self.scratch) {
            Some(group) => Ok(group),
            None => self.new_group(key),
        }
    }

    /// The group of a key; `whole` is the key as bytes, needed where it is too long to be packed.
    #[inline(always)]
    fn find(&self, key: PackedKey, whole: &[u8]) -> Option<usize> {
        let is_it = |entry: &Entry| {
            let group = entry.group as usize;
            entry.key == key && (!key.is_long() || key_of(&self.key_ends, &self.key_bytes, group) == whole)
        };
        self.table.find(self.hash.hash_one(key), is_it).map(|entry| entry.group as usize)
    }

    #[cold]
    fn new_group(&mut self, key: PackedKey) -> Result<usize, TooManyGroups> {
        let group = self.key_ends.len();
        let Layout { words, others, .. } = self.layout;
        self.taken_bytes += self.scratch.len() + words * 8 + others * size_of::<Accumulator>() + 64;
        if group == GROUPS_MAX || self.taken_bytes > GROUP_BYTES_MAX {
            return Err(self.too_many());
        }
        self.key_bytes.extend_from_slice(&self.scratch);
        self.key_ends.push(self.key_bytes.len());
        self.words.resize(self.words.len() + words, 0);
        self.others.extend(self.plan.measures.iter().filter_map(|(function, _)| Accumulator::new(*function)));
        let hash = &self.hash;
        let entry = Entry { key, group: group as u32 };
        self.table.insert_unique(hash.hash_one(key), entry, |entry| hash.hash_one(entry.key));
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
        let (words, others) = (self.layout.words, self.layout.others);
        let mut accumulators = other.others.into_iter();
        for group in 0..other.key_ends.len() {
            self.scratch.clear();
            self.scratch.extend_from_slice(key_of(&other.key_ends, &other.key_bytes, group));
            let own = self.group()?;
            let theirs = &other.words[group * words..(group + 1) * words];
            let ours = &mut self.words[own * words..(own + 1) * words];
            for (place, _) in &self.layout.places {
                match *place {
                    Place::Count(at) => add_to_count(ours, at, theirs[at].cast_signed()),
                    Place::Sum(at) => add_to_sum(ours, at, sum_at(theirs, at)),
                    Place::Other(_) => {}
                }
            }
            for (ours, theirs) in
                self.others[own * others..(own + 1) * others].iter_mut().zip(&mut accumulators)
            {
                self.taken_bytes = self.taken_bytes.saturating_add_signed(ours.merge(theirs));
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
        let rows = (0..self.key_ends.len()).map(|group| {
            let mut row = key::data_of(key_of(&self.key_ends, &self.key_bytes, group));
            let results = self.layout.places.iter().zip(&self.plan.measures);
            row.extend(results.map(|((place, _), (function, _))| self.result(group, *place, *function)));
            row
        });
        Report::new(self.plan, rows.collect())
    }

    fn result(&self, group: usize, place: Place, function: Function) -> Datum {
        let words = &self.words[group * self.layout.words..];
        match place {
            Place::Count(at) => {
                Datum::Number(Number(i128::from(words[at].cast_signed()) * i128::from(Value::ONE.0)))
            }
            Place::Sum(at) => Datum::Number(Number(sum_at(words, at))),
            Place::Other(at) => self.others[group * self.layout.others + at].result(function),
        }
    }
}

fn key_of<'k>(ends: &[usize], bytes: &'k [u8], group: usize) -> &'k [u8] {
    let start = group.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[group]]
}

/// What a row counts: an event of kind `part` nothing, a `cut` takes one back; every other row, whatever its `kind` is, counts once.
#[inline]
pub(crate) fn weight_of(plan: &Plan, row: &[Cell<'_>]) -> i64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measure, Query};
    use alloc::string::String;

    /// Texts are kept until their bound, then there is an error instead of an allocation that fails.
    #[test]
    fn texts_that_are_kept_count_against_the_memory_of_a_question() {
        let measures =
            [Function::Min, Function::Max].map(|function| Measure::new(function, Some("a"))).into();
        let plan = Query { measures, group_by: Vec::new(), ..Query::usage() }.plan();
        let text: String = core::iter::repeat_n('x', 1 << 20).collect();
        let row = |text| plan.columns().names().iter().map(|_| Cell::Text(text)).collect::<Vec<_>>();
        let mut partial = Partial::new(&plan);
        partial.add(&row(&text)).unwrap();
        assert!(partial.taken_bytes >= 2 << 20, "{}", partial.taken_bytes);
        let mut merged = Partial::new(&plan);
        merged.merge(partial.clone()).unwrap();
        assert_eq!(merged.taken_bytes, partial.taken_bytes);
        partial.taken_bytes = GROUP_BYTES_MAX;
        partial.add(&row("y")).unwrap();
        partial.taken_bytes = GROUP_BYTES_MAX;
        assert!(partial.add(&row(&text.replace('x', "z"))).is_err());
    }
}
