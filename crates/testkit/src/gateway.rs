//! Runs the real gateway binary in a directory of its own.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thiserror::Error;

use crate::client::{ClientError, RawClient, Response};
use crate::process::{ProcessFigures, figures_of};

/// Longest wait for the gateway to be ready, or to end.
const WAIT: Duration = Duration::from_secs(120);
/// Pause between two looks at a file or a process, which give no event to wait for.
const LOOK: Duration = Duration::from_millis(5);

/// Why the gateway is not running.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// The operating system said no.
    #[error("cannot run the gateway")]
    Io(#[from] io::Error),
    /// It ended before it was ready.
    #[error("the gateway ended with {status} before it was ready; it said:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        log: String,
    },
    /// It was not ready, or had not ended, in time.
    #[error("the gateway did not get there in time; it said:\n{log}")]
    Late {
        /// What it printed.
        log: String,
    },
    /// The ports file is not what was agreed.
    #[error("the ports file is not readable: {0}")]
    Ports(#[from] serde_json::Error),
}

/// Where a ready gateway listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Listeners, in the order of the configuration.
    pub listeners: Vec<String>,
    /// Admin side.
    pub admin: String,
}

/// A gateway process; it is killed when dropped.
pub struct GatewayProcess {
    binary: PathBuf,
    directory: TempDir,
    environment: Vec<(String, String)>,
    data: PathBuf,
    child: Child,
    ports: Ports,
    /// Rings in shared memory; they outlive a kill, which is what they are for, but not the test.
    rings: BTreeSet<PathBuf>,
}

/// One listener on a free port, everything sent to one endpoint.
pub fn single_upstream(endpoint: &str) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n\n[upstream.origin]\nendpoints = [\"{endpoint}\"]\n\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n"
    )
}

impl GatewayProcess {
    /// Starts `binary serve` with this configuration and waits until it is ready.
    ///
    /// Sections `[admin]`, `[data]` and `[workers]` that are missing are added: a free port, `data` beside the
    /// configuration, two workers.
    ///
    /// # Errors
    /// When it does not become ready, with what it printed.
    pub fn start(binary: impl AsRef<Path>, config: &str) -> Result<Self, GatewayError> {
        Self::start_in(binary, config, tempfile::tempdir()?, &[])
    }

    /// The same in a directory the caller has prepared, with variables of the environment.
    ///
    /// # Errors
    /// As [`GatewayProcess::start`].
    pub fn start_in(
        binary: impl AsRef<Path>,
        config: &str,
        directory: TempDir,
        environment: &[(&str, &str)],
    ) -> Result<Self, GatewayError> {
        let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        write_config(directory.path(), config)?;
        let (child, ports) = launch(binary.as_ref(), directory.path(), &environment)?;
        let data = directory.path().join("data");
        let rings = rings_of(child.id());
        Ok(Self { binary: binary.as_ref().into(), directory, environment, data, child, ports, rings })
    }

    /// Where it listens.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Address of the first listener.
    pub fn address(&self) -> &str {
        &self.ports.listeners[0]
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its directory: `lockgate.toml`, `log`, and `data` unless the configuration says otherwise.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.directory.path().join("lockgate.toml")
    }

    /// What it has printed until now, over all starts.
    pub fn log(&self) -> String {
        read_log(self.directory.path())
    }

    /// Waits until its log holds a text.
    ///
    /// # Panics
    /// When it does not within 30 s.
    pub fn wait_for_log(&self, text: &str) {
        let found = poll(|| self.log().contains(text).then_some(()));
        assert!(found.is_some(), "waited in vain for {text:?} in:\n{}", self.log());
    }

    /// Memory, descriptors and threads.
    ///
    /// # Errors
    /// When it does not run.
    pub fn figures(&self) -> io::Result<ProcessFigures> {
        figures_of(self.pid())
    }

