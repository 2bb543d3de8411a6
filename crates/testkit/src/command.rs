//! A command run to its end.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Standard output; what is not UTF-8 is replaced.
    pub out: String,
    /// Standard error, likewise.
    pub err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Done {
    /// Runs a command to its end, with nothing on standard input unless it says otherwise.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> io::Result<Self> {
        command.output().map(Into::into)
    }

    /// The same with `input` piped in. A command that has seen enough need not read to the end.
    ///
    /// # Errors
    /// When it cannot be started, or its output cannot be read.
    pub fn with_input(command: &mut Command, input: &[u8]) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdin, input) = (child.stdin.take(), input.to_vec());
        let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
        let output = child.wait_with_output()?;
        drop(writer.join());
        Ok(output.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;

    #[test]
    fn what_is_piped_in_is_read_or_left() {
        let done =
            |status, out: &str, err: &str| Done { status: Some(status), out: out.into(), err: err.into() };
        let large = vec![b'x'; 1 << 20];
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 3; echo no >&2; exit 2"]);
        assert_eq!(Done::with_input(&mut command, &large).unwrap(), done(2, "xxx", "no\n"));
        let mut command = Command::new("sh");
        assert_eq!(Done::of(command.args(["-c", "echo yes"])).unwrap(), done(0, "yes\n", ""));
        assert!(Done::of(&mut Command::new("/no/such/program")).is_err());
    }
}
