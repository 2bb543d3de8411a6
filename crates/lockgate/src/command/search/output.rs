//! What is printed: of each place in one piece, however many threads search.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Stdout, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use grep_printer::{
    ColorSpecs, Standard, StandardBuilder, Stats, Summary, SummaryBuilder, SummaryKind, default_color_specs,
};
use termcolor::{Ansi, ColorSpec, WriteColor};

use crate::command::Outcome;
use crate::failure::Failure;
use crate::output;
use crate::table::harmless;

/// What of a place is held in memory before it is printed, bytes. One that prints more has standard output to itself until its end.
const HELD_BYTES: usize = 64 << 10;

/// What is told of lines that are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Lines,
    Count,
    Files,
    Json,
}

/// How it is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) form: Form,
    /// Whether there may be several places, so that lines say theirs.
    pub(super) are_many: bool,
    pub(super) has_context: bool,
}

/// Standard output, and what is to be said in the end.
pub(super) struct Output {
    layout: Layout,
    is_colored: bool,
    is_terminal: bool,
    /// Device and number of the file that standard output is.
    own_file: Option<(u64, u64)>,
    shared: Mutex<Shared>,
    /// Apart from `shared`, which a piece may hold while its own are added.
    stats: Mutex<Stats>,
    has_found: AtomicBool,
    /// Nobody reads on.
    is_gone: AtomicBool,
    failures: AtomicU64,
    started: Instant,
}

struct Shared {
    stdout: Stdout,
    has_printed: bool,
}

impl Output {
    pub(super) fn new(layout: Layout) -> Self {
        let stdout = io::stdout();
        let is_colored = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let is_terminal = stdout.is_terminal();
        let metadata = stdout.as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
        let own_file = metadata.ok().filter(Metadata::is_file).map(|file| (file.dev(), file.ino()));
        let shared = Mutex::new(Shared { stdout, has_printed: false });
        Self {
            layout,
            is_colored,
            is_terminal,
            own_file,
            shared,
            stats: Mutex::new(Stats::new()),
            has_found: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// Whether standard output is this file: what is found there would be found again, without end.
    pub(super) fn is_written_to(&self, file: &Metadata) -> bool {
        self.own_file == Some((file.dev(), file.ino()))
    }

    pub(super) fn form(&self) -> Form {
        self.layout.form
    }

    pub(super) fn are_many(&self) -> bool {
        self.layout.are_many
    }

    /// Prints why a place is not searched in whole.
    pub(super) fn complain(&self, failure: &Failure) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        failure.print();
    }

    pub(super) fn has_found(&self) {
        self.has_found.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    pub(super) fn add_stats(&self, stats: &Stats) {
        *self.stats() += stats;
    }

    /// A place's name as it is printed. It must not steer a terminal; whoever else reads it wants it as it is.
    pub(super) fn shown<'n>(&self, name: &'n Path) -> Cow<'n, Path> {
        match self.layout.form {
            Form::Lines | Form::Count | Form::Files if self.is_terminal => {
                Cow::Owned(harmless(&name.to_string_lossy()).into())
            }
            _ => Cow::Borrowed(name),
        }
    }

