//! The same rows give the same answer, however they are written.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{answer, run_with, samples};

/// Questions that touch every kind of field.
pub(crate) const QUESTIONS: [&[&str]; 6] = [
    &[],
    &[
        "--by",
        "route,status,kind",
        "--measure",
        "count,count(value),sum(value),mean(bytes_out),min(ts),max(latency_us)",
    ],
    &[
        "--by",
        "none",
        "--measure",
        "count,p50(latency_us),p99(latency_us),histogram(latency_us),distinct(client)",
    ],
    &["--by", "method,path,reason,path_cut,parent", "--measure", "count,top3(status)"],
    &["--by", "user_id", "--every", "5m", "--measure", "count,sum(value)", "--top", "2"],
    &[
        "--by",
        "key_id",
        "--measure",
        "count,sum(value)",
        "--where",
        "status >= 400 or (value > 1.5 and ts > \"2020-01-01T00:00:00Z\")",
    ],
];

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// As the command `zstd` writes it: with a checksum.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Every question has the same answer for all files.
#[track_caller]
pub(crate) fn check_equal(dir: &Path, files: &[&str]) {
    for question in QUESTIONS {
        let answers = files.iter().map(|file| answer(dir, &[&[*file, "--json"], question].concat()));
        let answers: Vec<_> = answers.collect();
        assert!(answers[0].len() > 10, "{question:?}: {}", answers[0]);
        for (file, other) in files.iter().zip(&answers) {
            assert_eq!(*other, answers[0], "{question:?} of {file} and {}", files[0]);
        }
    }
}

#[test]
fn lines_of_json_and_csv_plain_or_compressed_give_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let sample = |name: &str| std::fs::read(samples().join(name)).unwrap();
    let (ndjson, csv) = (sample("events.ndjson"), sample("events.csv"));
    let halves = ndjson.split_at(ndjson.len() / 2);
    for (name, bytes) in [
        ("a.ndjson", ndjson.clone()),
        ("a.csv", csv.clone()),
        ("a.ndjson.gz", gzip(&ndjson)),
        ("a.csv.gz", gzip(&csv)),
        ("a.ndjson.zst", zstd(&ndjson)),
        ("a.csv.zst", zstd(&csv)),
        ("two-members.gz", [gzip(halves.0), gzip(halves.1)].concat()),
        ("two-frames.zst", [zstd(halves.0), zstd(halves.1)].concat()),
        (
            "windows.csv",
            csv.iter().flat_map(|byte| if *byte == b'\n' { b"\r\n".to_vec() } else { vec![*byte] }).collect(),
        ),
        ("no-name", ndjson.clone()),
    ] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let files = [
        "a.ndjson",
        "a.csv",
        "a.ndjson.gz",
        "a.csv.gz",
        "a.ndjson.zst",
        "a.csv.zst",
        "two-members.gz",
        "two-frames.zst",
        "windows.csv",
        "no-name",
    ];
    check_equal(dir.path(), &files);
}

#[test]
fn the_mark_of_utf_8_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    for (name, plain) in [("events.ndjson", "a.ndjson"), ("events.csv", "a.csv")] {
        let text = std::fs::read(samples().join(name)).unwrap();
        let marked = [b"\xef\xbb\xbf", &text[..]].concat();
        for (file, bytes) in [(plain, text), ("marked", marked.clone()), ("marked.gz", gzip(&marked))] {
            std::fs::write(dir.path().join(file), bytes).unwrap();
        }
        check_equal(dir.path(), &[plain, "marked", "marked.gz"]);
        let expected = answer(dir.path(), &[plain, "--json"]);
        assert_eq!(run_with(&marked, &["--json"]).out, expected, "{name}");
    }
}

#[test]
fn a_file_of_two_names_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.ndjson"), "{\"a\":1}\n").unwrap();
    std::os::unix::fs::symlink("a.ndjson", dir.path().join("current.ndjson")).unwrap();
    let once = "[{\"count\":1}]\n";
    for inputs in [&["a.ndjson", "./a.ndjson"][..], &["current.ndjson", "a.ndjson"], &[".", "*.ndjson"]] {
        let question = ["--json", "--by", "none", "--measure", "count"];
        assert_eq!(answer(dir.path(), &[inputs, &question].concat()), once, "{inputs:?}");
    }
}

#[test]
fn what_is_piped_in_is_read_without_being_named_or_as_a_dash() {
    let ndjson = std::fs::read(samples().join("events.ndjson")).unwrap();
    let expected = answer(&samples(), &["events.ndjson", "--json"]);
    for (input, arguments) in
        [(ndjson.clone(), &["--json"][..]), (gzip(&ndjson), &["-", "--json"]), (zstd(&ndjson), &["--json"])]
    {
        let done = run_with(&input, arguments);
        assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (Some(0), expected.as_str(), ""));
    }
}

#[test]
fn an_access_log_counts_as_the_events_behind_it() {
    let question = ["--json", "--by", "user_id,method,status", "--measure", "count,sum(bytes_out)"];
    let of = |file: &str, more: &[&str]| answer(&samples(), &[&[file], &question[..], more].concat());
    assert_eq!(of("access.log", &[]), of("events.ndjson", &["--where", "kind = done"]));
}

#[test]
fn folders_patterns_and_lists_of_files_are_read_together() {
    let dir = tempfile::tempdir().unwrap();
    let ndjson = std::fs::read_to_string(samples().join("events.ndjson")).unwrap();
    std::fs::create_dir_all(dir.path().join("logs/old")).unwrap();
    let (old, new) = ndjson.split_at(ndjson.match_indices('\n').nth(20).unwrap().0 + 1);
    std::fs::write(dir.path().join("logs/old/app.log.1.gz"), gzip(old.as_bytes())).unwrap();
    std::fs::write(dir.path().join("logs/app.log"), new).unwrap();
    std::fs::write(dir.path().join("logs/notes.txt"), "not for us").unwrap();
    let expected = answer(&samples(), &["events.ndjson", "--json"]);
    for inputs in [
        &["logs"][..],
        &["logs/app.log", "logs/old/app.log.1.gz"],
        &["logs/**/app.log*"],
        &["logs", "logs/app.log"],
    ] {
        assert_eq!(answer(dir.path(), &[inputs, &["--json"]].concat()), expected, "{inputs:?}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let ndjson = std::fs::read(samples().join("events.ndjson")).unwrap();
    std::fs::write(dir.path().join("big.ndjson"), ndjson.repeat(100)).unwrap();
    std::fs::write(dir.path().join("big.ndjson.gz"), gzip(&ndjson.repeat(100))).unwrap();
    for question in QUESTIONS {
        let of = |file: &str, threads: &str| {
            answer(dir.path(), &[&[file, "--json", "--threads", threads], question].concat())
        };
        let expected = of("big.ndjson", "1");
        for (file, threads) in
            [("big.ndjson", "2"), ("big.ndjson", "7"), ("big.ndjson.gz", "1"), ("big.ndjson.gz", "7")]
        {
            assert_eq!(of(file, threads), expected, "{question:?} of {file} by {threads}");
        }
    }
}
