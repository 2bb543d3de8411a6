//! Lines of JSON objects (RFC 8259, one per line).
//!
//! Lines of a log look alike: the same keys in the same order, set off by the same bytes. A line that was read in full leaves a
//! [`Template`]; the next lines are compared with it, so that between two values nothing but a few equal words is looked at. A line that
//! differs is read in full. Either way every byte is checked: what is no JSON object is malformed, whatever the question. A number that is
//! too large for a [`Number`] is JSON all the same: its line is malformed for questions about its field alone.

mod line;
mod scan;
mod template;

use std::string::String;
use std::vec::Vec;

use memchr::memchr;

use self::line::LineReader;
use self::template::Template;
use super::sink::{Rows, Sink};
use crate::number::ParseNumberError;
use crate::partial::{BATCH_ROWS, weight_of};
use crate::query::Plan;
use crate::{Cell, Number, TooManyGroups};

/// Different shapes of lines that are remembered.
const TEMPLATES_MAX: usize = 8;
/// Shapes learned in one piece: where every line is new, learning is in vain.
const LEARNED_MAX: usize = 64;

/// What stands for a field in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// The field is not there, or null.
    #[default]
    Null,
    True,
    False,
    Number,
    /// Between quotes, and as it is; or an array or object as it is written.
    Text,
    /// Between quotes, with escapes.
    Escaped,
}

/// Reads lines of JSON.
pub(crate) struct NdjsonRows {
    /// The shape that fitted last comes first.
    templates: Vec<Template>,
    spans: Vec<Span>,
    /// Whether the spans are those of a line of the shape that comes first: the next such line sets the same ones.
    are_of_first: bool,
    unescaped: String,
    /// Where `kind` is, and whether nothing but the weight of a row depends on it; where `id` is if that holds for it: that is for events
    /// of few kinds only.
    kind: usize,
    is_kind_hidden: bool,
    hidden_id: Option<usize>,
}

impl NdjsonRows {
    pub(crate) fn new(plan: &Plan) -> Self {
        let spans = std::vec![Span::default(); plan.columns().names().len()];
        let hidden_id = (plan.id >= plan.asked).then_some(plan.id);
        Self {
            templates: Vec::new(),
            spans,
            are_of_first: false,
            unescaped: String::new(),
            kind: plan.kind,
            is_kind_hidden: plan.kind >= plan.asked,
            hidden_id,
        }
    }

    /// Reads the line at `start` by a known shape; returns where it ends.
    #[inline]
    fn by_template(&mut self, piece: &[u8], start: usize) -> Option<usize> {
        for place in 0..self.templates.len() {
            if !self.are_of_first {
                self.spans.fill(Span::default());
            }
            if let Some(end) = self.templates[place].read(piece, start, &mut self.spans) {
                if place > 0 {
                    self.templates.swap(0, place);
                }
                self.are_of_first = true;
                return Some(end);
            }
            self.are_of_first = false;
        }
        None
    }

    /// Reads the line in full. A line of nothing is `Ok(false)`.
    #[cold]
    fn in_full(
        &mut self,
        plan: &Plan,
        piece: &[u8],
        start: usize,
        end: usize,
        learned: &mut usize,
    ) -> Result<bool, &'static str> {
        self.spans.fill(Span::default());
        self.are_of_first = false;
        let mut template = (*learned < LEARNED_MAX).then(Template::default);
        let line = &piece[..end];
        let spans = &mut self.spans;
        let reader = LineReader { bytes: line, columns: plan.columns(), spans, template: template.as_mut() };
        if !reader.read(start)? {
            return Ok(false);
        }
        if let Some(template) = template {
            *learned += 1;
            self.templates.truncate(TEMPLATES_MAX - 1);
            self.templates.insert(0, template);
        }
        Ok(true)
    }

    /// Reads one line and shows its cells; `None` when it is no JSON object.
    pub(crate) fn of_line<R>(
        &mut self,
        plan: &Plan,
        line: &[u8],
        show: impl FnOnce(&[Cell<'_>]) -> R,
    ) -> Option<R> {
        let is_object = self.in_full(plan, line, 0, line.len(), &mut LEARNED_MAX.clone()).ok()?;
        self.with_cells(line, show).ok().filter(|_| is_object)
    }

    /// Puts the line that was read in full with the rows that wait, unless its texts have escapes: then it is added alone.
    fn put_any<'r>(
        &mut self,
        piece: &'r [u8],
        batch: &mut Batch<'r>,
        sink: &mut Sink<'_>,
    ) -> Result<Result<(), &'static str>, TooManyGroups> {
        if self.spans.iter().all(|span| span.kind != Kind::Escaped) {
            return self.put(piece, batch, sink);
        }
        match self.with_cells(piece, |cells| sink.row(cells)) {
            Ok(outcome) => outcome.map(Ok),
            Err(what) => Ok(Err(what)),
        }
    }

    /// Puts the line that was read with the rows that wait.
    #[inline]
    fn put<'r>(
        &self,
        piece: &'r [u8],
        batch: &mut Batch<'r>,
        sink: &mut Sink<'_>,
    ) -> Result<Result<(), &'static str>, TooManyGroups> {
        if batch.filled == BATCH_ROWS {
            batch.flush(sink)?;
        }
        let row = &mut batch.cells[batch.filled * batch.width..][..batch.width];
        if let Err(what) = self.fill(row, piece, "") {
            return Ok(Err(what));
        }
        batch.weights[batch.filled] = weight_of(sink.plan, row);
        batch.filled += 1;
        Ok(Ok(()))
    }

    /// Shows the cells of the line that was read.
    fn with_cells<R>(
        &mut self,
        piece: &[u8],
        show: impl FnOnce(&[Cell<'_>]) -> R,
    ) -> Result<R, &'static str> {
        self.unescaped.clear();
        unescape_all(piece, &mut self.spans, &mut self.unescaped);
        let mut cells = std::vec![Cell::Null; self.spans.len()];
        self.fill(&mut cells, piece, &self.unescaped)?;
        Ok(show(&cells))
    }

    #[inline]
    fn fill<'r>(
        &self,
        row: &mut [Cell<'r>],
        piece: &'r [u8],
        unescaped: &'r str,
    ) -> Result<(), &'static str> {
        for (slot, (cell, span)) in row.iter_mut().zip(&self.spans).enumerate() {
            if self.is_kind_hidden && slot == self.kind && is_done(span, piece) {
                *cell = Cell::Text(DONE);
            } else if self.hidden_id != Some(slot) {
                *cell = cell_of(span, piece, unescaped)?;
            }
        }
        if let Some(id) = self.hidden_id.filter(|_| matches!(row[self.kind], Cell::Text("part" | "cut"))) {
            row[id] = cell_of(&self.spans[id], piece, unescaped)?;
        }
        Ok(())
    }
}

