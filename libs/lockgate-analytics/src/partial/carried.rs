//! A partial as bytes, for one of the same question in a worker, a process or a node that shares no memory.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::{Partial, Place, TooManyGroups, add_to_count, add_to_sum, key_of, sum_at};
use crate::accumulator::Accumulator;
use crate::bytes::{Bytes, put_bytes, put_length};
use crate::measure::Measure;
use crate::query::Plan;
use crate::{Period, key};

/// Changes with what is written.
const VERSION: u8 = 2;

/// Why bytes cannot be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPartialError {
    /// They are no partial of this question.
    Foreign,
    /// There are too many groups together.
    Groups(TooManyGroups),
}

impl fmt::Display for ReadPartialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the bytes are no partial answer to this question"),
            Self::Groups(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReadPartialError {}

impl Partial<'_> {
    /// Appends what has been seen as bytes, for [`Partial::merge_bytes`].
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_bytes(&question(self.plan), out);
        for number in [self.rows, self.timeless, self.key_ends.len() as u64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let (words, others) = (self.layout.words, self.layout.others);
        for group in 0..self.key_ends.len() {
            put_bytes(key_of(&self.key_ends, &self.key_bytes, group), out);
            let words = &self.words[group * words..(group + 1) * words];
            words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            self.others[group * others..(group + 1) * others].iter().for_each(|other| other.write(out));
        }
    }

    /// Adds what another partial of the same question has seen, as [`Partial::write`] wrote it.
    ///
    /// # Errors
    ///
    /// When the bytes are none or answer another question, or there are too many groups together; the partial is of no further use.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), ReadPartialError> {
        let mut bytes = Bytes(bytes);
        let groups = self.merge_head(&mut bytes).ok_or(ReadPartialError::Foreign)?;
        for _ in 0..groups {
            self.merge_group(&mut bytes)?;
        }
        if bytes.0.is_empty() { Ok(()) } else { Err(ReadPartialError::Foreign) }
    }

    fn merge_head(&mut self, bytes: &mut Bytes<'_>) -> Option<u64> {
        if bytes.byte()? != VERSION || bytes.bytes()? != question(self.plan) {
            return None;
        }
        self.rows = self.rows.checked_add(bytes.u64()?)?;
        self.timeless = self.timeless.checked_add(bytes.u64()?)?;
        bytes.u64()
    }

    fn merge_group(&mut self, bytes: &mut Bytes<'_>) -> Result<(), ReadPartialError> {
        let foreign = ReadPartialError::Foreign;
        let plan = self.plan;
        let cells = usize::from(plan.time.is_some()) + plan.group_by.len();
        let key = bytes.bytes().filter(|key| key::is_key(key, cells)).ok_or(foreign)?;
        self.scratch.clear();
        self.scratch.extend_from_slice(key);
        let group = self.group().map_err(ReadPartialError::Groups)?;
        let (words, others) = (self.layout.words, self.layout.others);
        let mut theirs = Vec::with_capacity(words);
        for _ in 0..words {
            theirs.push(bytes.u64().ok_or(foreign)?);
        }
        let ours = &mut self.words[group * words..(group + 1) * words];
        for (place, _) in &self.layout.places {
            match *place {
                Place::Count(at) => add_to_count(ours, at, theirs[at].cast_signed()),
                Place::Sum(at) => add_to_sum(ours, at, sum_at(&theirs, at)),
                Place::Other(_) => {}
            }
        }
        let functions = plan.measures.iter().filter(|(function, _)| Accumulator::new(*function).is_some());
        for (ours, (function, _)) in self.others[group * others..].iter_mut().zip(functions) {
            let theirs = Accumulator::read(*function, bytes).ok_or(foreign)?;
            self.taken_bytes = self.taken_bytes.saturating_add_signed(ours.merge(theirs));
        }
        if self.taken_bytes > super::GROUP_BYTES_MAX {
            return Err(ReadPartialError::Groups(self.too_many()));
        }
        Ok(())
    }
}

/// What is asked, the same bytes however it was written: partials of two questions may look alike. Names of measures are no part of it.
fn question(plan: &Plan) -> Vec<u8> {
    let name = |slot: usize| &*plan.columns.names()[slot];
    let mut question = Vec::new();
    put_length(plan.group_names.len(), &mut question);
    plan.group_names.iter().for_each(|field| put_bytes(field.as_bytes(), &mut question));
    put_length(plan.measures.len(), &mut question);
    for (function, slot) in &plan.measures {
        let written = Measure::new(*function, slot.map(name)).name;
        put_bytes(written.as_bytes(), &mut question);
    }
    let (time_field, period) = plan.time.map_or(("", None), |(slot, period)| (name(slot), Some(period)));
    put_bytes(time_field.as_bytes(), &mut question);
    question.extend_from_slice(&period.map_or(0, Period::us).to_le_bytes());
    let condition = plan.filter.as_ref().map(ToString::to_string).unwrap_or_default();
    put_bytes(condition.as_bytes(), &mut question);
    question
}
