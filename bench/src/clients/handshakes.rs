//! A client that comes anew for each request: a handshake, one small GET, the end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};

use super::secure::{self, Groups, Signatures, Terms};
use crate::load::{BEGIN, LoadReport, Work, announce, ask};

/// Clients at work side by side; each waits for one answer at a time.
const CLIENTS: usize = 16;

/// How its sessions come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Session {
    /// TLS 1.3, each time anew.
    Full,
    /// The same, X25519MLKEM768 offered.
    FullHybrid,
    /// TLS 1.3 by the ticket of the connection before.
    #[value(name = "resumed-1.3")]
    Resumed13,
    /// TLS 1.2 likewise.
    #[value(name = "resumed-1.2")]
    Resumed12,
}

impl Session {
    /// The word for it on the command line.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::FullHybrid => "full-hybrid",
            Self::Resumed13 => "resumed-1.3",
            Self::Resumed12 => "resumed-1.2",
        }
    }

    fn terms(self) -> Terms<'static> {
        Terms {
            version: if self == Self::Resumed12 { &TLS12 } else { &TLS13 },
            protocol: "http/1.1",
            groups: if self == Self::FullHybrid { Groups::Hybrid } else { Groups::Ordinary },
            signatures: Signatures::Taken,
            resumes: self.resumes(),
        }
    }

    fn resumes(self) -> bool {
        matches!(self, Self::Resumed13 | Self::Resumed12)
    }
}

/// One run of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Address of the proxy.
    #[arg(long)]
    target: SocketAddr,
    /// Folder with the certificate that is to be shown.
    #[arg(long)]
    identity: PathBuf,
    /// How sessions come about.
    #[arg(long, value_enum)]
    session: Session,
    /// Measured time, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Time before anything is counted, seconds.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
}

/// Runs, prints the report as one line of JSON, and fails when any answer or session was wrong.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let counted = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let configs = (0..CLIENTS)
        .map(|_| config(options.session, &options.identity))
        .collect::<anyhow::Result<Vec<_>>>()?;
    std::thread::scope(|scope| {
        let client = |config: Arc<ClientConfig>| {
            let (counted, is_over) = (&counted, &is_over);
            scope.spawn(move || {
                let outcome = come_again(options, &config, counted, is_over);
                // One that fails ends all: a run with fewer clients is another run.
                is_over.store(true, Ordering::Relaxed);
                outcome
            })
        };
        let clients: Vec<_> = configs.into_iter().map(client).collect();
        // Said at once: CPU time is taken when it is read, and what is under way is not to be in it.
        let said = count(options, &counted, &is_over)
            .and_then(|report| Ok(announce(&serde_json::to_string(&report)?)?));
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().expect("clients do not panic")?;
        }
        said
    })
}

fn config(session: Session, identity: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    secure::config(&session.terms(), identity)
}

fn count(options: &Options, counted: &AtomicU64, is_over: &AtomicBool) -> anyhow::Result<LoadReport> {
    sleep_until(Instant::now() + Duration::from_secs_f64(options.warm_up), is_over);
    let (start, before) = (Instant::now(), counted.load(Ordering::Relaxed));
    announce(BEGIN)?;
    sleep_until(start + Duration::from_secs_f64(options.seconds), is_over);
    let requests = counted.load(Ordering::Relaxed) - before;
    Ok(LoadReport { requests, seconds: start.elapsed().as_secs_f64(), ..LoadReport::default() })
}

/// In steps, so that a failure is not waited for.
fn sleep_until(end: Instant, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(left.min(Duration::from_millis(20)));
    }
}

fn come_again(
    options: &Options,
    config: &Arc<ClientConfig>,
    counted: &AtomicU64,
    is_over: &AtomicBool,
) -> anyhow::Result<()> {
    let request = Work::Small.request("");
    // The first is the one that sessions come from.
    let mut wanted = HandshakeKind::Full;
    while !is_over.load(Ordering::Relaxed) {
        let found = come_once(options.target, config, &request)?;
        anyhow::ensure!(found == wanted, "a handshake was {found:?} instead of {wanted:?}");
        counted.fetch_add(1, Ordering::Relaxed);
        if options.session.resumes() {
            wanted = HandshakeKind::Resumed;
        }
    }
    Ok(())
}

/// One connection from its handshake to its end; says how its session came about.
pub(crate) fn come_once(
    target: SocketAddr,
    config: &Arc<ClientConfig>,
    request: &[u8],
) -> anyhow::Result<HandshakeKind> {
    let mut stream = secure::connect(target, config)?;
    ask(&mut stream, request)?;
    let found = stream.conn.handshake_kind().context("an answer before the end of the handshake")?;
    stream.conn.send_close_notify();
    // Whoever has answered may be gone.
    let _ = stream.conn.write_tls(&mut stream.sock);
    Ok(found)
}
