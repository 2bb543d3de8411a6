//! Opens a place and searches it.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use grep_printer::JSONBuilder;
use grep_regex::RegexMatcher;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use lockgate_analytics::input::{decoded, is_compressed};

use super::Search;
use super::conditions::{Conditions, LineMatcher};
use super::events::EventLines;
use super::output::{Form, Output};
use super::pieces::{self, Pieces};
use super::places::{Place, expand};
use crate::failure::Failure;

/// Bytes at the start of a file that are looked at: a NUL among them says that it is binary.
const START_BYTES: usize = 64 << 10;
/// Longest line that is searched, with the lines of its context; bytes.
const LINES_BYTES_MAX: usize = 64 << 20;

/// What is looked for, and where it is told.
#[derive(Clone, Copy)]
pub(super) struct Task<'s> {
    pub(super) search: &'s Search,
    pub(super) pattern: &'s RegexMatcher,
    pub(super) conditions: &'s Conditions<'s>,
    pub(super) output: &'s Output,
}

impl<'s> Task<'s> {
    /// One that searches places.
    pub(super) fn seeker(self) -> Seeker<'s> {
        Seeker { task: self, lines: self.lines(), searcher: self.searcher().build() }
    }

    /// One that searches pieces of a file, whose first bytes are no mark of an encoding.
    fn seeker_of_pieces(self) -> Seeker<'s> {
        Seeker { task: self, lines: self.lines(), searcher: self.searcher().bom_sniffing(false).build() }
    }

    fn lines(self) -> LineMatcher<'s> {
        LineMatcher::new(self.pattern, self.conditions, self.search.invert)
    }

    fn searcher(self) -> SearcherBuilder {
        let (before, after) = self.search.contexts();
        let mut builder = SearcherBuilder::new();
        builder
            .line_number(self.search.numbers_lines())
            .invert_match(self.search.invert)
            .before_context(before)
            .after_context(after)
            .max_matches(self.search.max_count)
            .heap_limit(Some(LINES_BYTES_MAX));
        builder
    }
}

/// Searches one place after another. Each thread has its own.
pub(super) struct Seeker<'s> {
    task: Task<'s>,
    lines: LineMatcher<'s>,
    searcher: Searcher,
}

