//! Where is searched: files, folders, compressed files, standard input; and what cannot be.

use std::io::{Read, Write};
use std::os::unix::fs::symlink;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{check, check_in_any_order, folder, run, run_with, search};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_folder_is_searched_whole() {
    let dir = folder(&[
        ("a.log", b"x\n"),
        (".hidden/b.log", b"x\n"),
        (".gitignore", b"*.log\n"),
        ("sub/deep/c", b"y\nx\n"),
        ("sub/d.bin", b"x\0x\n"),
    ]);
    symlink("sub/deep", dir.path().join("linked")).unwrap();
    let expected = ["./.hidden/b.log:x", "./a.log:x", "./linked/c:x", "./sub/deep/c:x"];
    check_in_any_order(dir.path(), &["x", "-p", "."], &expected);
    check_in_any_order(dir.path(), &["x", "-p", "sub", "-p", "a.log"], &["a.log:x", "sub/deep/c:x"]);
    check_in_any_order(dir.path(), &["x", "-c", "-p", "sub", "-a"], &["sub/d.bin:1", "sub/deep/c:1"]);
    check_in_any_order(dir.path(), &["-l", "y", "-p", "."], &["./linked/c", "./sub/deep/c"]);
    check_in_any_order(dir.path(), &["z", "-p", "."], &[]);
}

#[test]
fn each_file_is_printed_in_one_piece() {
    let content: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let names: Vec<String> = (0..8).map(|file| format!("{file}.log")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), content.as_bytes())).collect();
    let dir = folder(&files);
    let done = run(dir.path(), &["line", "-p", "."]);
    let mut files: Vec<&str> = done.out.lines().map(|line| line.split_once(':').unwrap().0).collect();
    assert_eq!(files.len(), 8 * 20_000);
    files.dedup();
    assert_eq!(files.len(), 8, "files take turns: {files:?}");
}

#[test]
fn compressed_files_are_searched_as_what_they_hold() {
    let text = b"one\ntwo needle\n";
    let two_members = [gzip(b"needle 1\n"), gzip(b"needle 2\n")].concat();
    let zst = zstd::encode_all(&text[..], 3).unwrap();
    let dir =
        folder(&[("a.gz", &gzip(text)), ("b.zst", &zst), ("c", &two_members), ("d.gz", b"needle, plain\n")]);
    let expected = [
        "./a.gz:2:two needle",
        "./b.zst:2:two needle",
        "./c:1:needle 1",
        "./c:2:needle 2",
        "./d.gz:1:needle, plain",
    ];
    check_in_any_order(dir.path(), &["-n", "needle", "-p", "."], &expected);
    let piped = run_with(dir.path(), &zst, &["needle"]);
    assert_eq!((piped.status, piped.out.as_str()), (Some(0), "two needle\n"));
}

#[test]
fn standard_input_is_searched_when_something_is_piped_in() {
    let dir = folder(&[("a.log", b"needle in a file\n")]);
    assert_eq!(run_with(dir.path(), b"a needle\nhay\n", &["needle"]).out, "a needle\n");
    let both = run_with(dir.path(), b"a needle\n", &["needle", "-p", "-", "-p", "a.log"]);
    let mut lines: Vec<&str> = both.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["<stdin>:a needle", "a.log:needle in a file"]);
}

#[test]
fn binary_files_are_told_of_where_they_are_named() {
    let dir = folder(&[("a.bin", b"needle\0\nneedle\n")]);
    let done = run(dir.path(), &["needle", "-p", "a.bin"]);
    assert!(done.out.contains("binary file matches") && done.status == Some(0), "{:?}", done.out);
    check(dir.path(), &["-a", "-c", "needle", "-p", "a.bin"], "2\n");
}

#[test]
fn text_of_another_encoding_is_known_by_its_mark() {
    let utf16: Vec<u8> = "\u{feff}grün needle\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let dir = folder(&[("a.log", &utf16), ("b.log", b"\xff needle \xc3\n")]);
    check(dir.path(), &["grün", "-p", "a.log"], "grün needle\n");
    check(dir.path(), &["-c", "needle", "-p", "b.log"], "1\n");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_searched() {
    let whole = gzip(&b"needle\n".repeat(10_000));
    let dir = folder(&[("a.log", b"needle\n"), ("cut.gz", &whole[..whole.len() - 10])]);
    let done = run(dir.path(), &["needle", "-c", "-p", "gone.log", "-p", "a.log"]);
    assert_eq!((done.status, done.out.as_str()), (Some(3), "a.log:1\n"));
    assert!(done.err.contains("`gone.log`"), "{}", done.err);
    let done = run(dir.path(), &["needle", "-p", "cut.gz"]);
    assert_eq!(done.status, Some(3));
    assert!(done.err.contains("`cut.gz`") && done.out.starts_with("needle\n"), "{}", done.err);
}

#[test]
fn a_line_without_end_is_not_kept_in_memory() {
    let bomb = zstd::encode_all(std::io::repeat(b'x').take(200 << 20), 1).unwrap();
    let dir = folder(&[("bomb.zst", &bomb)]);
    let done = run(dir.path(), &["needle", "-p", "bomb.zst"]);
    assert_eq!((done.status, done.out.as_str()), (Some(3), ""), "{}", done.err);
    assert!(done.err.contains("longer than 64 MiB"), "{}", done.err);
}

#[test]
fn nothing_to_search_is_explained() {
    let dir = folder(&[]);
    let done = run(dir.path(), &["needle"]);
    assert_eq!(done.status, Some(3));
    assert!(done.err.contains("--path PATH"), "{}", done.err);
}

#[test]
fn what_is_found_is_not_searched_again() {
    let dir = folder(&[("a.log", b"needle\n")]);
    let into =
        || std::fs::File::options().create(true).append(true).open(dir.path().join("found.log")).unwrap();
    let status = search(dir.path(), &["needle", "-p", "."]).stdout(into()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    let done = crate::Done::from(
        search(dir.path(), &["needle", "-p", "found.log"]).stdout(into()).output().unwrap(),
    );
    assert!(done.status == Some(3) && done.err.contains("would be written to it"), "{}", done.err);
    assert_eq!(std::fs::read_to_string(dir.path().join("found.log")).unwrap(), "./a.log:needle\n");
}

#[test]
fn nobody_who_reads_on_is_no_failure() {
    let dir = folder(&[("a.log", &b"needle\n".repeat(1 << 20))]);
    let mut command = search(dir.path(), &["needle", "-p", "a.log"]);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = crate::Done::from(child.wait_with_output().unwrap());
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
}
