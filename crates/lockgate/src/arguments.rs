//! What can be written on the command line, for all commands alike.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, ValueEnum};
use server::ConfigSource;

use crate::client::AdminUrl;
use crate::command::Command;
use crate::failure::Failure;

/// Looked for, in this order, when no file is named.
const DEFAULT_FILES: [&str; 2] = ["lockgate.toml", "/etc/lockgate/lockgate.toml"];

/// An API gateway: routes, balances and records the traffic of your services.
#[derive(Debug, Parser)]
#[command(name = "lockgate", version, disable_help_subcommand = false, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit status: 0 done; 1 the answer is no (check found problems, there is no such user, nothing was found, a drain was cut
short); 2 wrong command line; 3 failed.
`lockgate demo` shows everything at work, without a configuration.";

/// Options of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Configuration file [default: ./lockgate.toml, then /etc/lockgate/lockgate.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Admin API that `users`, `keys`, `usage` and `functions list` ask [default: `admin.address` of the configuration, else
    /// http://127.0.0.1:9180]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) admin: Option<AdminUrl>,
    /// Colors in messages for people: auto, which is on a terminal unless $NO_COLOR is set; always, even into a pipe; never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) color: Color,
    /// Say more in the log; $LOCKGATE_LOG says it in detail, as in `proxy=debug,info`
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Puts the choice in force for everything this process prints.
    pub(crate) fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

impl Global {
    /// The data directory that the configuration names.
    pub(crate) fn data_dir(&self) -> Result<PathBuf, Failure> {
        let loaded = ConfigSource::File(self.config_file(None)?).load();
        Ok(loaded.map_err(|problems| Failure::of_configuration(&problems))?.config.data.dir)
    }

    /// The configuration file: the command's own argument, else `--config`, else the first default that exists.
    pub(crate) fn config_file(&self, argument: Option<&Path>) -> Result<PathBuf, Failure> {
        let named = match (argument, &self.config) {
            (Some(_), Some(_)) => Arguments::command()
                .error(
                    ErrorKind::ArgumentConflict,
                    "the configuration is named twice: as FILE and with --config",
                )
                .exit(),
            (Some(file), None) => Some(file),
            (None, named) => named.as_deref(),
        };
        if let Some(file) = named {
            return Ok(file.to_owned());
        }
        let found = DEFAULT_FILES.iter().map(PathBuf::from).find(|file| file.exists());
        found.ok_or_else(|| {
            Failure::new("there is no configuration")
                .because(format!("neither {} exists", DEFAULT_FILES.map(|f| format!("`{f}`")).join(" nor ")))
                .hint("name a file with `--config FILE`, or see `lockgate demo`, which needs none")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }
}
