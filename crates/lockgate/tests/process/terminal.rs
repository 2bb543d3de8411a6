//! What somebody at a terminal sees, and what Ctrl-C does.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{LOCKGATE, process};

const LINE: &[u8] = b"{\"user_id\":1,\"value\":1}\n";
const INTERRUPT: i32 = 2;
const SOON: Duration = Duration::from_secs(20);

/// A pipe with a name, in which a reader waits for its writer.
fn pipe(dir: &Path) -> impl FnOnce() -> File + use<> {
    let path = dir.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    move || OpenOptions::new().write(true).open(path).unwrap()
}

#[test]
fn progress_is_shown_while_it_reads_and_is_gone_afterwards() {
    if Command::new("script").arg("--version").output().is_err() {
        return testkit::skip("`script`, which gives a program a terminal, is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let open = pipe(dir.path());
    let command = format!("'{LOCKGATE}' process pipe --json > answer.json");
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = open();
    pipe.write_all(LINE).unwrap();
    let (mut terminal, mut seen) = (child.stdout.take().unwrap(), Vec::new());
    let shows = |seen: &[u8]| String::from_utf8_lossy(seen).contains("kB read, ");
    while !shows(&seen) {
        let mut piece = [0; 100];
        let read = terminal.read(&mut piece).unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..read]);
    }
    drop(pipe);
    terminal.read_to_end(&mut seen).unwrap();
    assert!(child.wait().unwrap().success());
    let seen = String::from_utf8(seen).unwrap();
    assert!(seen.ends_with("\r\u{1b}[K"), "{seen:?}");
    let answer = std::fs::read_to_string(dir.path().join("answer.json")).unwrap();
    assert_eq!(answer, "[{\"user_id\":1,\"count\":1,\"total_value\":1}]\n");
}

#[test]
fn nobody_who_reads_a_file_later_finds_progress_in_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.ndjson"), LINE.repeat(100_000)).unwrap();
    assert_eq!(crate::run(dir.path(), &["a.ndjson"]).err, "");
}

#[test]
fn an_interrupt_ends_it_at_once_without_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let open = pipe(dir.path());
    let mut command = interruptible(dir.path(), &["pipe", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It reads, since the pipe opens, and would read on.
    let mut pipe = open();
    pipe.write_all(&LINE.repeat(1000)).unwrap();
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    if !eventually(|| child.try_wait().unwrap().is_some()) {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    // Shells tell it as 130.
    assert_eq!(output.status.signal(), Some(INTERRUPT));
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
}

/// The command with the interrupt as a shell at a terminal leaves it: what runs in the background of a script inherits that it is ignored.
fn interruptible(dir: &Path, arguments: &[&str]) -> Command {
    if !cfg!(target_os = "linux") {
        return process(dir, arguments);
    }
    let plain = process(dir, arguments);
    let mut command = Command::new("env");
    command.args(["-u", "NO_COLOR", "--default-signal=INT"]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// Whether something becomes true soon.
fn eventually(mut is_true: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + SOON;
    while !is_true() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
