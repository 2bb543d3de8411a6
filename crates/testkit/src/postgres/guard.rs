//! Cleans up behind a server when whoever started it has gone, by whatever way.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, which is the end of the process that holds the other side; kills the server that has its data in
/// the directory, if one runs, and removes the directory.
const SCRIPT: &str = r#"
cat >/dev/null
pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null)
tries=0
while [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$0/data" ] && [ $tries -lt 100 ]; do
    kill -QUIT "$pid"
    tries=$((tries + 1))
    sleep 0.05
done
rm -rf "$0"
"#;

pub(super) struct Guard(Child);

impl Guard {
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(directory.canonicalize()?).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: what interrupts the tests must not interrupt the cleaning.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // However it ended, there is nothing more to be done.
        let _ = self.0.wait();
    }
}
