//! A question that is being answered: inputs are added one after the other, and a report can be had at any time.
#![allow(unsafe_code, reason = "one value borrows from another beside it; each block says why it is sound")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use lockgate_analytics::input::{
    Format, Input, InputError, Options, Outcome, Place, Source, analyze, expand,
};
use lockgate_analytics::{Configuration, Function, Measure, Partial, Plan, Query, Report};

use crate::status::{Error, LockgateCounts};
use crate::threads::with_all_cores;

/// Inputs up to this size are read by the calling thread alone, bytes: to start others takes longer.
const ALONE_BYTES_MAX: u64 = 1 << 20;
/// Malformed lines that are remembered: the first ones.
const PLACES_MAX: usize = 10;
/// What bytes in memory are called where a malformed line is told of.
const BYTES: &str = "data";

/// A question and what has been seen so far.
pub(crate) struct Asked {
    /// `None` once a call has failed in the middle of changing it. Borrows from `plan`; never given away.
    partial: Option<Partial<'static>>,
    /// From a `Box`, which `drop` makes it again.
    plan: NonNull<Plan>,
    strict: bool,
    counts: LockgateCounts,
    places: Vec<Place>,
}

impl Asked {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let plan = NonNull::from(Box::leak(Box::new(configuration.query.plan())));
        let mut asked = Self {
            partial: None,
            plan,
            strict: configuration.strict,
            counts: LockgateCounts::default(),
            places: Vec::new(),
        };
        asked.partial = Some(Partial::new(asked.plan()));
        asked
    }

    /// The plan. It lives as long as `self`, not longer: nothing that borrows from it may be given away.
    fn plan(&self) -> &'static Plan {
        // SAFETY: it came from a `Box`, is never changed, and is freed only by `drop`, after the partial that borrows from it.
        unsafe { self.plan.as_ref() }
    }

    /// Adds the rows of bytes in memory.
    ///
    /// # Errors
    ///
    /// When they are of no known format or hold a malformed line and the question is strict: then none of them are added. When there are too
    /// many groups, the question is of no further use.
    pub(crate) fn add_bytes(&mut self, format: Option<Format>, bytes: &[u8]) -> Result<(), Error> {
        self.check_usable()?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.add(vec![in_memory(bytes)], bytes.len() as u64, format)
    }

    /// Adds the rows of a file, of all files of a folder, or of those that match a pattern.
    ///
    /// # Errors
    ///
    /// As [`Self::add_bytes`], and when a file cannot be found or read.
    pub(crate) fn add_files(&mut self, place: &Path) -> Result<(), Error> {
        self.check_usable()?;
        let input = |file: PathBuf| Input { name: file.display().to_string(), source: Source::File(file) };
        // `-` is a file here: standard input is the program's own.
        let place = if place.as_os_str() == "-" { Path::new("./-") } else { place };
        let files = expand(&[place])?;
        let bytes = files.iter().map(|file| size(file)).sum::<Option<u64>>().unwrap_or(u64::MAX);
        self.add(files.into_iter().map(input).collect(), bytes, None)
    }

    fn check_usable(&self) -> Result<(), Error> {
        if self.partial.is_some() { Ok(()) } else { Err(Error::Unusable) }
    }

    fn add(&mut self, inputs: Vec<Input<'_>>, bytes: u64, format: Option<Format>) -> Result<(), Error> {
        let found = read(self.plan(), inputs, bytes, Options { format, strict: self.strict, threads: None })?;
        let Outcome { partial: more, lines, bytes, malformed, places } = found;
        // Merging may fail, or panic, half way: what is left then is no answer.
        let mut partial = self.partial.take().ok_or(Error::Unusable)?;
        partial.merge(more)?;
        self.counts.lines += lines;
        self.counts.bytes += bytes;
        self.counts.malformed += malformed;
        self.counts.rows = partial.rows();
        self.counts.timeless = partial.timeless();
        let room = PLACES_MAX.saturating_sub(self.places.len());
        self.places.extend(places.into_iter().take(room));
        self.partial = Some(partial);
        Ok(())
    }

    /// What the rows say so far.
    pub(crate) fn report(&self) -> Result<Report, Error> {
        self.partial.as_ref().map(Partial::report).ok_or(Error::Unusable)
    }

    pub(crate) fn counts(&self) -> LockgateCounts {
        self.counts
    }

    /// The first malformed lines, an object of JSON on each line.
    pub(crate) fn malformed(&self) -> String {
        let line = |place: &Place| {
            let place = serde_json::json!({ "input": place.input, "line": place.line, "what": place.what });
            format!("{place}\n")
        };
        self.places.iter().map(line).collect()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.partial = None;
        // SAFETY: it came from a `Box`, this happens once, and the partial that borrowed from it is gone.
        drop(unsafe { Box::from_raw(self.plan.as_ptr()) });
    }
}