    /// Connects to the first listener.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(&self) -> Result<RawClient, ClientError> {
        RawClient::connect(self.address())
    }

    /// Sends one request to the first listener on a connection of its own.
    ///
    /// # Errors
    /// As [`RawClient::response`].
    pub fn ask(&self, request: impl AsRef<[u8]>) -> Result<Response, ClientError> {
        self.connect()?.ask(request)
    }

    /// `GET` with `Host: test` on a connection of its own.
    ///
    /// # Errors
    /// As [`RawClient::response`].
    pub fn get(&self, target: &str) -> Result<Response, ClientError> {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n"))
    }

    /// Asks the admin side with the admin token.
    ///
    /// # Errors
    /// As [`RawClient::response`].
    pub fn admin(&self, method: &str, target: &str) -> Result<Response, ClientError> {
        let token = fs::read_to_string(self.data.join("admin-token")).unwrap_or_default();
        RawClient::connect(&self.ports.admin)?.ask(format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
            self.ports.admin,
            token.trim()
        ))
    }

    /// Replaces the configuration file in one step, without telling the process.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn rewrite_config(&self, config: &str) -> io::Result<()> {
        write_config(self.directory.path(), config)
    }

    fn signal(&self, signal: i32) -> io::Result<()> {
        let pid = i32::try_from(self.pid()).map_err(io::Error::other)?;
        // SAFETY: takes no pointers; the child is not reaped before `self.child` waits for it, so the id is its own.
        #[allow(unsafe_code, reason = "the standard library sends only SIGKILL")]
        let result = unsafe { libc::kill(pid, signal) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Asks it to read its configuration again (SIGHUP).
    ///
    /// # Errors
    /// When the process has gone.
    pub fn hang_up(&self) -> io::Result<()> {
        self.signal(libc::SIGHUP)
    }

    /// Asks it to end (SIGTERM), without waiting.
    ///
    /// # Errors
    /// When the process has gone.
    pub fn begin_to_end(&self) -> io::Result<()> {
        self.signal(libc::SIGTERM)
    }

    /// Asks it to end as Ctrl-C does (SIGINT), without waiting.
    ///
    /// # Errors
    /// When the process has gone.
    pub fn interrupt(&self) -> io::Result<()> {
        self.signal(libc::SIGINT)
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not end within 30 s.
    pub fn terminate(&mut self) -> Result<ExitStatus, GatewayError> {
        self.begin_to_end()?;
        self.wait_for_end()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it does not within 30 s.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus, GatewayError> {
        let ended = poll(|| self.child.try_wait().transpose());
        match ended {
            Some(status) => Ok(status?),
            None => Err(GatewayError::Late { log: self.log() }),
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it (SIGKILL).
    pub fn kill9(&mut self) {
        // One that has ended already cannot be killed and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again in the same directory, after it has ended or been killed.
    ///
    /// # Errors
    /// As [`GatewayProcess::start`].
    pub fn restart(&mut self) -> Result<(), GatewayError> {
        self.kill9();
        (self.child, self.ports) = launch(&self.binary, self.directory.path(), &self.environment)?;
        self.rings.extend(rings_of(self.pid()));
        Ok(())
    }

    /// Runs another command of the binary in the gateway's directory and waits for its output.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        arguments: I,
    ) -> io::Result<std::process::Output> {
        Command::new(&self.binary).args(arguments).current_dir(self.directory()).stdin(Stdio::null()).output()
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        self.kill9();
        for ring in &self.rings {
            // Most have been drained and removed by a later start or an orderly end.
            let _ = fs::remove_file(ring);
        }
        if std::thread::panicking() {
            eprintln!("the gateway said:\n{}", self.log());
        }
    }
}

/// Files in shared memory that a process has mapped.
fn rings_of(pid: u32) -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let paths = maps.lines().filter_map(|line| line.split_once("/dev/shm/").map(|(_, name)| name));
    paths.map(|name| Path::new("/dev/shm").join(name.trim())).collect()
}

fn write_config(directory: &Path, config: &str) -> io::Result<()> {
    let mut text = config.to_owned();
    for (section, keys) in
        [("[admin]", "address = \"127.0.0.1:0\""), ("[data]", "dir = \"data\""), ("[workers]", "count = 2")]
    {
        if !config.lines().any(|line| line.trim() == section) {
            text.push_str(&format!("\n{section}\n{keys}\n"));
        }
    }
    let unfinished = directory.join(".lockgate.toml.new");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, directory.join("lockgate.toml"))
}

fn launch(
    binary: &Path,
    directory: &Path,
    environment: &[(String, String)],
) -> Result<(Child, Ports), GatewayError> {
    let ports_file = directory.join("ports.json");
    if ports_file.exists() {
        fs::remove_file(&ports_file)?;
    }
    let log = File::options().create(true).append(true).open(directory.join("log"))?;
    let mut child = Command::new(binary)
        .args([OsStr::new("serve"), OsStr::new("--config"), directory.join("lockgate.toml").as_os_str()])
        .args([OsStr::new("--ports-file"), ports_file.as_os_str()])
        .env_remove("LOCKGATE_ADMIN_TOKEN")
        .envs(environment.iter().map(|(k, v)| (k, v)))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let found = poll(|| match child.try_wait() {
        Ok(Some(status)) => Some(Err(GatewayError::Ended { status, log: read_log(directory) })),
        Err(e) => Some(Err(e.into())),
        Ok(None) => fs::read(&ports_file).ok().map(|text| parse_ports(&text)),
    });
    match found.unwrap_or_else(|| Err(GatewayError::Late { log: read_log(directory) })) {
        Ok(ports) => Ok((child, ports)),
        Err(error) => {
            // It may have ended; either way it must not stay behind.
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

fn parse_ports(text: &[u8]) -> Result<Ports, GatewayError> {
    let value: serde_json::Value = serde_json::from_slice(text)?;
    let listeners = serde_json::from_value(value["listeners"].clone())?;
    Ok(Ports { listeners, admin: serde_json::from_value(value["admin"].clone())? })
}

fn read_log(directory: &Path) -> String {
    fs::read(directory.join("log")).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
}

/// Looks again and again until there is something, at most 30 s.
pub(crate) fn poll<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + WAIT;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}
