//! Which piece of which input comes next.

use std::boxed::Box;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::string::String;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::vec::Vec;

use super::segment::{self, Passed, SegmentError};
use super::sink::Sink;
use super::stream::{Next, Stream, line_end};
use super::{
    Format, Input, InputError, Options, PIECE_BYTES, Source, Watch, csv, decompress, detect, slice,
    without_mark,
};
use crate::query::Plan;

/// Bytes of an input that are looked at to find out what it is; a header of CSV ends within them.
const START_BYTES: usize = 64 << 10;

/// Least bytes of a segment that one thread reads.
const SEGMENT_PIECE_BYTES: u64 = 4 << 20;

/// Hands out pieces to threads.
pub(super) struct Queue<'a> {
    plan: &'a Plan,
    options: Options,
    watch: &'a dyn Watch,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    waiting: VecDeque<(usize, Input<'a>)>,
    open: Vec<Arc<Opened<'a>>>,
    /// What the segments opened so far have.
    passed: Passed,
}

/// An input that is being read.
pub(super) struct Opened<'a> {
    /// Its number among the inputs.
    pub(super) input: usize,
    pub(super) name: String,
    pub(super) format: Format,
    /// Of CSV, the names of the fields.
    pub(super) header: csv::Header,
    content: Content<'a>,
}

