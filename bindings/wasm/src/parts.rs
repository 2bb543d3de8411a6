//! What one worker has read as bytes, and what all of them say together.

use std::io::BufRead;

use lockgate_analytics::input::{Format, Input, InputError, Source, Watch};
use lockgate_analytics::{Partial, ReadPartialError, read_configuration};
use serde_json::{Value, json};

use crate::analysis::{format_named, read};
use crate::lines::Lines;
use crate::{Analysis, AnalysisError};

/// Malformed lines that are told of.
const PLACES_MAX: usize = 10;
/// Counts that are added up.
const COUNTS: [&str; 3] = ["lines", "bytes", "malformed"];

/// Whether a part goes on where the part before it ends, in the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsNext {
    /// It does: its lines are counted on.
    Yes,
    /// It starts with a file.
    No,
}

/// The lines of a plain file that start behind byte `start` and no later than at `end`.
pub struct Part<R> {
    /// What the file is called where it is told of.
    pub name: String,
    /// Gives the bytes of the file from `start` on, to its end.
    pub reader: R,
    /// Where the part starts, bytes.
    pub start: u64,
    /// Where it ends, bytes.
    pub end: u64,
}

/// Reads inputs as [`analyze`](crate::analyze) does; what they say becomes bytes for [`join`].
///
/// # Errors
///
/// As `analyze`.
pub fn fold(
    configuration: &str,
    format: Option<&str>,
    inputs: Vec<Input<'_>>,
    watch: &dyn Watch,
) -> Result<Vec<u8>, AnalysisError> {
    folded(configuration, format, inputs, IsNext::No, watch)
}

/// The same for a part of one file whose every line is a row: `ndjson` or `combined`. The others say at their start what their rows are.
///
/// # Errors
///
/// As `analyze`, and in any other format. A malformed line is told with its number in the part.
pub fn fold_part<R: BufRead + Send>(
    configuration: &str,
    format: &str,
    part: Part<R>,
    watch: &dyn Watch,
) -> Result<Vec<u8>, AnalysisError> {
    if !matches!(format_named(format)?, Format::Ndjson | Format::Combined) {
        return Err(AnalysisError::Whole(format.into()));
    }
    let Part { name, reader, start, end } = part;
    let lines = Lines::new(reader, start, end);
    let inputs = vec![Input { name, source: Source::Stream(Box::new(lines)) }];
    let is_next = if start > 0 { IsNext::Yes } else { IsNext::No };
    folded(configuration, Some(format), inputs, is_next, watch).map_err(|failure| match failure {
        AnalysisError::Input(InputError::Malformed(place)) if start > 0 => {
            AnalysisError::MalformedBehind { place, start }
        }
        other => other,
    })
}

fn folded(
    configuration: &str,
    format: Option<&str>,
    inputs: Vec<Input<'_>>,
    is_next: IsNext,
    watch: &dyn Watch,
) -> Result<Vec<u8>, AnalysisError> {
    read(configuration, format, inputs, watch, |partial, mut counts| {
        counts["next"] = (is_next == IsNext::Yes).into();
        let counts = counts.to_string();
        let mut part = (counts.len() as u32).to_le_bytes().to_vec();
        part.extend_from_slice(counts.as_bytes());
        partial.write(&mut part);
        part
    })
}

/// Puts together what workers have read for the same question, in the order of the files.
///
/// # Errors
///
/// When the question is none, there are too many groups together, or a part answers another question.
pub fn join(configuration: &str, parts: impl Iterator<Item = Vec<u8>>) -> Result<Analysis, AnalysisError> {
    let plan = read_configuration(configuration.as_bytes())?.query.plan();
    let mut partial = Partial::new(&plan);
    let mut joined = Joined::default();
    for part in parts {
        let (counts, bytes) = divided(&part).ok_or(ReadPartialError::Foreign)?;
        joined.add(&counts);
        partial.merge_bytes(bytes)?;
    }
    Ok(Analysis { report: partial.report(), counts: joined.counts(&partial) })
}

fn divided(part: &[u8]) -> Option<(Value, &[u8])> {
    let (length, rest) = part.split_first_chunk()?;
    let (counts, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((serde_json::from_slice(counts).ok()?, bytes))
}

/// Counts and places of the parts so far.
#[derive(Default)]
struct Joined {
    counts: [u64; COUNTS.len()],
    places: Vec<Value>,
    /// Lines of the current file in the parts before.
    lines_before: u64,
    lines: u64,
}

impl Joined {
    fn add(&mut self, counts: &Value) {
        let number = |key: &str| counts[key].as_u64().unwrap_or(0);
        let is_next = counts["next"] == true;
        self.lines_before = if is_next { self.lines_before.saturating_add(self.lines) } else { 0 };
        self.lines = number("lines");
        for (sum, key) in self.counts.iter_mut().zip(COUNTS) {
            *sum = sum.saturating_add(number(key));
        }
        for place in counts["places"].as_array().into_iter().flatten() {
            if self.places.len() < PLACES_MAX {
                let line = place["line"].as_u64().unwrap_or(0).saturating_add(self.lines_before);
                self.places.push(json!({ "input": place["input"], "line": line, "what": place["what"] }));
            }
        }
    }

    fn counts(self, partial: &Partial<'_>) -> Value {
        let [lines, bytes, malformed] = self.counts;
        json!({
            "rows": partial.rows(),
            "lines": lines,
            "bytes": bytes,
            "malformed": malformed,
            "timeless": partial.timeless(),
            "places": self.places,
        })
    }
}

#[cfg(test)]
mod tests;
