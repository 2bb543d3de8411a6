//! What C sees. Comments here become those of `include/lockgate.h`.
#![allow(unsafe_code, reason = "pointers from C; each block says why it is sound")]

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{ptr, slice};

use lockgate_analytics::input::Format;
use lockgate_analytics::{Report, read_configuration, write_csv, write_json, write_ndjson};

use crate::asked::{Asked, count_rows};
use crate::handover::{hand_over, take_back};
use crate::status::{Error, LockgateCounts, LockgateStatus, guarded, last_error};

/// A question that is being answered. One thread at a time may use it; different queries do not disturb each other.
pub struct LockgateQuery(Asked);

/// What an input is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockgateInputFormat {
    /// That is found out from the content.
    Detect = 0,
    /// A JSON object per line.
    Ndjson = 1,
    /// Comma-separated values with a line of names (RFC 4180).
    Csv = 2,
    /// The common or combined access log of NGINX and Apache.
    Combined = 3,
    /// A segment of a journal.
    Segment = 4,
}

/// How a report is written.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockgateOutputFormat {
    /// One JSON array of objects.
    Json = 0,
    /// A JSON object per line.
    Ndjson = 1,
    /// Comma-separated values with a line of names (RFC 4180).
    Csv = 2,
}

/// Parses and validates events, or any rows: lines of JSON objects (NDJSON). Empty lines are passed over.
///
/// Returns the number of rows; -1 when a line is malformed, `input` is null though `len` is not 0, or there are more than INT32_MAX rows.
/// lockgate_last_error() then says which line and why.
///
/// # Safety
///
/// `input` points to `len` bytes, which nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn process_data(input: *const u8, len: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        count_rows(unsafe { bytes("input", input, len) }?)
    })
    .unwrap_or(-1)
}

/// Makes a query of a configuration, which is a JSON object in UTF-8. All keys may be left out:
///
/// - "by": names of fields whose values make the groups; ["user_id"] if left out, [] for one group of everything
/// - "measure": count, count(F), sum(F), min(F), max(F), mean(F), median(F), p99.9(F), histogram(F), distinct(F), top5(F) of a field F,
///   as an array of strings; the count and the sum of "value" if left out
/// - "where": which rows count, such as "status >= 500 and route = 'orders'"
/// - "every": length of the periods that divide the groups by time: "30s", "5m", "1h", "1d"
/// - "time_field": the field that says when a row happened; "ts" if left out
/// - "strict": whether adding an input fails at its first malformed line instead of counting it; false if left out
///
/// `*query` is freed by lockgate_query_free(). It is null if the call fails.
///
/// # Safety
///
/// `config` ends with a NUL; `query` points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_new(
    config: *const c_char,
    query: *mut *mut LockgateQuery,
) -> LockgateStatus {
    status(guarded(|| {
        // SAFETY: as the caller promises.
        let query = unsafe { result("query", query, ptr::null_mut()) }?;
        // SAFETY: as the caller promises.
        let config = unsafe { text("config", config) }?;
        let asked = Asked::new(&read_configuration(config.to_bytes())?);
        *query = Box::into_raw(Box::new(LockgateQuery(asked)));
        Ok(())
    }))
}

/// Adds the rows of `len` bytes in memory, plain or compressed with gzip or zstd. `format` is a LockgateInputFormat. A call ends the last
/// line: lines must not be split between calls. Of CSV, each call begins with the line of names.
///
/// If the call fails, none of the rows have been added.
///
/// # Safety
///
/// `query` came from lockgate_query_new() and is not in use; `data` points to `len` bytes, which nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_add_bytes(
    query: *mut LockgateQuery,
    format: u32,
    data: *const u8,
    len: usize,
) -> LockgateStatus {
    status(guarded(|| {
        // SAFETY: as the caller promises.
        let query = unsafe { used("query", query) }?;
        // SAFETY: as the caller promises.
        let data = unsafe { bytes("data", data, len) }?;
        let format = numbered(&INPUT_FORMATS, format, "no LockgateInputFormat")?;
        query.0.add_bytes(format, data)
    }))
}

