//! Connections by HTTP/2 or TLS that are used once and then held.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use rustls::ClientConfig;
use rustls::version::TLS13;

use super::secure::{self, Groups, Signatures, Terms};
use super::task::Kind;
use crate::frames::Client;
use crate::load::{SETTLED, Work, announce, ask, fields};
use crate::origin::answers::SMALL_BYTES;

/// How many connections to hold, and to whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Address of the proxy.
    #[arg(long)]
    target: SocketAddr,
    /// What they speak.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Folder with the certificate that is to be shown.
    #[arg(long)]
    identity: Option<PathBuf>,
    /// Connections to hold.
    #[arg(long, default_value_t = 5000)]
    connections: usize,
}

/// One that is held.
pub(crate) enum Held {
    Http1(Box<secure::Stream>),
    Http2(Client<Box<dyn Transport>>),
}

/// What frames go over.
pub(crate) trait Transport: Read + Write {}

impl<T: Read + Write> Transport for T {}

/// Opens them, prints [`SETTLED`], waits for the end of standard input, and prints how many still answer.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    crate::os::raise_file_limit().context("raising the limit of open files")?;
    let opener = Opener::new(options.kind, options.target, options.identity.as_deref())?;
    let mut held = Vec::with_capacity(options.connections);
    for _ in 0..options.connections {
        held.push(opener.open()?);
    }
    announce(SETTLED)?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    let answering = held.iter_mut().filter_map(|one| one.ask().ok()).count();
    announce(&answering.to_string())?;
    Ok(())
}

/// Whether a peer answers one request by `kind`; by TLS with the certificate in `identity`, its signature looked at.
pub(crate) fn is_up(kind: Kind, target: SocketAddr, identity: Option<&Path>) -> bool {
    Opener::new(kind, target, identity).and_then(|opener| opener.open()).is_ok()
}

/// Whether a peer passes a request of HTTP/2 on to whoever answers it, at whatever length.
pub(crate) fn passes(target: SocketAddr) -> bool {
    let ask = || {
        let socket = TcpStream::connect(target)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Client::begin(socket, "http")?.get("/bench.Orders/Show", &[])
    };
    ask().is_ok()
}

/// Opens connections of one kind.
pub(crate) struct Opener {
    kind: Kind,
    target: SocketAddr,
    config: Option<Arc<ClientConfig>>,
}

impl Opener {
    pub(crate) fn new(kind: Kind, target: SocketAddr, identity: Option<&Path>) -> anyhow::Result<Self> {
        let terms = Terms {
            version: &TLS13,
            protocol: if kind == Kind::H2 { "h2" } else { "http/1.1" },
            groups: Groups::Ordinary,
            signatures: Signatures::Checked,
            resumes: false,
        };
        let config = identity.map(|folder| secure::config(&terms, folder)).transpose()?;
        Ok(Self { kind, target, config })
    }

    /// Opens one and uses it.
    pub(crate) fn open(&self) -> anyhow::Result<Held> {
        let secured = || -> anyhow::Result<_> {
            let config = self.config.as_ref().context("TLS needs a certificate to expect")?;
            secure::connect(self.target, config)
        };
        let mut held = match self.kind {
            Kind::Tls => Held::Http1(Box::new(secured()?)),
            Kind::H2 => http2(Box::new(secured()?), "https")?,
            Kind::H2c => {
                let socket = TcpStream::connect(self.target)?;
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(Duration::from_secs(10)))?;
                http2(Box::new(socket), "http")?
            }
        };
        held.ask()?;
        Ok(held)
    }
}

fn http2(transport: Box<dyn Transport>, scheme: &'static str) -> anyhow::Result<Held> {
    Ok(Held::Http2(Client::begin(transport, scheme)?))
}

impl Held {
    /// One small request and its right answer.
    pub(crate) fn ask(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Http1(stream) => ask(stream.as_mut(), &Work::Small.request("")),
            Self::Http2(client) => {
                let fields: Vec<(String, &str)> =
                    fields().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
                let length = client.get("/small", &fields)?;
                anyhow::ensure!(length == SMALL_BYTES, "{length} bytes instead of {SMALL_BYTES}");
                Ok(())
            }
        }
    }
}
