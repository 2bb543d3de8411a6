//! Files and streams as rows: in pieces, in parallel, never a whole file in memory.
//!
//! Threads take pieces of the inputs: parts of a plain file, which each finds its own lines in; what a stream has next; blocks of a
//! segment. Each thread folds its pieces into a partial of its own, and the partials are merged in the end.

mod combined;
mod csv;
mod decompress;
mod detect;
mod line;
mod ndjson;
mod places;
mod queue;
mod run;
mod segment;
mod sink;
mod slice;
mod stream;

use std::boxed::Box;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::string::String;
use std::vec::Vec;

pub use self::csv::names_of as csv_names_of;
pub use self::decompress::{decoded, is_compressed};
pub use self::detect::format_of;
pub use self::line::{Line, LineReader};
pub use self::places::{PlacesError, STANDARD_INPUT, expand};
pub use self::run::analyze;
pub use self::segment::may_admit;
use crate::events::FIELDS as EVENT_FIELDS;
use crate::{Partial, TooManyGroups};

/// Longest line that is read, bytes; a longer one counts as malformed.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// Size of the pieces that are read at once, bytes: they stay in a core's own cache.
const PIECE_BYTES: usize = 128 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Something to read.
pub struct Input<'a> {
    /// What it is called where it is told of.
    pub name: String,
    /// Where it is.
    pub source: Source<'a>,
}

/// Where an input is.
pub enum Source<'a> {
    /// A file, compressed or not.
    File(PathBuf),
    /// A stream, compressed or not.
    Stream(Box<dyn Read + Send + 'a>),
    /// Bytes in memory, compressed or not.
    Bytes(&'a [u8]),
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A JSON object per line.
    Ndjson,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// The common or combined access log of NGINX and Apache.
    Combined,
    /// A segment of the journal.
    Segment,
}

impl Format {
    /// Its name in questions, here and in the bindings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Combined => "combined",
            Self::Segment => "segment",
        }
    }

    /// The fields that such an input has; none where each input has its own.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Ndjson | Self::Csv => &[],
            Self::Combined => &combined::FIELDS,
            Self::Segment => &EVENT_FIELDS,
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Ndjson, Self::Csv, Self::Combined, Self::Segment]
            .into_iter()
            .find(|format| format.name() == name)
    }
}

/// How inputs are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What all inputs are; `None` finds out from names and content.
    pub format: Option<Format>,
    /// Whether the first malformed line ends it.
    pub strict: bool,
    /// Threads; `None` for one per core.
    pub threads: Option<NonZeroUsize>,
}

/// Follows the reading from other threads.
pub trait Watch: Sync {
    /// So many more bytes have been read, as they lie on the disk.
    fn has_read(&self, _bytes: u64) {}

    /// Whether to stop.
    fn is_interrupted(&self) -> bool {
        false
    }
}

impl Watch for () {}

/// Bytes of an input without the mark of UTF-8 that some programs begin a text with: it is no part of the first line.
fn without_mark(start: &[u8]) -> &[u8] {
    start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start)
}

/// What was found.
pub struct Outcome<'p> {
    /// What the rows say.
    pub partial: Partial<'p>,
    /// Lines, or records, the malformed ones among them.
    pub lines: u64,
    /// Bytes of content, decompressed.
    pub bytes: u64,
    /// Lines that could not be read.
    pub malformed: u64,
    /// The first of them.
    pub places: Vec<Place>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the input.
    pub input: String,
    /// Number of the line, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: &'static str,
}

/// Why inputs could not be read to their end.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("reading `{name}`")]
    Read {
        /// Name of the input.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing says what it is.
    #[error("`{name}` is neither JSON lines nor CSV nor an access log nor a segment")]
    Unknown {
        /// Name of the input.
        name: String,
    },
    /// The question makes too many groups.
    #[error(transparent)]
    Groups(#[from] TooManyGroups),
    /// A line is malformed, and was not to be passed over.
    #[error("`{}`, line {}: {}", .0.input, .0.line, .0.what)]
    Malformed(Place),
    /// It was to be stopped.
    #[error("interrupted")]
    Interrupted,
}
