//! Reads files and bytes.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use lockgate_analytics::input::{Input, InputError, Options, Outcome, Source, analyze};
use rayon::ThreadPoolBuilder;

use crate::bytes::Bytes;
use crate::data::size;
use crate::errors::Failure;
use crate::question::Question;
use crate::report::{Answer, Counts};
use crate::work::Watched;

/// Inputs up to this size are read by one thread, bytes: to start others takes longer.
const ALONE_BYTES_MAX: u64 = 1 << 20;
/// What bytes in memory are called where a malformed line is told of.
const BYTES: &str = "data";

/// Reads files.
pub(crate) fn fold_files(
    question: &Question,
    files: Vec<PathBuf>,
    watch: &Watched,
) -> Result<Answer, Failure> {
    let bytes = files.iter().map(size).sum::<Option<u64>>().unwrap_or(u64::MAX);
    let input = |file: PathBuf| Input { name: file.display().to_string(), source: Source::File(file) };
    fold(question, files.into_iter().map(input).collect(), bytes, watch)
}

/// Reads bytes: those that are compressed can only be read as a stream.
pub(crate) fn fold_bytes(question: &Question, bytes: &Bytes, watch: &Watched) -> Result<Answer, Failure> {
    let bytes: &[u8] = bytes;
    let source = Source::Bytes(bytes);
    fold(question, vec![Input { name: BYTES.into(), source }], bytes.len() as u64, watch)
}

fn fold(question: &Question, inputs: Vec<Input<'_>>, bytes: u64, watch: &Watched) -> Result<Answer, Failure> {
    let threads = if bytes <= ALONE_BYTES_MAX { NonZeroUsize::MIN } else { threads(question.options) };
    let options = Options { threads: Some(threads), ..question.options };
    let work = || readable(analyze(&question.plan, inputs, options, watch)?);
    if threads == NonZeroUsize::MIN {
        return work();
    }
    // Threads of this call alone: those that all calls share would be missing in a process that Python forks.
    let pool = ThreadPoolBuilder::new().num_threads(threads.get()).build();
    let pool = pool.map_err(|error| Failure::Threads(error.to_string()))?;
    pool.install(work)
}

/// What was found, unless nothing could be read: then it is no data, or something else than it seemed to be.
fn readable(found: Outcome<'_>) -> Result<Answer, Failure> {
    match found.places.first() {
        Some(first) if found.partial.rows() == 0 => {
            Err(Failure::Unreadable { lines: found.lines, first: first.clone() })
        }
        _ => Ok(found.into()),
    }
}

/// How many threads are to read: one for each core unless it is said.
pub(crate) fn threads(options: Options) -> NonZeroUsize {
    options.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

impl From<Outcome<'_>> for Answer {
    fn from(found: Outcome<'_>) -> Self {
        Self {
            counts: Counts {
                lines: found.lines,
                rows: found.partial.rows(),
                malformed: found.malformed,
                timeless: found.partial.timeless(),
                bytes: found.bytes,
            },
            done: found.bytes,
            places: found.places,
            report: found.partial.report(),
        }
    }
}

/// The error of a question that is strict.
pub(crate) fn malformed(line: u64, what: &'static str) -> Failure {
    Failure::Input(InputError::Malformed(place(line, what)))
}

/// A row that cannot be read, of data without a name.
pub(crate) fn place(line: u64, what: &'static str) -> lockgate_analytics::input::Place {
    lockgate_analytics::input::Place { input: BYTES.into(), line, what }
}