impl Seeker<'_> {
    /// Searches a place; what cannot be read is complained of.
    pub(super) fn search(&mut self, place: &Place) {
        if self.task.output.is_gone() {
            return;
        }
        let (searched, name) = match place {
            Place::Stdin => (
                self.stream(Path::new("<stdin>"), Box::new(io::stdin()), Origin::Named),
                Path::new("<stdin>"),
            ),
            Place::File { path, is_found } => {
                let origin = if *is_found { Origin::Found } else { Origin::Named };
                (self.file(path, origin), path.as_path())
            }
            Place::Journal(dir) => (self.journal(dir), dir.as_path()),
            Place::Folder(_) => return self.folder(place),
        };
        if let Err(error) = searched
            && !self.task.output.is_gone()
        {
            self.task.output.complain(&cannot_search(name, &error));
        }
    }

    fn folder(&mut self, folder: &Place) {
        for place in expand(vec![folder.clone()]) {
            match place {
                Ok(place) => self.search(&place),
                Err(failure) => self.task.output.complain(&failure),
            }
        }
    }

    fn file(&mut self, path: &Path, origin: Origin) -> io::Result<()> {
        if path.extension().is_some_and(|extension| extension == "segment") {
            let output = self.task.output;
            let complain = |failure: &Failure| output.complain(failure);
            let events = EventLines::of_segment(path, self.task.conditions, &complain);
            return self.look(path, events.map_err(io::Error::other)?);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if self.task.output.is_written_to(&metadata) {
            return match origin {
                Origin::Named => Err(io::Error::other("what is found would be written to it")),
                Origin::Found => Ok(()),
            };
        }
        if metadata.len() >= pieces::FILE_BYTES_MIN && self.may_be_divided() {
            let mut start = vec![0; START_BYTES];
            let count = file.read_at(&mut start, 0)?;
            if Kind::of(&start[..count]) == Kind::Text && !is_compressed(&start[..count]) {
                let task = self.task;
                return Pieces::new(&file, metadata.len(), self.task.output)
                    .search(|| task.seeker_of_pieces());
            }
        }
        self.stream(path, Box::new(file), origin)
    }

    /// Whether parts of a file can be searched each for itself, and what they print put together.
    fn may_be_divided(&self) -> bool {
        let search = self.task.search;
        self.task.output.form() == Form::Lines
            && !search.numbers_lines()
            && search.contexts() == (0, 0)
            && search.max_count.is_none()
            && !self.task.output.are_many()
    }

    fn journal(&mut self, data_dir: &Path) -> io::Result<()> {
        let output = self.task.output;
        let complain = |failure: &Failure| output.complain(failure);
        let events = EventLines::of_journal(data_dir, self.task.conditions, &complain);
        self.look(data_dir, events.map_err(io::Error::other)?)
    }

    /// Searches a stream of text, compressed or not.
    fn stream(&mut self, name: &Path, stream: Box<dyn Read + Send>, origin: Origin) -> io::Result<()> {
        let mut text = decoded(stream)?;
        let mut start = Vec::with_capacity(START_BYTES);
        (&mut text).take(START_BYTES as u64).read_to_end(&mut start)?;
        let is_binary = !self.task.search.text && Kind::of(&start) == Kind::Binary;
        if is_binary && origin == Origin::Found {
            return Ok(());
        }
        let detection = if is_binary { BinaryDetection::convert(0) } else { BinaryDetection::none() };
        self.searcher.set_binary_detection(detection);
        self.look(name, Cursor::new(start).chain(text))
    }

    /// Searches text and prints what is found.
    fn look(&mut self, name: &Path, text: impl Read) -> io::Result<()> {
        let name = self.task.output.shown(name);
        let mut piece = self.task.output.piece();
        let (searched, has_match) = match self.task.output.form() {
            Form::Lines => {
                let mut printer = self.task.output.lines(&mut piece);
                let mut sink = printer.sink_with_path(self.task.pattern, &name);
                (self.searcher.search_reader(&self.lines, text, &mut sink), sink.has_match())
            }
            Form::Count | Form::Files => {
                let mut printer = self.task.output.summary(&mut piece);
                let mut sink = printer.sink_with_path(self.task.pattern, &name);
                (self.searcher.search_reader(&self.lines, text, &mut sink), sink.has_match())
            }
            Form::Json => {
                let mut printer = JSONBuilder::new().build(&mut piece);
                let mut sink = printer.sink_with_path(self.task.pattern, &name);
                let searched = self.searcher.search_reader(&self.lines, text, &mut sink);
                self.task.output.add_stats(sink.stats());
                (searched, sink.has_match())
            }
        };
        if has_match {
            self.task.output.has_found();
        }
        searched.and(piece.flush())
    }

    /// Searches whole lines and gives what is to be printed of them.
    pub(super) fn look_at(&mut self, lines: &[u8]) -> io::Result<Vec<u8>> {
        let mut printer = self.task.output.lines(self.task.output.paint(Vec::new()));
        let mut sink = printer.sink(self.task.pattern);
        self.searcher.search_slice(&self.lines, lines, &mut sink)?;
        if sink.has_match() {
            self.task.output.has_found();
        }
        Ok(printer.into_inner().into_inner())
    }
}

/// How a file came to be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Named,
    Found,
}

/// What the start of a file says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// Text of another encoding, which the searcher knows by the same mark.
    Marked,
    Binary,
}

impl Kind {
    fn of(start: &[u8]) -> Self {
        match start {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0xef, 0xbb, 0xbf, ..] => Self::Marked,
            _ if memchr::memchr(0, start).is_some() => Self::Binary,
            _ => Self::Text,
        }
    }
}

fn cannot_search(name: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(format!("`{}` cannot be searched in whole", name.display()));
    // What the searcher says when a line does not fit.
    if error.to_string().contains("allocation limit") {
        return failure
            .because(format!("a line, with its context, is longer than {} MiB", LINES_BYTES_MAX >> 20));
    }
    failure.caused_by(error.get_ref().map_or(error as &dyn std::error::Error, |inner| inner as _))
}
