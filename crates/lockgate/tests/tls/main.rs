//! TLS to clients and to upstreams: handshakes, certificates, and HTTP behind them as ever.
#![allow(clippy::unwrap_used, reason = "a test that panics or prints is doing its work")]

mod certificates;
mod client;
mod client_certificates;
mod handshakes;
mod health;
mod journal;
mod requests;
mod secured_origin;
mod terms;
mod upstream_connections;
mod upstreams;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use testkit::{GatewayProcess, Origin};
use tls::SelfSigned;

pub(crate) use client::{Client, Trust};

/// The program under test.
const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// A folder with certificates, in which a gateway is started.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Makes `<stem>.pem` and `<stem>.key` for these names; answers with the certificate.
    pub(crate) fn certificate(&self, stem: &str, names: &[&str]) -> SelfSigned {
        write_certificate(self.0.path(), stem, names)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Starts a gateway that is configured so, with variables of the environment.
    #[track_caller]
    pub(crate) fn run(self, config: &str, environment: &[(&str, &str)]) -> GatewayProcess {
        GatewayProcess::start_in(LOCKGATE, config, self.0, environment)
            .unwrap_or_else(|error| panic!("{error}\n{config}"))
    }

    /// Starts a gateway with this listener, that sends everything to an origin.
    #[track_caller]
    pub(crate) fn start(self, listeners: &str, origin: &Origin) -> GatewayProcess {
        self.run(&config(listeners, origin), &[])
    }
}

/// A gateway with one listener and a certificate for `site.example`, and that certificate.
#[track_caller]
pub(crate) fn site(more: &str, origin: &Origin) -> (GatewayProcess, SelfSigned) {
    let folder = Folder::new();
    let made = folder.certificate("site", &["site.example"]);
    (folder.start(&listener(&["site"], more), origin), made)
}

/// Listeners before one route to an origin.
pub(crate) fn config(listeners: &str, origin: &Origin) -> String {
    format!(
        "{listeners}\n[upstream.origin]\nendpoints = [\"{}\"]\n\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    )
}

/// A listener on a free port with these certificates, each by its stem, and more keys.
pub(crate) fn listener(stems: &[&str], more: &str) -> String {
    let pairs = stems.iter().map(|stem| format!("{{ certificate = \"{stem}.pem\", key = \"{stem}.key\" }}"));
    let pairs = pairs.collect::<Vec<_>>().join(", ");
    format!("[[listener]]\naddress = \"127.0.0.1:0\"\ntls = [{pairs}]\n{more}\n")
}

pub(crate) fn write_certificate(folder: &Path, stem: &str, names: &[&str]) -> SelfSigned {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = tls::self_signed(&names, 2).unwrap();
    fs::write(folder.join(format!("{stem}.key")), &made.key).unwrap();
    fs::write(folder.join(format!("{stem}.pem")), &made.certificate).unwrap();
    made
}

/// The URL's answer, as one request would have it.
pub(crate) fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}
