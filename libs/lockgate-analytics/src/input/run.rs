//! Threads that take pieces, and what they found put together.

use std::boxed::Box;
use std::num::NonZeroUsize;
use std::string::String;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "rayon")]
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use super::combined::CombinedRows;
use super::csv::CsvRows;
use super::ndjson::NdjsonRows;
use super::queue::{Opened, Piece, Queue, Records};
use super::segment::{self, SegmentError};
use super::sink::{Found, PLACES_MAX, Rows, Sink};
use super::{Format, Input, InputError, Options, Outcome, Place, Watch};
use crate::Partial;
use crate::query::Plan;

/// Malformed lines that a thread remembers, of which the first are told.
const PLACES_KEPT: usize = 1000;
const TOO_LONG: &str = "it is longer than 16 MiB";

/// Reads inputs and folds their rows.
///
/// # Errors
///
/// When an input cannot be read or is of no known format, the question makes too many groups, `watch` stops it, or, if `options` are strict,
/// at a malformed line.
pub fn analyze<'p>(
    plan: &'p Plan,
    inputs: Vec<Input<'_>>,
    options: Options,
    watch: &dyn Watch,
) -> Result<Outcome<'p>, InputError> {
    let names: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let queue = Queue::new(plan, inputs, options, watch);
    let stop = AtomicBool::new(false);
    let workers = workers(options.threads, |_| {
        let work = Worker { plan, queue: &queue, options, watch, stop: &stop }.run();
        work.inspect_err(|_| stop.store(true, Ordering::Relaxed))
    });
    let mut outcome =
        Outcome { partial: Partial::new(plan), lines: 0, bytes: 0, malformed: 0, places: Vec::new() };
    let mut notes = Notes::default();
    let mut failure = None;
    for worker in workers {
        match worker {
            Ok(work) => {
                outcome.bytes += work.bytes;
                outcome.malformed += work.notes.malformed;
                outcome.partial.merge(work.partial)?;
                notes.lines.extend(work.notes.lines);
                notes.places.extend(work.notes.places);
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    outcome.lines = notes.lines.iter().map(|(_, lines)| u64::from(*lines)).sum();
    outcome.places = notes.places(&names);
    match outcome.places.first() {
        Some(place) if options.strict => Err(InputError::Malformed(place.clone())),
        _ => Ok(outcome),
    }
}

/// Runs `work` in so many threads.
#[cfg(feature = "rayon")]
fn workers<T: Send>(threads: Option<NonZeroUsize>, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let count = threads.map_or_else(rayon::current_num_threads, NonZeroUsize::get);
    if count == 1 {
        return std::vec![work(0)];
    }
    let done = Mutex::new(Vec::with_capacity(count));
    rayon::scope(|scope| {
        for number in 0..count {
            let (work, done) = (&work, &done);
            scope.spawn(move |_| {
                let result = work(number);
                done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(not(feature = "rayon"))]
fn workers<T>(_threads: Option<NonZeroUsize>, work: impl Fn(usize) -> T) -> Vec<T> {
    std::vec![work(0)]
}

/// A piece: its input, and its number there.
type PieceId = (u32, u64);

/// What was found beside rows.
#[derive(Default)]
struct Notes {
    /// Lines of each piece.
    lines: Vec<(PieceId, u32)>,
    malformed: u64,
    /// Malformed lines: the piece, the number in the piece from 0, what is wrong.
    places: Vec<(PieceId, u64, &'static str)>,
}

impl Notes {
    fn add(&mut self, piece: PieceId, found: Found) {
        self.lines.push((piece, found.lines as u32));
        self.malformed += found.malformed;
        if self.places.len() < PLACES_KEPT {
            self.places.extend(found.places.into_iter().map(|(line, what)| (piece, line, what)));
        }
    }

    /// The first malformed lines with their numbers in their inputs: a piece knows only its own.
    fn places(&mut self, names: &[String]) -> Vec<Place> {
        self.places.sort_unstable();
        self.places.truncate(PLACES_MAX);
        let place = |(piece, line, what): &(PieceId, u64, &'static str)| {
            let before =
                self.lines.iter().filter(|((input, number), _)| *input == piece.0 && *number < piece.1);
            let before: u64 = before.map(|(_, lines)| u64::from(*lines)).sum();
            Place { input: names[piece.0 as usize].clone(), line: before + line + 1, what }
        };
        self.places.iter().map(place).collect()
    }
}

struct Worker<'w, 'p, 'a> {
    plan: &'p Plan,
    queue: &'w Queue<'a>,
    options: Options,
    watch: &'w dyn Watch,
    stop: &'w AtomicBool,
}

struct Work<'p> {
    partial: Partial<'p>,
    notes: Notes,
    bytes: u64,
}

impl<'p> Worker<'_, 'p, '_> {
    fn run(&self) -> Result<Work<'p>, InputError> {
        let mut sink = Sink::new(self.plan);
        let mut readers = Readers { plan: self.plan, current: None };
        let (mut notes, mut bytes, mut buffer) = (Notes::default(), 0, Vec::new());
        while !self.stop.load(Ordering::Relaxed) {
            if self.watch.is_interrupted() {
                return Err(InputError::Interrupted);
            }
            let Some(piece) = self.queue.next(&mut buffer)? else { break };
            let id = (piece.opened.input as u32, piece.number);
            let found = self.read(piece, &mut readers, &mut sink, &mut bytes)?;
            if self.options.strict && found.malformed > 0 {
                // Pieces are taken in their order: others finish those before this one.
                self.stop.store(true, Ordering::Relaxed);
            }
            notes.add(id, found);
        }
        Ok(Work { partial: sink.partial, notes, bytes })
    }

    fn read(
        &self,
        piece: Piece<'_, '_>,
        readers: &mut Readers<'_>,
        sink: &mut Sink<'_>,
        bytes: &mut u64,
    ) -> Result<Found, InputError> {
        let Piece { opened, number, records } = piece;
        let mut on_block = |block_bytes: u64| *bytes += block_bytes;
        let outcome = match records {
            Records::Bytes { bytes: records, is_next_too_long } => {
                *bytes += records.len() as u64;
                readers.of(&opened).read(records, sink)?;
                if is_next_too_long {
                    too_long(sink);
                }
                Ok(())
            }
            Records::TooLong => {
                too_long(sink);
                Ok(())
            }
            Records::Segment(number) => opened.read_segment(number, sink, &mut |block_bytes| {
                self.watch.has_read(block_bytes);
                on_block(block_bytes);
            }),
            Records::SegmentStream(reader) => {
                let whole = segment::Piece::whole(u64::MAX, segment::Positions::default());
                segment::read_segment(reader, whole, sink, &mut on_block)
            }
        };
        outcome.map_err(|error| match error {
            SegmentError::Read(source) => InputError::Read { name: opened.name.clone(), source },
            SegmentError::Groups(error) => error.into(),
        })?;
        let mut found = std::mem::take(&mut sink.found);
        if number == 0 {
            // The header is lines, too.
            let lines = opened.header.lines();
            found.lines += lines;
            found.places.iter_mut().for_each(|(line, _)| *line += lines);
        }
        Ok(found)
    }
}

/// Tells of a line that is too long, behind those of the piece.
fn too_long(sink: &mut Sink<'_>) {
    sink.malformed(sink.found.lines, TOO_LONG);
    sink.found.lines += 1;
}

/// The reader of the input that was read last.
struct Readers<'p> {
    plan: &'p Plan,
    current: Option<(usize, Box<dyn Rows>)>,
}

impl Readers<'_> {
    fn of(&mut self, opened: &Opened<'_>) -> &mut dyn Rows {
        let is_other = self.current.as_ref().is_none_or(|(input, _)| *input != opened.input);
        if is_other {
            self.current = None;
        }
        let (_, rows) = self.current.get_or_insert_with(|| {
            let rows: Box<dyn Rows> = match opened.format {
                Format::Csv => Box::new(CsvRows::new(self.plan, &opened.header)),
                Format::Combined => Box::new(CombinedRows::new(self.plan)),
                Format::Ndjson | Format::Segment => Box::new(NdjsonRows::new(self.plan)),
            };
            (opened.input, rows)
        });
        &mut **rows
    }
}

#[cfg(test)]
mod tests;