impl Rows for NdjsonRows {
    fn read(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        let mut batch = Batch::new(self.spans.len());
        let (mut at, mut line, mut learned) = (0, 0, 0);
        while at < piece.len() {
            let outcome = match self.by_template(piece, at) {
                Some(end) => {
                    at = end + 1;
                    self.put(piece, &mut batch, sink)?
                }
                None => {
                    let end = memchr(b'\n', &piece[at..]).map_or(piece.len(), |length| at + length);
                    let found = self.in_full(sink.plan, piece, at, end, &mut learned);
                    at = end + 1;
                    match found {
                        Ok(true) => self.put_any(piece, &mut batch, sink)?,
                        Ok(false) => Ok(()),
                        Err(what) => Err(what),
                    }
                }
            };
            if let Err(what) = outcome {
                sink.malformed(line, what);
            }
            line += 1;
        }
        sink.found.lines += line;
        batch.flush(sink)
    }
}

/// Rows that wait to be added together.
struct Batch<'r> {
    cells: Vec<Cell<'r>>,
    width: usize,
    weights: [i64; BATCH_ROWS],
    filled: usize,
}

impl<'r> Batch<'r> {
    fn new(width: usize) -> Self {
        Self { cells: std::vec![Cell::Null; BATCH_ROWS * width], width, weights: [0; BATCH_ROWS], filled: 0 }
    }

    fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        let filled = std::mem::take(&mut self.filled);
        sink.partial.add_batch(&self.cells[..filled * self.width], &self.weights[..filled])
    }
}

/// The kind of nearly every event.
const DONE: &str = "done";

#[inline(always)]
fn is_done(span: &Span, piece: &[u8]) -> bool {
    span.kind == Kind::Text && piece[span.start..span.end] == *DONE.as_bytes()
}

#[inline(always)]
fn cell_of<'r>(span: &Span, piece: &'r [u8], unescaped: &'r str) -> Result<Cell<'r>, &'static str> {
    Ok(match span.kind {
        Kind::Null => Cell::Null,
        Kind::True => Cell::Bool(true),
        Kind::False => Cell::Bool(false),
        Kind::Number => {
            let number = Number::parse_within(piece, span.start..span.end);
            Cell::Number(number.map_err(|error| match error {
                ParseNumberError::Malformed => "not a number",
                ParseNumberError::OutOfRange => "a number beyond ±1.5e20",
            })?)
        }
        // Texts are known to be UTF-8; to say so once more costs less than to carry the proof.
        Kind::Text => {
            Cell::Text(std::str::from_utf8(&piece[span.start..span.end]).map_err(|_| scan::NOT_UTF8)?)
        }
        Kind::Escaped => Cell::Text(&unescaped[span.start..span.end]),
    })
}

/// Puts texts without their escapes into `out`, and lets their spans say where.
#[cold]
fn unescape_all(piece: &[u8], spans: &mut [Span], out: &mut String) {
    for span in spans.iter_mut().filter(|span| span.kind == Kind::Escaped) {
        let start = out.len();
        scan::unescape(&piece[span.start..span.end], out);
        (span.start, span.end) = (start, out.len());
    }
}

#[cfg(test)]
mod tests;