/// Counts the rows of lines of JSON, all of which must be well-formed.
///
/// # Errors
///
/// At the first malformed line, or when there are more rows than can be counted.
pub(crate) fn count_rows(bytes: &[u8]) -> Result<i32, Error> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let measures = vec![Measure::new(Function::Count, None)];
    let plan = Query { group_by: Vec::new(), measures, ..Query::usage() }.plan();
    let options = Options { format: Some(Format::Ndjson), strict: true, threads: None };
    let found = read(&plan, vec![in_memory(bytes)], bytes.len() as u64, options)?;
    i32::try_from(found.partial.rows()).map_err(|_| Error::TooManyRows)
}

/// Bytes as an input.
fn in_memory(bytes: &[u8]) -> Input<'_> {
    Input { name: BYTES.into(), source: Source::Bytes(bytes) }
}

/// Bytes of a file that has a size.
fn size(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}

/// Reads inputs of so many bytes in all.
fn read<'p>(
    plan: &'p Plan,
    inputs: Vec<Input<'_>>,
    bytes: u64,
    options: Options,
) -> Result<Outcome<'p>, InputError> {
    let work = |threads| analyze(plan, inputs, Options { threads: Some(threads), ..options }, &());
    if bytes <= ALONE_BYTES_MAX { work(NonZeroUsize::MIN) } else { with_all_cores(work) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockgate_analytics::read_configuration;
    use std::io::Write;

    fn asked(configuration: &str) -> Asked {
        Asked::new(&read_configuration(configuration.as_bytes()).unwrap())
    }

    const LINES: &str = "{\"user_id\":1,\"value\":2}\n{\"user_id\":2,\"value\":0.5}\n{\"user_id\":1}\n";

    #[test]
    fn lines_added_one_by_one_say_the_same_as_all_at_once() {
        let (mut whole, mut parts) = (asked("{}"), asked("{}"));
        whole.add_bytes(None, LINES.as_bytes()).unwrap();
        LINES.lines().for_each(|line| parts.add_bytes(None, line.as_bytes()).unwrap());
        assert_eq!(whole.report().unwrap(), parts.report().unwrap());
        assert_eq!((whole.counts().rows, parts.counts().rows), (3, 3));
    }

    #[test]
    fn compressed_bytes_are_decompressed() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(LINES.as_bytes()).unwrap();
        let (mut plain, mut compressed) = (asked("{}"), asked("{}"));
        plain.add_bytes(None, LINES.as_bytes()).unwrap();
        compressed.add_bytes(None, &gzip.finish().unwrap()).unwrap();
        assert_eq!(plain.report().unwrap(), compressed.report().unwrap());
        assert_eq!(plain.counts(), compressed.counts());
    }

    #[test]
    fn a_folder_is_read_and_only_the_first_malformed_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.ndjson"), "none\n".repeat(8)).unwrap();
        fs::write(folder.path().join("b.ndjson"), LINES).unwrap();
        let mut asked = asked("{}");
        asked.add_files(folder.path()).unwrap();
        asked.add_files(&folder.path().join("a.*")).unwrap();
        assert_eq!((asked.counts().rows, asked.counts().malformed), (3, 16));
        assert_eq!(asked.malformed().lines().count(), PLACES_MAX);
    }

    #[test]
    fn a_question_that_broke_refuses_further_use() {
        let mut asked = asked("{}");
        asked.partial = None;
        assert!(matches!(asked.add_bytes(None, LINES.as_bytes()), Err(Error::Unusable)));
        assert!(matches!(asked.add_files(Path::new("/")), Err(Error::Unusable)));
        assert!(matches!(asked.report(), Err(Error::Unusable)));
    }
}
