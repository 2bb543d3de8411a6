//! What one worker has read as bytes, and what all of them say together.

use lockgate_analytics::input::{Input, Watch};
use lockgate_analytics::{Partial, ReadPartialError, read_configuration};
use serde_json::{Value, json};

use crate::analysis::read;
use crate::{Analysis, AnalysisError};

/// Malformed lines that are told of.
const PLACES_MAX: usize = 10;
/// Counts that are added up.
const COUNTS: [&str; 3] = ["lines", "bytes", "malformed"];

/// Whether a part goes on where the part before it ends, in the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsNext {
    /// It does: its lines are counted on.
    Yes,
    /// It starts with a file.
    No,
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
/// When the question is none, there are too many groups together, or a part is none of this question.
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
mod tests {
    use std::io::BufReader;

    use lockgate_analytics::input::Source;

    use super::*;
    use crate::analyze;
    use crate::lines::Lines;

    const QUESTION: &str = r#"{"by":["route"],"every":"1h","measure":["count","sum(n)","mean(n)","min(n)","max(route)","p90(n)","distinct(n)","top3(n)"]}"#;

    fn text() -> String {
        let line = |number: u32| match number % 31 {
            7 => "none\n".to_owned(),
            8 => format!("{{\"route\":\"timeless\",\"n\":{number}}}\n"),
            _ => format!(
                "{{\"ts\":\"2026-11-21T1{}:00:00Z\",\"route\":\"r{}\",\"n\":{number}}}\n",
                number % 3,
                number % 5
            ),
        };
        (0..3000).map(line).collect()
    }

    fn stream<'t>(name: &str, reader: impl std::io::Read + Send + 't) -> Input<'t> {
        Input { name: name.into(), source: Source::Stream(Box::new(reader)) }
    }

    fn part(text: &str, start: usize, end: usize) -> Vec<u8> {
        let lines = Lines::new(BufReader::new(&text.as_bytes()[start..]), start as u64, end as u64);
        let is_next = if start > 0 { IsNext::Yes } else { IsNext::No };
        fold(QUESTION, Some("ndjson"), vec![stream("a", lines)], is_next, &()).unwrap()
    }

    #[test]
    fn parts_say_together_what_the_whole_says() {
        let text = text();
        let whole =
            analyze(QUESTION, None, vec![stream("a", text.as_bytes()), stream("b", &b"{}\nnone\n"[..])], &());
        let whole = whole.unwrap();
        for count in [1, 2, 3, 7, 40] {
            let cut = |number: usize| text.len() * number / count;
            let mut parts: Vec<_> =
                (0..count).map(|number| part(&text, cut(number), cut(number + 1))).collect();
            parts.push(fold(QUESTION, None, vec![stream("b", &b"{}\nnone\n"[..])], IsNext::No, &()).unwrap());
            let joined = join(QUESTION, parts.into_iter()).unwrap();
            assert_eq!(joined.text("json").unwrap(), whole.text("json").unwrap());
            assert_eq!(joined.counts(), whole.counts());
        }
    }

    #[test]
    fn lines_are_numbered_anew_in_each_file() {
        let other =
            || fold(QUESTION, None, vec![stream("b.ndjson", &b"{}\nnone\n"[..])], IsNext::No, &()).unwrap();
        let joined = join(QUESTION, [other(), other()].into_iter()).unwrap();
        let counts: Value = serde_json::from_str(&joined.counts()).unwrap();
        let lines: Vec<_> = counts["places"].as_array().unwrap().iter().map(|place| &place["line"]).collect();
        assert_eq!(lines, [2, 2]);
    }

    #[test]
    fn what_is_no_part_of_this_question_is_refused() {
        let part = part(&text(), 0, 100);
        for damaged in
            [&part[..part.len() - 1], &part[..10], b"", b"\xff\xff\xff\xff", &[&part[..], b"x"].concat()]
        {
            let failure = join(QUESTION, [damaged.to_vec()].into_iter()).err().unwrap();
            assert_eq!(failure.code(), "part");
        }
        assert_eq!(join("{}", [part].into_iter()).err().unwrap().code(), "part");
        assert_eq!(join("[]", std::iter::empty()).err().unwrap().code(), "configuration");
    }
}
