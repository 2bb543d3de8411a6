//! Who answers: functions in the gateway, other hosts of the same components, scripts in other proxies.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::measure::peer::{self, Peer, Tools};

/// A program with one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    /// The component in Rust, a fresh instance for each request.
    Lockgate,
    /// The same; an instance serves [`REUSE`] requests.
    LockgateReuse,
    /// `wasmtime serve` as it comes: a fresh instance for each request.
    Wasmtime,
    /// The same with the options that make it fastest.
    WasmtimeTuned,
    /// The same; an instance serves [`REUSE`] requests.
    WasmtimeReuse,
    NginxLua,
    HaproxyLua,
    /// The component in JavaScript, a fresh instance for each request.
    LockgateJs,
    /// The same; an instance serves [`REUSE`] requests.
    LockgateJsReuse,
    /// One isolate for all requests.
    Workerd,
}

/// Requests that one instance serves where instances are used again.
pub(crate) const REUSE: u32 = 1000;

/// The language of a function's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Language {
    Rust,
    #[value(name = "javascript")]
    #[serde(rename = "javascript")]
    JavaScript,
}

impl Language {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 2] = [Self::Rust, Self::JavaScript];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
        }
    }

    /// The component that `cargo xtask functions` builds.
    pub(crate) fn component(self, folder: &Path) -> anyhow::Result<PathBuf> {
        let name = match self {
            Self::Rust => "hello.wasm",
            Self::JavaScript => "hello-js.wasm",
        };
        component(folder, name)
    }
}

impl Contender {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 10] = [
        Self::Lockgate,
        Self::LockgateReuse,
        Self::Wasmtime,
        Self::WasmtimeTuned,
        Self::WasmtimeReuse,
        Self::NginxLua,
        Self::HaproxyLua,
        Self::LockgateJs,
        Self::LockgateJsReuse,
        Self::Workerd,
    ];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lockgate | Self::LockgateJs => "Lockgate",
            Self::LockgateReuse | Self::LockgateJsReuse => "Lockgate, reuse",
            Self::Wasmtime => "wasmtime serve",
            Self::WasmtimeTuned => "wasmtime serve, tuned",
            Self::WasmtimeReuse => "wasmtime serve, tuned, reuse",
            Self::NginxLua => "NGINX with Lua",
            Self::HaproxyLua => "HAProxy with Lua",
            Self::Workerd => "workerd",
        }
    }

    /// How long what answers lives, and what is kept of a request.
    pub(crate) fn means(self) -> &'static str {
        match self {
            Self::Lockgate | Self::LockgateJs => "an instance per request; journal",
            Self::LockgateReuse | Self::LockgateJsReuse => "an instance per 1000 requests; journal",
            Self::Wasmtime => "an instance per request, its defaults; no log",
            Self::WasmtimeTuned => "an instance per request, memory kept between them; no log",
            Self::WasmtimeReuse => "an instance per 1000 requests; no log",
            Self::NginxLua => "one LuaJIT for all requests; access log, file",
            Self::HaproxyLua => "one Lua for all requests; httplog, standard output to a file",
            Self::Workerd => "one isolate for all requests; no log",
        }
    }

    /// What it runs. Lua stands beside Rust: it is what these proxies have.
    pub(crate) fn language(self) -> Language {
        match self {
            Self::LockgateJs | Self::LockgateJsReuse | Self::Workerd => Language::JavaScript,
            _ => Language::Rust,
        }
    }

    /// Calls that an instance of the gateway serves; `None`: it is not the gateway.
    pub(crate) fn gateway_reuse(self) -> Option<u32> {
        match self {
            Self::Lockgate | Self::LockgateJs => Some(1),
            Self::LockgateReuse | Self::LockgateJsReuse => Some(REUSE),
            _ => None,
        }
    }

    /// What of ours it is compared with: where both can, at equal reuse.
    pub(crate) fn beside(self) -> &'static [Self] {
        match self {
            Self::Wasmtime | Self::WasmtimeTuned => &[Self::Lockgate],
            Self::WasmtimeReuse => &[Self::LockgateReuse],
            Self::NginxLua | Self::HaproxyLua => &[Self::Lockgate, Self::LockgateReuse],
            Self::Workerd => &[Self::LockgateJs, Self::LockgateJsReuse],
            _ => &[],
        }
    }

    /// The least requests per CPU second of ours for one of its; `None`: no goal.
    pub(crate) fn rate_goal(self) -> Option<f64> {
        matches!(self, Self::Wasmtime | Self::WasmtimeTuned | Self::WasmtimeReuse).then_some(1.0)
    }

    /// The version of what will be measured.
    pub(crate) fn version(self, tools: &Tools) -> anyhow::Result<String> {
        match self {
            Self::NginxLua => Peer::Nginx.version(tools),
            Self::HaproxyLua => Peer::Haproxy.version(tools),
            _ if self.gateway_reuse().is_some() => Peer::Lockgate.version(tools),
            _ => {
                let program = self.program(tools)?;
                let said = Command::new(&program).arg("--version").output();
                let said = said.with_context(|| format!("running {} --version", program.display()))?;
                let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
                // workerd's version is a day.
                let version =
                    peer::version_number(&said).or_else(|| said.split(' ').nth(1).map(str::to_owned));
                version.with_context(|| format!("{self} says no version: {said}"))
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
            Self::Wasmtime | Self::WasmtimeTuned | Self::WasmtimeReuse => {
                tools.directory().join("wasmtime/bin/wasmtime")
            }
            Self::NginxLua => tools.program(Peer::Nginx)?,
            Self::HaproxyLua => tools.program(Peer::Haproxy)?,
            Self::Workerd => {
                let packages = tools.directory().join("functions-workerd/node_modules/@cloudflare");
                packages.join(format!("workerd-linux-{}/bin/workerd", node_architecture()))
            }
            _ => tools.program(Peer::Lockgate)?,
        };
        anyhow::ensure!(
            path.is_file(),
            "{self} is not at {}: `cargo xtask bench functions` installs it",
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

/// A component in `folder`.
pub(crate) fn component(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    path.canonicalize().with_context(|| format!("no {}: `cargo xtask functions` builds it", path.display()))
}

/// This machine as the package's name has it.
fn node_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "64" }
}
