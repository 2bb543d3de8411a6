//! `lockgate functions run`

mod configuration;
mod log;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use server::{ConfigSource, Options, Server, Signals, StartError, TokenVariable};

use super::limits::Limits;
use crate::arguments::Global;
use crate::command::{Outcome, compiler, does_not_start, drain};
use crate::data_place::DataPlace;
use crate::failure::Failure;
use crate::output::{self, Reader};
use crate::table::harmless;

/// Try a function alone on a port
///
/// Starts a gateway with one route, which the function answers, and data that is removed at the end. What the function
/// prints, why it fails and each request appear on the terminal. A changed component is loaded again; one that cannot be
/// loaded changes nothing. Ctrl-C ends.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Component, as `hello.wasm`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Address to answer at; port 0 for any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    address: SocketAddr,
    /// Origin that it may ask, as `http://127.0.0.1:9001` or `https://api.example.com`; may be given again
    #[arg(long, value_name = "URL")]
    outbound: Vec<String>,
    /// Value that it gets through wasi:config; may be given again
    #[arg(long = "value", value_name = "KEY=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
    #[command(flatten)]
    limits: Limits,
}

impl Run {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        log::start(global);
        let place = DataPlace::temporary("functions")?;
        let server = self.start(place.path())?;
        let shown = output::print(self.welcome(&server).as_bytes())?;
        if shown == Reader::Listens {
            server.wait(None);
        }
        Ok(drain(server))
    }

    fn start(&self, folder: &Path) -> Result<Server, Failure> {
        let component = std::path::absolute(&self.file)
            .map_err(|error| Failure::new("the component cannot be found").caused_by(&error))?;
        let source = ConfigSource::Text {
            name: "the configuration of this function".into(),
            base_dir: PathBuf::new(),
            text: configuration::text(self, &component, folder),
        };
        let loaded = source.load().map_err(|problems| Failure::of_configuration(&problems))?;
        let options = Options {
            signals: Signals::Obey,
            compiler: compiler(),
            // It is of another gateway.
            token_variable: TokenVariable::Ignore,
            ..Options::default()
        };
        Server::start(loaded.config, source, options).map_err(|error| match &error {
            StartError::Functions(errors) => Failure::new("the function cannot be run").caused_by(errors),
            StartError::Bind(_) => does_not_start(&error).hint("choose another port with `--address`"),
            _ => does_not_start(&error),
        })
    }

    fn welcome(&self, server: &Server) -> String {
        let address = server.addresses().first().map(ToString::to_string).unwrap_or_default();
        let file = self.file.to_string_lossy();
        let file = harmless(&file);
        format!(
            "{file} answers at http://{address}/\nIt is loaded again when the file changes. Ctrl-C ends.\n\n"
        )
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write a name, `=` and a value, as `greeting=hello`".into()),
    }
}
