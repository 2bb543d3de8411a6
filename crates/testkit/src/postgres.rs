//! A real PostgreSQL server of a test's own: in a temporary directory, on a free port of loopback, trusting whoever connects.
//!
//! Nothing is synced to disk, which spares tests most of the time. What was committed outlives a killed server all the same: it has
//! been handed to the operating system, which goes on running.

mod guard;
mod programs;
mod tree;

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use thiserror::Error;

use crate::gateway::poll;
use guard::Guard;
use programs::Programs;

/// Ports below those that the system gives to outgoing connections, so that a server finds its port free when it comes back.
const PORTS: std::ops::Range<u32> = 15_000..30_000;
/// What every server is started with.
const SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=128MB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=64MB",
    "logging_collector=off",
];

/// Why there is no server.
#[derive(Debug, Error)]
pub enum PostgresError {
    /// It is not installed.
    #[error(
        "PostgreSQL's `initdb`, `postgres` and `psql` are not installed; `cargo xtask test` installs them"
    )]
    Missing,
    /// The operating system said no.
    #[error("cannot run PostgreSQL")]
    Io(#[from] io::Error),
    /// A program ended with an error.
    #[error("`{program}` ended with {status}; it said:\n{said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        said: String,
    },
    /// It was not ready, or had not ended, in time.
    #[error("PostgreSQL did not get there in time; it said:\n{0}")]
    Late(String),
}

/// A server; it is killed and its directory removed when this is dropped, or when the process that started it ends in any way.
pub struct Postgres {
    programs: Programs,
    directory: PathBuf,
    port: u16,
    settings: Vec<String>,
    server: Option<Child>,
    /// Dropped last: it removes what is left.
    _guard: Guard,
}

impl Postgres {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// [`PostgresError::Missing`] when it is not installed.
    pub fn start() -> Result<Self, PostgresError> {
        Self::start_with(&[])
    }

    /// The same with settings of its own, `name=value`.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_with(settings: &[&str]) -> Result<Self, PostgresError> {
        let mut server = Self::prepare(settings)?;
        server.launch()?;
        Ok(server)
    }

    /// A server that encrypts, with a certificate for `localhost` that it signed itself: [`Postgres::certificate`].
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_encrypted() -> Result<Self, PostgresError> {
        let mut server = Self::prepare(&["ssl=on"])?;
        server.programs.make_certificate(&server.data())?;
        server.launch()?;
        Ok(server)
    }

    /// A server, or `None` after saying loudly that the test did not run; under `CI=true` a server that is missing fails the test.
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub fn start_or_skip() -> Option<Self> {
        match Self::start() {
            Ok(server) => Some(server),
            Err(PostgresError::Missing) => {
                crate::skip(&PostgresError::Missing.to_string());
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// One server for all tests of a program, for tests that neither stop nor change it; each takes a [`Postgres::database`] of its own.
    /// `None` as with [`Postgres::start_or_skip`].
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        let shared = SHARED.get_or_init(Self::start_or_skip).as_ref();
        if shared.is_none() {
            crate::skip(&PostgresError::Missing.to_string());
        }
        shared
    }

    /// URL of the database that every server has.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Makes an empty database and gives its URL.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql(&self.url(), &format!("CREATE DATABASE {name}")).expect("a fresh database");
        self.url_of(&name)
    }

    /// Removes a database that [`Postgres::database`] made, and ends what is connected to it.
    ///
    /// # Panics
    /// When the server does not remove it.
    pub fn drop_database(&self, url: &str) {
        let name = url.rsplit('/').next().unwrap_or_default();
        self.sql(&self.url(), &format!("DROP DATABASE {name} WITH (FORCE)")).expect("a database to remove");
    }

    /// Runs SQL in the database of a URL and gives what it answers: a line per row, columns separated by `|`.
    ///
    /// # Errors
    /// With what the server said.
    pub fn sql(&self, url: &str, text: &str) -> Result<String, PostgresError> {
        self.programs.sql(url, text)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of a server that encrypts.
    pub fn certificate(&self) -> PathBuf {
        self.data().join("server.crt")
    }

    /// What it has printed until now, over all starts.
    pub fn log(&self) -> String {
        fs::read(self.log_path()).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// Kills it with all its processes, as a machine that loses its power does.
    pub fn kill9(&mut self) {
        if let Some(mut server) = self.server.take() {
            tree::kill(server.id());
            // It has been killed; what is left is to take note of it.
            let _ = server.wait();
        }
    }

    /// Asks it to end its connections and then itself, and waits.
    ///
    /// # Errors
    /// When it does not end within 30 s.
    pub fn stop(&mut self) -> Result<(), PostgresError> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        tree::signal("INT", server.id());
        if poll(|| server.try_wait().transpose()).is_some() {
            return Ok(());
        }
        self.server = Some(server);
        Err(PostgresError::Late(self.log()))
    }

    /// Starts it again on the same port, after it was stopped or killed.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn restart(&mut self) -> Result<(), PostgresError> {
        self.kill9();
        self.launch()
    }

    /// Lets all its processes stand still: connections stay open, and nobody answers.
    pub fn pause(&self) {
        if let Some(server) = &self.server {
            tree::pause(server.id());
        }
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&self) {
        if let Some(server) = &self.server {
            tree::resume(server.id());
        }
    }

    fn prepare(settings: &[&str]) -> Result<Self, PostgresError> {
        let programs = Programs::find().ok_or(PostgresError::Missing)?;
        let directory = tempfile::Builder::new().prefix("lockgate-postgres-").tempdir()?;
        programs.give(directory.path())?;
        let guard = Guard::of(directory.path())?;
        // From here on the guard removes it, also when this process is killed.
        let directory = directory.keep().canonicalize()?;
        programs.initdb(&directory.join("data"))?;
        let settings = SETTINGS.iter().chain(settings).map(|setting| (*setting).to_owned()).collect();
        Ok(Self { programs, directory, port: free_port()?, settings, server: None, _guard: guard })
    }

    fn launch(&mut self) -> Result<(), PostgresError> {
        const READY: &str = "database system is ready to accept connections";
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let before = self.log().matches(READY).count();
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.directory);
        command.args(["-p", &self.port.to_string()]);
        command.args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        let mut server = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let ready = poll(|| match server.try_wait() {
            Ok(None) => (self.log().matches(READY).count() > before).then_some(Ok(())),
            Ok(Some(status)) => {
                Some(Err(PostgresError::Program { program: "postgres", status, said: self.log() }))
            }
            Err(error) => Some(Err(error.into())),
        });
        self.server = Some(server);
        ready.unwrap_or_else(|| Err(PostgresError::Late(self.log())))
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@localhost:{}/{database}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("PostgreSQL said at last, newest first:\n{}", lines.join("\n"));
        }
    }
}

/// A port that nobody listens on; each process begins its search elsewhere.
fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    for _ in 0..100 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = PORTS.start + (std::process::id().wrapping_mul(37) + step) % count;
        let port = u16::try_from(number).map_err(io::Error::other)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::from(io::ErrorKind::AddrInUse))
}

#[cfg(test)]
mod tests;
