//! PostgreSQL's programs, where Debian or PATH has them, and who they run as: the server refuses to be root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::PostgresError;

pub(super) struct Programs {
    directory: PathBuf,
    /// User and group to run as; `None`: ours.
    owner: Option<(u32, u32)>,
}

impl Programs {
    pub(super) fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .collect();
        // The latest version that is there.
        places.sort_by_key(|place| std::cmp::Reverse(version_in(place)));
        places.extend(std::env::split_paths(&path));
        let has_all =
            |place: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| place.join(name).is_file());
        Some(Self { directory: places.into_iter().find(has_all)?, owner: other_user() })
    }

    /// A program that runs as whoever owns the server.
    pub(super) fn command(&self, name: &str) -> Command {
        self.as_owner(Command::new(self.directory.join(name)))
    }

    fn as_owner(&self, mut command: Command) -> Command {
        if let Some((user, group)) = self.owner {
            // Our own home is none of its business, and closed to it.
            command.uid(user).gid(group).env("HOME", "/nonexistent");
        }
        command.current_dir("/");
        command
    }

    /// Makes a directory the server's own.
    pub(super) fn give(&self, directory: &Path) -> io::Result<()> {
        match self.owner {
            Some((user, group)) => chown(directory, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    pub(super) fn initdb(&self, data: &Path) -> Result<(), PostgresError> {
        let mut command = self.command("initdb");
        command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run("initdb", command.arg("-D").arg(data)).map(drop)
    }

    pub(super) fn sql(&self, url: &str, text: &str) -> Result<String, PostgresError> {
        let mut command = self.command("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1"]);
        let said = run("psql", command.args(["-d", url, "-c", text]))?;
        Ok(said.trim_end().to_owned())
    }

    /// Puts `server.crt` and `server.key` where the server looks for them.
    pub(super) fn make_certificate(&self, data: &Path) -> Result<(), PostgresError> {
        let mut command = self.as_owner(Command::new("openssl"));
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]);
        command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        command.arg("-out").arg(data.join("server.crt")).arg("-keyout").arg(data.join("server.key"));
        run("openssl", &mut command).map(drop)
    }
}

fn version_in(place: &Path) -> Option<u32> {
    place.parent()?.file_name()?.to_str()?.parse().ok()
}

/// Somebody to run as, if we are root: Debian's user for PostgreSQL, or whoever is nobody.
fn other_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let find = |name: &str| {
        let mut fields = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}

fn run(program: &'static str, command: &mut Command) -> Result<String, PostgresError> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = text(&output.stderr) + &text(&output.stdout);
    Err(PostgresError::Program { program, status: output.status, said })
}
