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

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

/// What a command did.
pub(crate) struct Done {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Done {
    process(dir, arguments).output().unwrap().into()
}

/// Runs it with something piped in.
pub(crate) fn run_with(input: &[u8], arguments: &[&str]) -> Done {
    let mut command = process(Path::new("."), arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A command that fails does not read to the end.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    drop(writer.join().unwrap());
    output.into()
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