enum Content<'a> {
    File {
        file: File,
        length: u64,
        next: AtomicU64,
    },
    Bytes {
        bytes: &'a [u8],
        next: AtomicU64,
    },
    Stream(Mutex<Stream<'a>>),
    Segment {
        bytes: SegmentBytes<'a>,
        pieces: Vec<segment::Piece>,
        next: AtomicU64,
    },
    /// A segment that can only be read from its start to its end.
    SegmentStream(Mutex<Option<Box<dyn Read + Send + 'a>>>),
}

enum SegmentBytes<'a> {
    File(File),
    Memory(&'a [u8]),
}

/// A piece of an input.
pub(super) struct Piece<'a, 'b> {
    pub(super) opened: Arc<Opened<'a>>,
    /// Its number among the pieces of the input.
    pub(super) number: u64,
    pub(super) records: Records<'a, 'b>,
}

/// What a piece holds.
pub(super) enum Records<'a, 'b> {
    /// Whole records, perhaps with one behind them that is too long and has been left out.
    Bytes { bytes: &'b [u8], is_next_too_long: bool },
    /// A record that was too long and has been passed over.
    TooLong,
    /// Blocks of a segment: its place among the pieces.
    Segment(usize),
    /// A whole segment that is yet to be read.
    SegmentStream(Box<dyn Read + Send + 'a>),
}

/// Where in the buffer, or in memory, a piece is.
enum Found<'a> {
    Buffered { number: u64, lines: slice::Lines },
    InMemory { number: u64, bytes: &'a [u8], is_next_too_long: bool },
    TooLong { number: u64 },
    Segment(u64),
    SegmentStream(Box<dyn Read + Send + 'a>),
    End,
}

impl<'a> Queue<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        inputs: Vec<Input<'a>>,
        options: Options,
        watch: &'a dyn Watch,
    ) -> Self {
        let waiting = inputs.into_iter().enumerate().collect();
        let state = State { waiting, open: Vec::new(), passed: Passed::default() };
        Self { plan, options, watch, state: Mutex::new(state) }
    }

    /// Takes the next piece, which may use the buffer; `None` when there is no more.
    pub(super) fn next<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<Option<Piece<'a, 'b>>, InputError>
    where
        'a: 'b,
    {
        loop {
            let Some((opened, may_wait)) = self.choose()? else { return Ok(None) };
            let found = opened.next(buffer, may_wait, self.watch);
            let found = found.map_err(|source| InputError::Read { name: opened.name.clone(), source })?;
            let (number, records) = match found {
                None => continue,
                Some(Found::End) => {
                    self.lock().open.retain(|other| !Arc::ptr_eq(other, &opened));
                    continue;
                }
                Some(Found::Buffered { number, lines }) => {
                    let bytes = &buffer[lines.from..];
                    let is_next_too_long = lines.is_next_too_long;
                    (number, Records::Bytes { bytes, is_next_too_long })
                }
                Some(Found::InMemory { number, bytes, is_next_too_long }) => {
                    (number, Records::Bytes { bytes, is_next_too_long })
                }
                Some(Found::TooLong { number }) => (number, Records::TooLong),
                Some(Found::Segment(number)) => (number, Records::Segment(number as usize)),
                Some(Found::SegmentStream(reader)) => (0, Records::SegmentStream(reader)),
            };
            return Ok(Some(Piece { opened, number, records }));
        }
    }

    /// Chooses an input to read from: one that nobody reads from, else the next one, else one to wait for.
    fn choose(&self) -> Result<Option<(Arc<Opened<'a>>, bool)>, InputError> {
        let mut state = self.lock();
        if let Some(free) = state.open.iter().find(|opened| opened.is_free()) {
            return Ok(Some((Arc::clone(free), false)));
        }
        let Some((number, input)) = state.waiting.pop_front() else {
            return Ok(state.open.first().map(|busy| (Arc::clone(busy), true)));
        };
        let name = input.name.clone();
        let opened = self.open(number, input, &mut state.passed);
        let opened = opened.map_err(|source| InputError::Read { name: name.clone(), source })?;
        let opened = Arc::new(opened.ok_or(InputError::Unknown { name })?);
        state.open.push(Arc::clone(&opened));
        Ok(Some((opened, false)))
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Opened<'a> {
    fn is_free(&self) -> bool {
        match &self.content {
            Content::Stream(stream) => !matches!(stream.try_lock(), Err(TryLockError::WouldBlock)),
            _ => true,
        }
    }

    /// The next piece; `None` when another thread is at it and this one should not wait.
    fn next(&self, buffer: &mut Vec<u8>, may_wait: bool, watch: &dyn Watch) -> io::Result<Option<Found<'a>>> {
        match &self.content {
            Content::File { file, length, next } => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let start = number * PIECE_BYTES as u64;
                if start >= *length {
                    return Ok(Some(Found::End));
                }
                let end = (start + PIECE_BYTES as u64).min(*length);
                watch.has_read(end - start);
                let mut lines = slice::read(file, start, end, buffer)?;
                if start == 0 {
                    lines.from = buffer.len() - without_mark(buffer).len();
                }
                Ok(Some(Found::Buffered { number, lines }))
            }
            Content::Bytes { bytes, next } => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let start = number as usize * PIECE_BYTES;
                if start >= bytes.len() {
                    return Ok(Some(Found::End));
                }
                let end = (start + PIECE_BYTES).min(bytes.len());
                watch.has_read((end - start) as u64);
                let (bytes, is_next_too_long) = slice::of_bytes(bytes, start, end);
                Ok(Some(Found::InMemory { number, bytes, is_next_too_long }))
            }
            Content::Segment { pieces, next, .. } => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                Ok(Some(if number < pieces.len() as u64 { Found::Segment(number) } else { Found::End }))
            }
            Content::SegmentStream(reader) => {
                let reader = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
                Ok(Some(reader.map_or(Found::End, Found::SegmentStream)))
            }
            Content::Stream(stream) => {
                let mut stream = match stream.try_lock() {
                    Ok(stream) => stream,
                    Err(TryLockError::WouldBlock) if !may_wait => return Ok(None),
                    Err(_) => stream.lock().unwrap_or_else(PoisonError::into_inner),
                };
                let number = stream.next_piece;
                Ok(Some(match stream.next(buffer)? {
                    Next::Records => {
                        let lines = slice::Lines { from: 0, is_next_too_long: false };
                        Found::Buffered { number, lines }
                    }
                    Next::TooLong => Found::TooLong { number },
                    Next::End => Found::End,
                }))
            }
        }
    }
}

