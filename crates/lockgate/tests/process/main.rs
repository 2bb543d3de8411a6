//! `lockgate process`: questions about logs and the journal, from the command line.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics or prints is doing its work"
)]

mod formats;
mod gateway;
mod guide;
mod hostile;
mod questions;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) use testkit::Done;

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// The sample files that the guide is about.
pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/logs")
}

/// The command in a directory, with nothing on standard input.
pub(crate) fn process(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(LOCKGATE);
    command.arg("process").args(arguments).current_dir(dir).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Done {
    Done::of(&mut process(dir, arguments)).unwrap()
}

/// Runs it with something piped in.
pub(crate) fn run_with(input: &[u8], arguments: &[&str]) -> Done {
    Done::with_input(&mut process(Path::new("."), arguments), input).unwrap()
}

/// Runs it where it must succeed and have nothing to say beside the answer.
#[track_caller]
pub(crate) fn answer(dir: &Path, arguments: &[&str]) -> String {
    let done = run(dir, arguments);
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""), "{arguments:?}");
    done.out
}

/// Runs it where it must fail with a status, print no answer, and say these words.
#[track_caller]
pub(crate) fn fails(done: &Done, status: i32, words: &[&str]) {
    assert_eq!((done.status, done.out.as_str()), (Some(status), ""), "{}", done.err);
    for word in words {
        assert!(done.err.contains(word), "{word:?} is missing in\n{}", done.err);
    }
}
