//! `lockgate process`

mod answer;
mod inputs;
mod notes;
mod progress;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lockgate_analytics::input::{self, Options, analyze};
use lockgate_analytics::{Filter, Measure, Period, Query, TIME_FIELD};

use self::inputs::Inputs;
use super::Outcome;
use crate::arguments::Global;
use crate::condition;
use crate::failure::Failure;
use crate::output;

/// What `--by` says for one group of everything.
const NOTHING: &str = "none";

/// Group, measure and chart what logs and the journal say
///
/// Without options: what each user consumed, as `lockgate usage` tells it, from the files alone. Inputs may be JSON lines,
/// CSV, access logs of NGINX or Apache, and segments of a journal, plain or compressed with gzip or zstd; what each is,
/// is found out. Lines that cannot be read are counted and the first ten of them named on standard error.
#[derive(Args, Debug)]
pub(crate) struct Process {
    /// Files, folders, a data directory, patterns as 'logs/**/*.gz', or `-` for standard input [default: standard input
    /// if something is piped in, else the journal of `data.dir` of the configuration]
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Fields whose values make the groups, separated by commas; none puts everything into one
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', default_value = "user_id")]
    by: Vec<String>,
    /// What is measured, separated by commas: count, count(F), sum(F), min(F), max(F), mean(F), median(F), p99.9(F),
    /// histogram(F), distinct(F), top5(F) of a field F [default: count and sum of `value`]
    #[arg(long, value_name = "MEASURES", value_delimiter = ',')]
    measure: Vec<Measure>,
    /// Only what satisfies this, as in 'status >= 500 and route = "orders"'
    #[arg(long = "where", value_name = "EXPR", value_parser = condition::read)]
    filter: Option<Filter>,
    /// Divide the groups by time, too: 30s, 5m, 1h, 1d
    #[arg(long, value_name = "PERIOD")]
    every: Option<Period>,
    /// The field that says when a line happened
    #[arg(long, value_name = "FIELD", default_value = TIME_FIELD)]
    time_field: String,
    /// Only the N groups with the most of the first measure; with --every, of each period
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// How the answer is printed
    #[arg(long, default_value = "table", conflicts_with = "json")]
    format: Format,
    /// Print one JSON array: short for --format json
    #[arg(long)]
    json: bool,
    /// What all inputs are, where it is not found out
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
    /// Fail at the first line that cannot be read
    #[arg(long)]
    strict: bool,
    /// Threads that read [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people, with bars
    Table,
    /// One JSON array
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values with a line of names
    Csv,
    /// A picture: lines over time, a histogram, or bars
    Svg,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// A JSON object per line
    Ndjson,
    /// Comma-separated values with a line of names
    Csv,
    /// The common or combined access log of NGINX and Apache
    Combined,
    /// A segment of the journal
    Segment,
}

impl Process {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let plan = self.query().plan();
        let Inputs { inputs, bytes } = Inputs::find(&self.inputs, global)?;
        let options = self.options();
        let found = progress::show(bytes, |watch| analyze(&plan, inputs, options, watch))
            .map_err(|error| inputs::unreadable(&error))?;
        if found.malformed > 0 && found.partial.rows() == 0 {
            return Err(notes::nothing_readable(&found));
        }
        let mut report = found.partial.report();
        let notes = notes::of(&found, &report, self.measure.is_empty(), &self.time_field);
        if let Some(count) = self.top {
            answer::keep_first(&mut report, count);
        }
        let format = if self.json { Format::Json } else { self.format };
        output::print(&answer::written(&report, format)?)?;
        output::say(&notes);
        Ok(Outcome::Done)
    }

    fn query(&self) -> Query {
        let usage = Query::usage();
        let by = unique(&self.by).filter(|field| *field != NOTHING);
        let measures: Vec<_> = unique(&self.measure).cloned().collect();
        Query {
            filter: self.filter.clone(),
            group_by: by.map(|field| field.as_str().into()).collect(),
            measures: if measures.is_empty() { usage.measures } else { measures },
            every: self.every,
            time_field: self.time_field.as_str().into(),
        }
    }

    fn options(&self) -> Options {
        let format = self.input_format.map(|format| match format {
            InputFormat::Ndjson => input::Format::Ndjson,
            InputFormat::Csv => input::Format::Csv,
            InputFormat::Combined => input::Format::Combined,
            InputFormat::Segment => input::Format::Segment,
        });
        Options { format, strict: self.strict, threads: self.threads }
    }
}

/// Each once: two columns of one name cannot be told apart.
fn unique<T: PartialEq>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().enumerate().filter(|(at, one)| !all[..*at].contains(one)).map(|(_, one)| one)
}
