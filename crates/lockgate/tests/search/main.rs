//! `lockgate search`: lines in logs and in the journal, from the command line.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conditions;
mod journal;
mod large;
mod lines;
mod places;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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

/// What a command did.
pub(crate) struct Done {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Done {
    search(dir, arguments).output().unwrap().into()
}

/// Runs it with something piped in.
pub(crate) fn run_with(dir: &Path, input: &[u8], arguments: &[&str]) -> Done {
    let mut command = search(dir, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A command that has seen enough does not read to the end.
    drop(writer.join().unwrap());
    output.into()
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