/// Adds the rows of a file, plain or compressed; of all files of a folder whose names say that they can be read; of a gateway's data
/// directory; or of all files that match a pattern such as "logs/*.gz". All cores read. What each file is, is found
/// out.
///
/// A journal is to be added as a folder, by one call: records that two of its segments hold are counted once only within a call.
///
/// If the call fails, none of the rows have been added.
///
/// # Safety
///
/// `query` came from lockgate_query_new() and is not in use; `path` ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_add_file(
    query: *mut LockgateQuery,
    path: *const c_char,
) -> LockgateStatus {
    status(guarded(|| {
        // SAFETY: as the caller promises.
        let query = unsafe { used("query", query) }?;
        // SAFETY: as the caller promises.
        let path = unsafe { text("path", path) }?;
        query.0.add_files(Path::new(OsStr::from_bytes(path.to_bytes())))
    }))
}

/// Writes what the rows say so far; more may be added afterwards. `format` is a LockgateOutputFormat.
///
/// `*report` has a NUL behind its `*len` bytes and is freed by lockgate_free(). It is null if the call fails.
///
/// # Safety
///
/// `query` came from lockgate_query_new() and is not in use; `report` and `len` point to places for a pointer and a length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_report(
    query: *const LockgateQuery,
    format: u32,
    report: *mut *mut c_char,
    len: *mut usize,
) -> LockgateStatus {
    status(guarded(|| {
        // SAFETY: as the caller promises.
        let (out, query) = unsafe { (output("report", report, len)?, shared("query", query)?) };
        let write = numbered(&OUTPUT_FORMATS, format, "no LockgateOutputFormat")?;
        let mut written = Vec::new();
        write(&query.0.report()?, &mut written);
        out.put(&written)
    }))
}

/// Tells how much has been read so far.
///
/// # Safety
///
/// `query` came from lockgate_query_new() and is not in use; `counts` points to a place for them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_counts(
    query: *const LockgateQuery,
    counts: *mut LockgateCounts,
) -> LockgateStatus {
    status(guarded(|| {
        // SAFETY: as the caller promises.
        let (query, counts) =
            unsafe { (shared("query", query)?, result("counts", counts, LockgateCounts::default())?) };
        *counts = query.0.counts();
        Ok(())
    }))
}

/// Tells where the first ten malformed lines are: a JSON object per line, with "input", "line" (from 1) and "what".
///
/// `*lines` has a NUL behind its `*len` bytes and is freed by lockgate_free(). It is null if the call fails.
///
/// # Safety
///
/// `query` came from lockgate_query_new() and is not in use; `lines` and `len` point to places for a pointer and a length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_malformed(
    query: *const LockgateQuery,
    lines: *mut *mut c_char,
    len: *mut usize,
) -> LockgateStatus {
    status(guarded(|| {
        // SAFETY: as the caller promises.
        let (out, query) = unsafe { (output("lines", lines, len)?, shared("query", query)?) };
        out.put(query.0.malformed().as_bytes())
    }))
}

/// Frees a query; null is nothing to free.
///
/// # Safety
///
/// `query` is null or came from lockgate_query_new(), is not in use and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_query_free(query: *mut LockgateQuery) {
    // Whoever frees after a failure may still want to know why: the last error stays unless this fails, too.
    if !query.is_null() {
        let drop_query = || {
            // SAFETY: it came from `Box::into_raw`, and the caller promises that this happens once.
            drop(unsafe { Box::from_raw(query) });
        };
        // There is no one to tell of a panic; it must only not get through.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(drop_query));
    }
}

/// Frees a text that a function of this library has handed over; null is nothing to free.
///
/// # Safety
///
/// `text` is null or came from this library to be freed, and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockgate_free(text: *mut c_char) {
    // SAFETY: as the caller promises.
    unsafe { take_back(text) }
}

/// Says what went wrong in this thread's last call: a line of UTF-8, empty if the call succeeded, never null.
///
/// It belongs to the library and stays until the thread calls a function that returns a LockgateStatus, or process_data().
#[unsafe(no_mangle)]
pub extern "C" fn lockgate_last_error() -> *const c_char {
    last_error()
}

fn status(outcome: Result<(), LockgateStatus>) -> LockgateStatus {
    outcome.err().unwrap_or(LockgateStatus::Ok)
}

type Write = fn(&Report, &mut Vec<u8>);

/// By the numbers of [`LockgateInputFormat`].
const INPUT_FORMATS: [Option<Format>; 5] =
    [None, Some(Format::Ndjson), Some(Format::Csv), Some(Format::Combined), Some(Format::Segment)];
