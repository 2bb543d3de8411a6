//! `lockgate check`

use std::path::PathBuf;

use clap::Args;
use config::{Config, Diagnostics, Loaded};
use server::ConfigSource;

use super::Outcome;
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output;

/// Report every problem of a configuration
///
/// Prints all problems at once, each with its place and a hint, to standard error. Exit status: 0 when the
/// configuration can be used, warnings or not; 1 when it cannot.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Configuration file, as with --config
    file: Option<PathBuf>,
    /// Print problems and warnings to standard output as one JSON array instead
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let file = global.config_file(self.file.as_deref())?;
        if !file.exists() {
            return Err(Failure::new("the configuration cannot be read")
                .because(format!("there is no file `{}`", file.display()))
                .hint("name another one: `lockgate check FILE`"));
        }
        let (found, config) = match ConfigSource::File(file).load() {
            Ok(Loaded { config, warnings }) => (warnings, Some(config)),
            Err(problems) => (problems, None),
        };
        self.report(&found, config.as_ref())?;
        Ok(if config.is_some() { Outcome::Done } else { Outcome::No })
    }

    fn report(&self, found: &Diagnostics, config: Option<&Config>) -> Result<(), Failure> {
        if self.json {
            output::print(format!("{:#}\n", found.to_json()).as_bytes())?;
            return Ok(());
        }
        if !found.is_empty() {
            output::say(&found.render(true));
        }
        if let Some(config) = config {
            output::print(format!("ok: {}\n", summary(config)).as_bytes())?;
        }
        Ok(())
    }
}

/// `2 listeners, 1 upstream, 5 routes`
fn summary(config: &Config) -> String {
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    [
        counted(config.listeners.len(), "listener"),
        counted(config.upstreams.len(), "upstream"),
        counted(config.routes.len(), "route"),
    ]
    .join(", ")
}
