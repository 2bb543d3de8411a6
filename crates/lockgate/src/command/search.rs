//! `lockgate search`

mod conditions;
mod events;
mod output;
mod pieces;
mod places;
mod source;
mod when;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use lockgate_analytics::Filter;
use rayon::iter::{ParallelBridge, ParallelIterator};

use self::conditions::Conditions;
use self::output::{Form, Layout, Output};
use self::places::Place;
use self::source::Task;
use self::when::When;
use super::Outcome;
use crate::arguments::{Arguments, Global};
use crate::failure::Failure;
use crate::{condition, standard_input};

/// How to say where to search.
const WHERE: &str = "name what to search with `--path PATH`, or the configuration with `--config FILE`";

/// Find lines in logs and in the journal
///
/// PATTERN is a regular expression as ripgrep has them. Files are searched as text, those compressed with gzip or zstd
/// as what they hold, segments of a journal as the lines that `lockgate tail` prints. Folders are searched whole, hidden
/// files, ignored ones and links included, binary ones not. Exit status: 0 when a line was found, 1 when none was, 3 when
/// a place could not be read in whole.
#[derive(Args, Debug)]
pub(crate) struct Search {
    /// What to look for
    pattern: String,
    /// A file, a folder, a data directory, or `-` for standard input; repeat it for more [default: standard input if
    /// something is piped in, else the journal of `data.dir` of the configuration]
    #[arg(short, long = "path", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// PATTERN is a text, not a regular expression
    #[arg(short = 'F', long)]
    fixed_strings: bool,
    /// Capital letters are as good as small ones
    #[arg(short, long)]
    ignore_case: bool,
    /// Only whole words
    #[arg(short, long)]
    word: bool,
    /// The lines that do not match. (There is nothing to be verbose about here, so -v means what it means in grep)
    #[arg(id = "verbose", short = 'v', long = "invert")]
    invert: bool,
    /// Only lines that are JSON objects and satisfy this, as in 'status >= 500 and route = "orders"'
    #[arg(long = "where", value_name = "EXPR", value_parser = condition::read)]
    filter: Option<Filter>,
    /// Only lines from this moment on: RFC 3339, or how long ago, as 15m; a line says it by its field `ts` or at its start
    #[arg(long, value_name = "WHEN")]
    since: Option<When>,
    /// Only lines before this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<When>,
    /// Lines to show after each that matches
    #[arg(short = 'A', long, value_name = "N")]
    after: Option<usize>,
    /// Lines to show before each that matches
    #[arg(short = 'B', long, value_name = "N")]
    before: Option<usize>,
    /// Lines to show before and after each that matches
    #[arg(short = 'C', long, value_name = "N")]
    context: Option<usize>,
    /// How many lines match, per file, instead of the lines
    #[arg(short, long, conflicts_with = "json")]
    count: bool,
    /// The files in which a line matches, instead of the lines
    #[arg(short = 'l', long, conflicts_with_all = ["json", "count"])]
    files: bool,
    /// Number the lines [default: on a terminal]
    #[arg(short = 'n', long, overrides_with = "no_line_number")]
    line_number: bool,
    /// Do not number the lines
    #[arg(short = 'N', long, overrides_with = "line_number")]
    no_line_number: bool,
    /// Stop in a file after this many lines that match
    #[arg(short, long, value_name = "N")]
    max_count: Option<u64>,
    /// Search binary files as if they were text
    #[arg(short = 'a', long)]
    text: bool,
    /// Print ripgrep's JSON Lines
    #[arg(long)]
    json: bool,
}

impl Search {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let matcher = self.matcher();
        let places = self.places(global)?;
        let conditions = Conditions::new(self.filter.as_ref(), self.since, self.until);
        let output = Output::new(self.layout(&places));
        let task = Task { search: &self, pattern: &matcher, conditions: &conditions, output: &output };
        match &places[..] {
            [place @ (Place::Stdin | Place::Journal(_) | Place::File { .. })] => task.seeker().search(place),
            _ => places::expand(places).par_bridge().for_each_init(
                || task.seeker(),
                |seeker, place| match place {
                    Ok(place) => seeker.search(&place),
                    Err(failure) => output.complain(&failure),
                },
            ),
        }
        output.finish()
    }

    /// The pattern ready to be looked for; a wrong one ends the program as any wrong argument does.
    fn matcher(&self) -> RegexMatcher {
        let mut builder = RegexMatcherBuilder::new();
        builder
            .multi_line(true)
            .line_terminator(Some(b'\n'))
            .fixed_strings(self.fixed_strings)
            .case_insensitive(self.ignore_case)
            .word(self.word);
        builder.build(&self.pattern).unwrap_or_else(|error| {
            let text = format!(
                "the pattern is no regular expression: {error}\n\nfor a text as it is: --fixed-strings"
            );
            Arguments::command().error(ErrorKind::ValueValidation, text).exit()
        })
    }

    fn places(&self, global: &Global) -> Result<Vec<Place>, Failure> {
        if !self.paths.is_empty() {
            return Ok(self.paths.iter().map(|path| Place::named(path)).collect());
        }
        if standard_input::is_piped_in() {
            return Ok(vec![Place::Stdin]);
        }
        let dir = global.data_dir().map_err(|failure| failure.hint(WHERE))?;
        Ok(vec![Place::journal_of(dir)?])
    }

    fn layout(&self, places: &[Place]) -> Layout {
        let form = match self {
            Self { json: true, .. } => Form::Json,
            Self { count: true, .. } => Form::Count,
            Self { files: true, .. } => Form::Files,
            _ => Form::Lines,
        };
        let are_many = places.len() > 1 || places.iter().any(|place| matches!(place, Place::Folder(_)));
        let has_context = self.contexts() != (0, 0);
        Layout { form, are_many, has_context }
    }

    fn numbers_lines(&self) -> bool {
        self.json || self.line_number || (!self.no_line_number && std::io::stdout().is_terminal())
    }

    /// Lines shown before and after one that matches.
    fn contexts(&self) -> (usize, usize) {
        let both = self.context.unwrap_or(0);
        (self.before.unwrap_or(both), self.after.unwrap_or(both))
    }
}
