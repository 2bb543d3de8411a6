//! What a file or stream is: by its first bytes where they are certain, else by its name.

use super::{Format, combined, csv, without_mark};

/// How a segment of the journal starts.
const SEGMENT_MAGIC: &[u8] = b"LKGSEG01";
/// Lines that are looked at where the first one says nothing.
const LINES_MAX: usize = 10;

/// Tells the format of something from its name and its first bytes, decompressed; a few kilobytes are enough. `None` when nothing says.
#[must_use]
pub fn format_of(name: &str, start: &[u8]) -> Option<Format> {
    if start.starts_with(SEGMENT_MAGIC) {
        return Some(Format::Segment);
    }
    let mut lines = without_mark(start)
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let first = lines.next();
    let by_csv = || first.filter(|line| csv::has_delimiter(line)).map(|_| Format::Csv);
    first
        .and_then(certain)
        .or_else(|| named(name))
        .or_else(|| lines.take(LINES_MAX - 1).find_map(certain))
        .or_else(by_csv)
        .or_else(|| is_log(name).then_some(Format::Combined))
}

/// What a line can only be.
fn certain(line: &[u8]) -> Option<Format> {
    if line.starts_with(b"{") {
        return Some(Format::Ndjson);
    }
    combined::is_line(line).then_some(Format::Combined)
}

/// What a name promises. A log may be anything.
fn named(name: &str) -> Option<Format> {
    match extension(name)? {
        "ndjson" | "jsonl" | "json" => Some(Format::Ndjson),
        "csv" | "tsv" => Some(Format::Csv),
        "segment" => Some(Format::Segment),
        _ => None,
    }
}

fn is_log(name: &str) -> bool {
    extension(name) == Some("log")
}

/// Whether a file's name promises something that can be read.
pub(super) fn is_known(name: &str) -> bool {
    named(name).is_some() || is_log(name)
}

/// What is behind the last point of a name, but for compression and what rotation adds: `log` of `access.log.2.gz`.
fn extension(name: &str) -> Option<&str> {
    let name = ["gz", "zst", "zstd"]
        .iter()
        .find_map(|compressed| name.strip_suffix(compressed)?.strip_suffix('.'))
        .unwrap_or(name);
    let kept = name.trim_end_matches(|last: char| last.is_ascii_digit());
    let name = kept.strip_suffix(['.', '-']).filter(|_| kept.len() < name.len()).unwrap_or(name);
    name.rsplit_once('.').map(|(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, start: &str, expected: Option<Format>) {
        assert_eq!(format_of(name, start.as_bytes()), expected, "{name}: {start}");
    }

    const LINE: &str = "::1 - - [21/Nov/2026:01:20:23 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\"";

    #[test]
    fn content_that_is_certain_wins_over_the_name() {
        check("a.csv", "{\"a\":1}\n", Some(Format::Ndjson));
        check("a.ndjson", LINE, Some(Format::Combined));
        check("a.log", "LKGSEG01\0\0", Some(Format::Segment));
        check("-", "\u{feff}\r\n  {\"a\":1}\n", Some(Format::Ndjson));
        check("-", &std::format!("{LINE}\r\n"), Some(Format::Combined));
    }

    #[test]
    fn the_name_decides_where_content_does_not() {
        check("a.ndjson", "oops\n", Some(Format::Ndjson));
        check("dir.csv/a.jsonl.gz", "a,b\n", Some(Format::Ndjson));
        check("a.json.zst", "", Some(Format::Ndjson));
        check("a.csv", "user_id\n1\n", Some(Format::Csv));
        check("a.tsv", "", Some(Format::Csv));
        check("a.segment", "", Some(Format::Segment));
        check("access.log.2.gz", "", Some(Format::Combined));
        check("access.log-20261121", "", Some(Format::Combined));
    }

    #[test]
    fn a_log_may_be_anything() {
        check("a.log", "{}\n", Some(Format::Ndjson));
        check("a.log", "user_id,value\n1,2\n", Some(Format::Csv));
        check("a.log", &std::format!("cut off\n{LINE}\n"), Some(Format::Combined));
        check("a.log", "starting\n{\"a\":1}\n", Some(Format::Ndjson));
    }

    #[test]
    fn a_first_line_with_a_delimiter_is_a_header() {
        check("-", "user_id;value\n", Some(Format::Csv));
        check("", "user_id\tvalue", Some(Format::Csv));
    }

    #[test]
    fn what_nothing_tells_is_nothing() {
        check("-", "", None);
        check("notes.txt", "hello there\n", None);
        check("a.42", "\0\u{1}", None);
    }
}
