//! Who answers: the command line, its bindings, databases, scripts, ripgrep.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::data::Data;
use super::task::Task;
use crate::measure::peer::{self, Peer};

pub(crate) use crate::measure::peer::Tools;

/// Where `cargo xtask bench process` puts Lockgate's package for Python, among the tools.
const PYTHON_PACKAGE: &str = "lockgate-python";

/// A program and how it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    Lockgate,
    /// The command line's core in Python.
    LockgatePython,
    /// The command line's core in Node.
    LockgateNode,
    Duckdb,
    Polars,
    /// A loop over lines and `json.loads`.
    Python,
    /// A loop over lines and `JSON.parse`.
    Node,
    Ripgrep,
}

impl Contender {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 8] = [
        Self::Lockgate,
        Self::LockgatePython,
        Self::LockgateNode,
        Self::Duckdb,
        Self::Polars,
        Self::Python,
        Self::Node,
        Self::Ripgrep,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lockgate => "Lockgate",
            Self::LockgatePython => "Lockgate in Python",
            Self::LockgateNode => "Lockgate in Node",
            Self::Duckdb => "DuckDB",
            Self::Polars => "Polars",
            Self::Python => "Python, a loop",
            Self::Node => "Node, a loop",
            Self::Ripgrep => "ripgrep",
        }
    }

    /// Whether it needs so long that it takes part in few rounds only.
    pub(crate) fn is_slow(self) -> bool {
        matches!(self, Self::Python | Self::Node)
    }

    /// Whether one of `tasks` is its own.
    pub(crate) fn does(self, tasks: &[Task]) -> bool {
        tasks.iter().any(|task| task.contenders().contains(&self))
    }

    /// The version of what will be measured.
    pub(crate) fn version(self, tools: &Tools) -> anyhow::Result<String> {
        match self {
            Self::Lockgate | Self::LockgatePython | Self::LockgateNode => Peer::Lockgate.version(tools),
            Self::Node => Peer::Node.version(tools),
            Self::Duckdb => version(python(tools)?.args(["-c", "import duckdb; print(duckdb.__version__)"])),
            Self::Polars => version(python(tools)?.args(["-c", "import polars; print(polars.__version__)"])),
            Self::Python => version(python(tools)?.arg("--version")),
            Self::Ripgrep => version(ripgrep(tools)?.arg("--version")),
        }
    }

    /// How it is asked.
    ///
    /// # Errors
    ///
    /// When it is not installed.
    pub(crate) fn command(self, tools: &Tools, data: &Data, task: Task) -> anyhow::Result<Command> {
        let mut command = match self {
            Self::Lockgate => {
                let mut lockgate = Command::new(tools.program(Peer::Lockgate)?);
                match task.pattern() {
                    None => lockgate.args([
                        "process",
                        "--by",
                        "user_id",
                        "--measure",
                        "count,sum(value)",
                        "--format",
                        "csv",
                    ]),
                    Some(pattern) => lockgate.args(["search", pattern, "--path"]),
                };
                lockgate
            }
            Self::LockgatePython => {
                let mut python = script(python(tools)?, "lockgate_usage.py")?;
                python.env("PYTHONPATH", tools.directory().join(PYTHON_PACKAGE));
                python
            }
            Self::LockgateNode => script(node(tools)?, "lockgate_usage.mjs")?,
            Self::Duckdb => script(python(tools)?, "duckdb_usage.py")?,
            Self::Polars => script(python(tools)?, "polars_usage.py")?,
            Self::Python => script(python(tools)?, "python_usage.py")?,
            Self::Node => script(node(tools)?, "node_usage.mjs")?,
            Self::Ripgrep => {
                let mut ripgrep = ripgrep(tools)?;
                ripgrep.args(["--no-config", "--regexp"]).arg(task.pattern().context("ripgrep searches")?);
                ripgrep
            }
        };
        command.arg(match task {
            Task::Segment => &data.segment,
            _ => &data.lines,
        });
        Ok(command)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn script(mut interpreter: Command, name: &str) -> anyhow::Result<Command> {
    let path = PathBuf::from("bench/peers/process").join(name);
    anyhow::ensure!(path.is_file(), "no {}: run this in the checkout", path.display());
    interpreter.arg(path);
    Ok(interpreter)
}

/// Python with the packages that are installed for this checkout.
fn python(tools: &Tools) -> anyhow::Result<Command> {
    installed(tools.directory().join("venv/bin/python"))
}

fn node(tools: &Tools) -> anyhow::Result<Command> {
    installed(tools.program(Peer::Node)?)
}

fn ripgrep(tools: &Tools) -> anyhow::Result<Command> {
    installed(tools.directory().join("ripgrep/bin/rg"))
}

fn installed(program: PathBuf) -> anyhow::Result<Command> {
    anyhow::ensure!(
        program.is_file(),
        "no {}: `cargo xtask bench process` and `bench search` install it",
        program.display()
    );
    Ok(Command::new(program))
}

fn version(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    peer::version_number(&text).with_context(|| format!("{command:?} says no version: {text}"))
}