    /// What a place prints goes here.
    pub(super) fn piece(&self) -> Painted<Piece<'_>> {
        self.paint(Piece { output: self, held: None, bytes: Vec::new() })
    }

    /// Lets a writer have colors where they are wanted.
    pub(super) fn paint<W: Write>(&self, writer: W) -> Painted<W> {
        Painted { writer, is_colored: self.is_colored }
    }

    pub(super) fn lines<W: WriteColor>(&self, writer: W) -> Standard<W> {
        let mut builder = StandardBuilder::new();
        builder.path(self.layout.are_many).heading(self.has_headings()).color_specs(colors());
        builder.build(writer)
    }

    pub(super) fn summary<W: WriteColor>(&self, writer: W) -> Summary<W> {
        let mut builder = SummaryBuilder::new();
        match self.layout.form {
            Form::Files => builder.kind(SummaryKind::PathWithMatch),
            _ => builder.kind(SummaryKind::Count).path(self.layout.are_many),
        };
        builder.exclude_zero(true).color_specs(colors()).build(writer)
    }

    /// Says how it ended.
    pub(super) fn finish(self) -> Result<Outcome, Failure> {
        if self.form() == Form::Json {
            self.print_stats()?;
        }
        match (self.failures.load(Ordering::Relaxed), self.is_gone(), self.has_found.load(Ordering::Relaxed))
        {
            (0, true, _) | (0, _, true) => Ok(Outcome::Done),
            (0, false, false) => Ok(Outcome::No),
            (1, ..) => {
                Err(Failure::new("one place could not be searched in whole").because("it is named above"))
            }
            (count, ..) => Err(Failure::new(format!("{count} places could not be searched in whole"))
                .because("they are named above")),
        }
    }

    /// The last of ripgrep's JSON Lines.
    fn print_stats(&self) -> Result<(), Failure> {
        let elapsed = self.started.elapsed();
        let summary = serde_json::json!({
            "data": { "elapsed_total": elapsed_json(elapsed), "stats": *self.stats() },
            "type": "summary",
        });
        output::print(format!("{summary}\n").as_bytes()).map(drop)
    }

    fn has_headings(&self) -> bool {
        self.is_terminal && self.layout.are_many
    }

    /// What stands between what two places print.
    fn separator(&self) -> &'static [u8] {
        match self.layout {
            Layout { form: Form::Lines, .. } if self.has_headings() => b"\n",
            Layout { form: Form::Lines, has_context: true, .. } => b"--\n",
            _ => b"",
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints bytes at once.
    pub(super) fn print(&self, bytes: &[u8]) -> io::Result<()> {
        self.print_to(&mut self.lock(), bytes)
    }

    fn print_to(&self, shared: &mut Shared, bytes: &[u8]) -> io::Result<()> {
        shared.has_printed = true;
        shared.stdout.write_all(bytes).and_then(|()| shared.stdout.flush()).inspect_err(|error| {
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.complain(&Failure::new("standard output cannot be written").caused_by(error));
            }
            self.is_gone.store(true, Ordering::Relaxed);
        })
    }
}

fn colors() -> ColorSpecs {
    ColorSpecs::new(&default_color_specs())
}

fn elapsed_json(elapsed: Duration) -> serde_json::Value {
    serde_json::json!({
        "secs": elapsed.as_secs(),
        "nanos": elapsed.subsec_nanos(),
        "human": format!("{:.6}s", elapsed.as_secs_f64()),
    })
}

/// What one place prints: held until its end or until there is much of it.
pub(super) struct Piece<'o> {
    output: &'o Output,
    held: Option<MutexGuard<'o, Shared>>,
    bytes: Vec<u8>,
}

impl Piece<'_> {
    fn print(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let output = self.output;
        let shared = match &mut self.held {
            Some(shared) => shared,
            held => {
                let mut shared = output.lock();
                if shared.has_printed {
                    output.print_to(&mut shared, output.separator())?;
                }
                held.insert(shared)
            }
        };
        let printed = output.print_to(shared, &self.bytes);
        self.bytes.clear();
        printed
    }
}

impl Write for Piece<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        // Whoever watches a single stream wants to see its lines come.
        let is_watched = self.output.is_terminal && !self.output.layout.are_many;
        if self.bytes.len() >= HELD_BYTES || (is_watched && bytes.ends_with(b"\n")) {
            self.print()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.print()
    }
}

/// A writer with colors or without.
pub(super) struct Painted<W> {
    writer: W,
    is_colored: bool,
}

impl<W> Painted<W> {
    pub(super) fn into_inner(self) -> W {
        self.writer
    }
}

impl<W: Write> Write for Painted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Write> WriteColor for Painted<W> {
    fn supports_color(&self) -> bool {
        self.is_colored
    }

    fn set_color(&mut self, spec: &ColorSpec) -> io::Result<()> {
        if self.is_colored { Ansi::new(&mut self.writer).set_color(spec) } else { Ok(()) }
    }

    fn reset(&mut self) -> io::Result<()> {
        if self.is_colored { Ansi::new(&mut self.writer).reset() } else { Ok(()) }
    }
}