/// By the numbers of [`LockgateOutputFormat`].
const OUTPUT_FORMATS: [Write; 3] = [write_json, write_ndjson, write_csv];

fn numbered<T: Copy>(all: &[T], number: u32, problem: &'static str) -> Result<T, Error> {
    let found = usize::try_from(number).ok().and_then(|number| all.get(number));
    found.copied().ok_or(Error::Argument { argument: "format", problem })
}

/// Where a text is to be put.
struct Output<'a> {
    text: &'a mut *mut c_char,
    len: &'a mut usize,
}

impl Output<'_> {
    fn put(self, text: &[u8]) -> Result<(), Error> {
        *self.text = hand_over(text)?;
        *self.len = text.len();
        Ok(())
    }
}

/// Both places of a text, with nothing in them yet.
///
/// # Safety
///
/// As of [`result`].
unsafe fn output<'a>(
    name: &'static str,
    text: *mut *mut c_char,
    len: *mut usize,
) -> Result<Output<'a>, Error> {
    // SAFETY: as the caller promises.
    let (text, len) = unsafe { (result(name, text, ptr::null_mut()), result("len", len, 0)) };
    Ok(Output { text: text?, len: len? })
}

/// A place for a result, with something in it: C need not have put anything there.
///
/// # Safety
///
/// `pointer` is null or points to room for a `T` that nobody else uses during the call.
unsafe fn result<'a, T>(name: &'static str, pointer: *mut T, value: T) -> Result<&'a mut T, Error> {
    if pointer.is_null() {
        return Err(Error::Null(name));
    }
    // SAFETY: as the caller promises; it is not null, and holds a `T` once one has been written.
    Ok(unsafe {
        pointer.write(value);
        &mut *pointer
    })
}

/// What a pointer points to, to be changed.
///
/// # Safety
///
/// It is null or points to a `T` that nobody else uses during the call.
unsafe fn used<'a, T>(name: &'static str, pointer: *mut T) -> Result<&'a mut T, Error> {
    // SAFETY: as the caller promises; null is asked for.
    unsafe { pointer.as_mut() }.ok_or(Error::Null(name))
}

/// What a pointer points to, to be read.
///
/// # Safety
///
/// It is null or points to a `T` that nobody changes during the call.
unsafe fn shared<'a, T>(name: &'static str, pointer: *const T) -> Result<&'a T, Error> {
    // SAFETY: as the caller promises; null is asked for.
    unsafe { pointer.as_ref() }.ok_or(Error::Null(name))
}

/// A text that ends with a NUL.
///
/// # Safety
///
/// `pointer` is null or points to such a text, which nobody changes during the call.
unsafe fn text<'a>(name: &'static str, pointer: *const c_char) -> Result<&'a CStr, Error> {
    if pointer.is_null() {
        return Err(Error::Null(name));
    }
    // SAFETY: as the caller promises; it is not null.
    Ok(unsafe { CStr::from_ptr(pointer) })
}

/// Bytes; none may be anywhere, even nowhere.
///
/// # Safety
///
/// `pointer` is null or points to `len` bytes, which nobody changes during the call.
unsafe fn bytes<'a>(name: &'static str, pointer: *const u8, len: usize) -> Result<&'a [u8], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Error::Null(name));
    }
    if isize::try_from(len).is_err() {
        return Err(Error::Argument { argument: "len", problem: "greater than memory" });
    }
    // SAFETY: as the caller promises; it is not null, and no length that a slice cannot have.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_the_formats_of_their_names() {
        let input = |format: LockgateInputFormat| numbered(&INPUT_FORMATS, format as u32, "").unwrap();
        assert_eq!(input(LockgateInputFormat::Detect), None);
        assert_eq!(input(LockgateInputFormat::Ndjson), Some(Format::Ndjson));
        assert_eq!(input(LockgateInputFormat::Csv), Some(Format::Csv));
        assert_eq!(input(LockgateInputFormat::Combined), Some(Format::Combined));
        assert_eq!(input(LockgateInputFormat::Segment), Some(Format::Segment));
        assert!(numbered(&INPUT_FORMATS, 5, "").is_err() && numbered(&INPUT_FORMATS, u32::MAX, "").is_err());
    }
}
