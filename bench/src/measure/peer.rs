//! The peers: what they are called, where their programs are, which version that is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A proxy that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    Floor,
    Lockgate,
    Haproxy,
    Nginx,
    Pingora,
    Envoy,
    Caddy,
    Node,
}

impl Peer {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 8] = [
        Self::Floor,
        Self::Lockgate,
        Self::Haproxy,
        Self::Nginx,
        Self::Pingora,
        Self::Envoy,
        Self::Caddy,
        Self::Node,
    ];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "the floor",
            Self::Lockgate => "Lockgate",
            Self::Haproxy => "HAProxy",
            Self::Nginx => "NGINX",
            Self::Pingora => "Pingora",
            Self::Envoy => "Envoy",
            Self::Caddy => "Caddy",
            Self::Node => "Node",
        }
    }

    /// What it records of each request in these measurements.
    pub(crate) fn log(self) -> &'static str {
        match self {
            Self::Floor | Self::Pingora | Self::Node => "none",
            Self::Lockgate => "journal",
            Self::Haproxy => "httplog, standard output to a file",
            Self::Nginx => "combined, file",
            Self::Envoy | Self::Caddy => "default format, file",
        }
    }

    /// Whether it routes by configuration.
    pub(crate) fn has_routes(self) -> bool {
        !matches!(self, Self::Floor | Self::Pingora | Self::Node)
    }

    /// The version of the program that will be measured, as it says itself where it can.
    pub(crate) fn version(self, tools: &Tools) -> anyhow::Result<String> {
        let program = tools.program(self)?;
        let argument = match self {
            Self::Floor => return Ok(env!("CARGO_PKG_VERSION").into()),
            // The proxy of twenty lines has no version; its manifest pins the library's.
            Self::Pingora => return pinned_pingora(),
            Self::Nginx | Self::Haproxy => "-v",
            Self::Caddy => "version",
            Self::Lockgate | Self::Envoy | Self::Node => "--version",
        };
        let output = Command::new(&program)
            .arg(argument)
            .output()
            .with_context(|| format!("running {} {argument}", program.display()))?;
        // NGINX answers on standard error.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        version_number(&text).with_context(|| format!("{peer} says no version: {text}", peer = self))
    }
}

/// Their versions, in the same order.
pub(crate) fn versions(peers: &[Peer], tools: &Tools) -> anyhow::Result<Vec<(Peer, String)>> {
    peers.iter().map(|peer| Ok((*peer, peer.version(tools)?))).collect()
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The first word that looks like one: `nginx/1.22.1`, `v2.11.7`, a path and then `…/1.40.0/…`.
pub(crate) fn version_number(text: &str) -> Option<String> {
    let words = text.split(|character: char| character.is_whitespace() || "/,:".contains(character));
    let numbers = words.map(|word| word.strip_prefix('v').unwrap_or(word));
    let mut versions =
        numbers.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    versions.next().map(str::to_owned)
}

fn pinned_pingora() -> anyhow::Result<String> {
    let manifest = include_str!("../../peers/pingora/Cargo.toml");
    let version = manifest.split("pingora = { version = \"=").nth(1).and_then(|rest| rest.split('"').next());
    version.map(str::to_owned).context("bench/peers/pingora/Cargo.toml pins no version")
}

/// Where the programs are.
pub(crate) struct Tools {
    lockgate: PathBuf,
    directory: PathBuf,
    this: PathBuf,
}

impl Tools {
    /// Remembers where to look; nothing is looked up yet.
    pub(crate) fn new(lockgate: &Path, directory: &Path) -> anyhow::Result<Self> {
        let this = std::env::current_exe().context("finding this program")?;
        Ok(Self { lockgate: lockgate.to_owned(), directory: directory.to_owned(), this })
    }

    /// This program itself, for origin, load and floor.
    pub(crate) fn this(&self) -> &Path {
        &self.this
    }

    /// The program of `peer`.
    pub(crate) fn program(&self, peer: Peer) -> anyhow::Result<PathBuf> {
        let path = match peer {
            Peer::Floor => self.this.clone(),
            Peer::Lockgate => self.lockgate.clone(),
            Peer::Pingora => self.directory.join("pingora/release/bench-pingora"),
            // The wheel's own `envoy` script starts Python first; this is the program it would run.
            Peer::Envoy => self.site_packages()?.join("envoy/_bin/envoy"),
            Peer::Caddy => self.directory.join("venv/bin/caddy"),
            Peer::Nginx => in_path("nginx")?,
            Peer::Haproxy => in_path("haproxy")?,
            Peer::Node => in_path("node")?,
        };
        anyhow::ensure!(
            path.is_file(),
            "{peer} is not at {}: `cargo xtask bench proxy` installs it",
            path.display()
        );
        Ok(path)
    }

    /// Where `cargo xtask bench` puts what no system package has.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where pip put its packages.
    pub(crate) fn site_packages(&self) -> anyhow::Result<PathBuf> {
        let lib = self.directory.join("venv/lib");
        let versions = std::fs::read_dir(&lib).with_context(|| format!("reading {}", lib.display()))?;
        let found =
            versions.flatten().map(|entry| entry.path().join("site-packages")).find(|path| path.is_dir());
        found.with_context(|| format!("no Python packages in {}", lib.display()))
    }
}

fn in_path(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(sbin)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .with_context(|| format!("`{name}` is not installed: `cargo xtask bench proxy` installs it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_pingora_is_read_from_its_manifest() {
        let version = pinned_pingora().unwrap();
        assert_eq!(version.split('.').count(), 3, "{version}");
    }

    #[test]
    fn every_program_says_its_version_in_its_own_way() {
        let said = [
            ("nginx version: nginx/1.22.1", "1.22.1"),
            ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", "2.6.12-1+deb12u4"),
            ("\nlib/python3.11/envoy  version: 9e5580/1.40.0/Clean/RELEASE", "1.40.0"),
            ("v2.11.7 h1:yj0Y4fYZGPkSvibBJ1sTWE33xC0fxztVyXEW5iIdUT4=", "2.11.7"),
            ("lockgate 0.1.0", "0.1.0"),
        ];
        for (text, version) in said {
            assert_eq!(version_number(text).as_deref(), Some(version), "{text}");
        }
    }

    #[test]
    fn a_missing_program_is_an_error_that_says_what_to_run() {
        let tools = Tools::new(Path::new("/nonexistent/lockgate"), Path::new("/nonexistent")).unwrap();
        for peer in [Peer::Lockgate, Peer::Pingora, Peer::Caddy] {
            let message = format!("{:#}", tools.program(peer).unwrap_err());
            assert!(message.contains("cargo xtask bench proxy"), "{message}");
        }
    }
}
