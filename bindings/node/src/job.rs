//! One question being answered, in threads of its own.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{fs, io, thread};

use lockgate_analytics::input::{
    Format, Input, InputError, Options, STANDARD_INPUT, Source, Watch, analyze, expand,
};
use lockgate_analytics::read_configuration;
use rayon::ThreadPoolBuilder;

use crate::answer::{Answer, Failure};
use crate::feed::{Feed, FeedReader};

/// Inputs up to this size are read by one thread, bytes: to start others takes longer.
const ALONE_BYTES_MAX: u64 = 1 << 20;
/// What comes through a feed is called this where a malformed line is told of.
const FED: &str = "data";
pub(crate) const THREAD: &str = "lockgate";
/// Stands for a size that is not known.
const UNKNOWN: u64 = u64::MAX;

/// What is asked, and of what.
pub(crate) struct Asked {
    /// The question, JSON.
    pub(crate) configuration: String,
    /// What all inputs are; `None` finds out.
    pub(crate) format: Option<Format>,
    /// `None` for one per core, where there is much to read.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Files, folders and patterns; `None` reads the job's feed.
    pub(crate) places: Option<Vec<PathBuf>>,
}

/// What both sides see of a question while it is answered.
pub(crate) struct Job {
    pub(crate) feed: Arc<Feed>,
    is_interrupted: AtomicBool,
    read_bytes: AtomicU64,
    total_bytes: AtomicU64,
}

impl Job {
    pub(crate) fn new() -> Self {
        Self {
            feed: Arc::default(),
            is_interrupted: AtomicBool::new(false),
            read_bytes: AtomicU64::new(0),
            total_bytes: AtomicU64::new(UNKNOWN),
        }
    }

    /// Ends the work soon.
    pub(crate) fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::Relaxed);
        self.feed.break_off();
    }

    /// Bytes read so far, as they lie on the disk.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of all files, once that is known.
    pub(crate) fn total_bytes(&self) -> Option<u64> {
        Some(self.total_bytes.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }

    /// Answers a question.
    pub(crate) fn answer(&self, asked: Asked) -> Result<Answer, Failure> {
        // Nothing of what a panic left half done is looked at any more.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.read(asked))).unwrap_or(Err(Failure::Panic));
        let is_interrupted = self.is_interrupted.load(Ordering::Relaxed);
        outcome.map_err(|failure| if is_interrupted { InputError::Interrupted.into() } else { failure })
    }

    fn read(&self, asked: Asked) -> Result<Answer, Failure> {
        // Whatever fails: nobody is left waiting for a reader that never comes.
        let fed = FeedReader::new(Arc::clone(&self.feed));
        let configuration = read_configuration(asked.configuration.as_bytes())?;
        let inputs = match asked.places {
            Some(places) => self.files(&places)?,
            None => vec![Input { name: FED.into(), source: Source::Stream(Box::new(fed)) }],
        };
        let plan = configuration.query.plan();
        let threads = asked.threads.unwrap_or_else(|| self.threads());
        let options = Options { format: asked.format, strict: configuration.strict, threads: Some(threads) };
        let work = || Ok(Answer::new(&analyze(&plan, inputs, options, self)?));
        // Threads of its own: those that wait for a stream must not keep other jobs waiting.
        let pool = ThreadPoolBuilder::new().num_threads(threads.get()).thread_name(|_| THREAD.into()).build();
        let pool = pool.map_err(|error| Failure::Threads(io::Error::other(error)))?;
        pool.install(work)
    }

    /// What places mean, and how much it is.
    fn files(&self, places: &[PathBuf]) -> Result<Vec<Input<'static>>, Failure> {
        // `-` is a file here: standard input is the program's own.
        let place = |place: &PathBuf| {
            if place.as_os_str() == STANDARD_INPUT { Path::new(".").join(place) } else { place.clone() }
        };
        let files = expand(&places.iter().map(place).collect::<Vec<_>>())?;
        if let Some(bytes) = files.iter().map(|file| size(file)).sum() {
            self.total_bytes.store(bytes, Ordering::Relaxed);
        }
        let input = |file: PathBuf| Input { name: file.display().to_string(), source: Source::File(file) };
        Ok(files.into_iter().map(input).collect())
    }

    fn threads(&self) -> NonZeroUsize {
        if self.total_bytes().is_some_and(|bytes| bytes <= ALONE_BYTES_MAX) {
            return NonZeroUsize::MIN;
        }
        thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }
}

impl Watch for Job {
    fn has_read(&self, bytes: u64) {
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }
}

/// Bytes of a file that has a size.
fn size(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}
