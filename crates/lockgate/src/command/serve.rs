//! `lockgate serve`

use std::path::PathBuf;

use clap::Args;
use config::Loaded;
use server::{ConfigSource, Options, Server, Signals};

use super::{Outcome, compiler};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::logging;

/// Run the gateway
///
/// Runs until SIGTERM or SIGINT, which drain it: it stops accepting, and exchanges under way may end within
/// `limits.drain`. A second signal ends it at once. SIGHUP, a changed file and `POST /reload` put another configuration
/// in force without cutting a connection; one with problems changes nothing.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Configuration file, as with --config
    file: Option<PathBuf>,
    /// Write `{"listeners":["127.0.0.1:8080"],"admin":"127.0.0.1:9180"}` to PATH once everything listens
    #[arg(long, value_name = "PATH")]
    ports_file: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        logging::start(global, "info");
        let source = ConfigSource::File(global.config_file(self.file.as_deref())?);
        let Loaded { config, warnings } =
            source.load().map_err(|problems| Failure::of_configuration(&problems))?;
        for warning in &warnings {
            let line = warning.span.map(|span| warnings.position(span.start).0);
            tracing::warn!(line, hint = warning.hint, "{}", warning.message);
        }
        let options = Options {
            ports_file: self.ports_file,
            signals: Signals::Obey,
            compiler: compiler(),
            ..Options::default()
        };
        let server = Server::start(config, source, options).map_err(|error| does_not_start(&error))?;
        tracing::info!(
            listeners = ?server.addresses(),
            admin = %server.admin_address(),
            workers = server.gauges().workers,
            "the gateway answers"
        );
        server.wait(None);
        Ok(drain(server))
    }
}

/// The failure of a gateway that does not start.
pub(crate) fn does_not_start(error: &server::StartError) -> Failure {
    Failure::new("the gateway does not start").caused_by(error).hinted(error.hint())
}

/// Drains as long as the configuration allows, and says how that went.
pub(crate) fn drain(server: Server) -> Outcome {
    let within = server.drain_within();
    let drained = server.drain(within);
    if let Some(error) = &drained.journal {
        tracing::error!(%error, "not all records are on disk");
    }
    if drained.is_clean() {
        tracing::info!("drained: every exchange came to its end");
        Outcome::Done
    } else {
        tracing::warn!(connections = drained.connections_cut(), ?within, "the drain was cut short");
        Outcome::No
    }
}
