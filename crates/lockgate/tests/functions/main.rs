//! Functions as people see them: the commands about them, the admin API, metrics.
#![allow(clippy::unwrap_used, reason = "a test that panics or prints is doing its work")]
#![cfg(feature = "functions")]

mod check;
mod list;
mod metrics;
mod run;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");
/// Longest wait for something that must happen.
const SOON: Duration = Duration::from_secs(30);

/// Runs a command in a directory, where its temporary files go too, and waits for its end.
pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(LOCKGATE)
        .args(arguments)
        .current_dir(dir)
        .env("TMPDIR", dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Looks again and again until there is something.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + SOON;
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}