impl<'a> Queue<'a> {
    /// Opens an input and finds out what it is; `None` when nothing says so.
    fn open(&self, number: usize, input: Input<'a>, passed: &mut Passed) -> io::Result<Option<Opened<'a>>> {
        let Input { name, source } = input;
        let format_of = |start: &[u8]| self.options.format.or_else(|| detect::format_of(&name, start));
        let (format, content) = match source {
            Source::File(path) => {
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                let start = if metadata.is_file() { slice::start(&file, START_BYTES)? } else { Vec::new() };
                let is_plain = metadata.is_file() && !decompress::is_compressed(&start);
                match format_of(&start).filter(|_| is_plain) {
                    Some(format @ (Format::Ndjson | Format::Combined)) => {
                        (format, Content::File { file, length: metadata.len(), next: AtomicU64::new(0) })
                    }
                    Some(format @ Format::Segment) => {
                        (format, self.segment(SegmentBytes::File(file), metadata.len(), passed)?)
                    }
                    _ => return self.open_stream(number, name, Box::new(file)),
                }
            }
            Source::Bytes(bytes) if decompress::is_compressed(bytes) => {
                return self.open_stream(number, name, Box::new(bytes));
            }
            Source::Bytes(bytes) => match format_of(&bytes[..bytes.len().min(START_BYTES)]) {
                Some(format @ (Format::Ndjson | Format::Combined)) => {
                    let bytes = without_mark(bytes);
                    (format, Content::Bytes { bytes, next: AtomicU64::new(0) })
                }
                Some(format @ Format::Segment) => {
                    (format, self.segment(SegmentBytes::Memory(bytes), bytes.len() as u64, passed)?)
                }
                _ => return self.open_stream(number, name, Box::new(Cursor::new(bytes))),
            },
            Source::Stream(reader) => return self.open_stream(number, name, reader),
        };
        Ok(Some(Opened { input: number, name, format, header: csv::Header::default(), content }))
    }

    /// A segment in pieces; none of them if its footer says that it has nothing for the question.
    fn segment(&self, bytes: SegmentBytes<'a>, length: u64, passed: &mut Passed) -> io::Result<Content<'a>> {
        let mut reader = bytes.reader(0);
        let entry = passed.enter(&mut reader, length)?;
        let filter = self.plan.filter.as_ref().zip(entry.footer.as_ref());
        let pieces = match filter {
            Some((filter, (_, footer))) if !segment::may_admit(filter, footer) => {
                self.watch.has_read(length);
                Vec::new()
            }
            _ => segment::pieces(&mut reader, &entry, SEGMENT_PIECE_BYTES)?,
        };
        Ok(Content::Segment { bytes, pieces, next: AtomicU64::new(0) })
    }

    /// Opens what is read from its start to its end.
    fn open_stream(
        &self,
        number: usize,
        name: String,
        reader: Box<dyn Read + Send + 'a>,
    ) -> io::Result<Option<Opened<'a>>> {
        let mut reader = decompress::decoded(Box::new(Counting { reader, watch: self.watch }))?;
        let mut rest = Vec::new();
        (&mut reader).take(START_BYTES as u64).read_to_end(&mut rest)?;
        let format = self.options.format.or_else(|| detect::format_of(&name, &rest));
        // Nothing at all is no rows in any format.
        let Some(format) = format.or(rest.is_empty().then_some(Format::Ndjson)) else { return Ok(None) };
        if format != Format::Segment {
            rest.drain(..rest.len() - without_mark(&rest).len());
        }
        let mut header = csv::Header::default();
        let content = match format {
            Format::Segment => {
                let whole: Box<dyn Read + Send + 'a> = Box::new(Cursor::new(rest).chain(reader));
                Content::SegmentStream(Mutex::new(Some(whole)))
            }
            Format::Csv => {
                header = csv::Header::of(&rest);
                rest.drain(..header.len());
                Content::Stream(Mutex::new(Stream::new(reader, rest, header.records_end())))
            }
            Format::Ndjson | Format::Combined => {
                Content::Stream(Mutex::new(Stream::new(reader, rest, line_end)))
            }
        };
        Ok(Some(Opened { input: number, name, format, header, content }))
    }
}

impl<'a> Opened<'a> {
    /// Reads a piece of a segment.
    pub(super) fn read_segment(
        &self,
        number: usize,
        sink: &mut Sink<'_>,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<(), SegmentError> {
        let Content::Segment { bytes, pieces, .. } = &self.content else { return Ok(()) };
        let Some(piece) = pieces.get(number) else { return Ok(()) };
        segment::read_segment(bytes.reader(piece.start), piece.clone(), sink, on_bytes)
    }
}

impl<'a> SegmentBytes<'a> {
    fn reader(&self, offset: u64) -> SegmentReader<'_> {
        match self {
            Self::File(file) => SegmentReader::File(slice::Reader { file, offset }),
            Self::Memory(bytes) => {
                let mut cursor = Cursor::new(*bytes);
                cursor.set_position(offset);
                SegmentReader::Memory(cursor)
            }
        }
    }
}

enum SegmentReader<'b> {
    File(slice::Reader<'b>),
    Memory(Cursor<&'b [u8]>),
}

impl Read for SegmentReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(bytes),
            Self::Memory(memory) => memory.read(bytes),
        }
    }
}

impl Seek for SegmentReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(memory) => memory.seek(to),
        }
    }
}

/// Tells how much has been read.
struct Counting<'a, R> {
    reader: R,
    watch: &'a dyn Watch,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(bytes)?;
        self.watch.has_read(read as u64);
        Ok(read)
    }
}
