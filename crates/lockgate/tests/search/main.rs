//! `lockgate search`: lines in logs and in the journal, from the command line.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conditions;
mod journal;
mod large;
mod lines;
mod places;

use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) use testkit::Done;

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    dir
}

/// The command in a directory, with nothing on standard input.
pub(crate) fn search(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(LOCKGATE);
    command.arg("search").args(arguments).current_dir(dir).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Done {
    Done::of(&mut search(dir, arguments)).unwrap()
}

/// Runs it with something piped in.
pub(crate) fn run_with(dir: &Path, input: &[u8], arguments: &[&str]) -> Done {
    Done::with_input(&mut search(dir, arguments), input).unwrap()
}

/// Runs it where it must print exactly this and nothing else.
#[track_caller]
pub(crate) fn check(dir: &Path, arguments: &[&str], expected: &str) {
    let done = run(dir, arguments);
    let status = if expected.is_empty() { 1 } else { 0 };
    assert_eq!((done.out.as_str(), done.err.as_str()), (expected, ""), "{arguments:?}");
    assert_eq!(done.status, Some(status), "{arguments:?}");
}

/// The same where several threads print, each file in one piece: files may come in any order.
#[track_caller]
pub(crate) fn check_in_any_order(dir: &Path, arguments: &[&str], expected: &[&str]) {
    let done = run(dir, arguments);
    let mut lines: Vec<&str> = done.out.lines().collect();
    lines.sort_unstable();
    assert_eq!((lines.as_slice(), done.err.as_str()), (expected, ""), "{arguments:?}");
    assert_eq!(done.status, Some(i32::from(expected.is_empty())), "{arguments:?}");
}
