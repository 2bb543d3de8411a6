//! `lockgate functions check`

#[cfg(feature = "functions")]
mod found;

#[cfg(feature = "functions")]
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::limits::Limits;
use crate::arguments::Global;
use crate::command::Outcome;
use crate::failure::Failure;

/// Say what components are, what they ask for, and whether a gateway would take them
///
/// Compiles, links and starts each component, as a gateway does when it loads it, and prints its interface, imports with
/// what is to be done about those that are not provided, exports, sizes and times. Its start has to keep to the limits of
/// a call: give those that the configuration gives. Needs no gateway. Exit status 1 when one of them would be refused.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Components, as `hello.wasm`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    limits: Limits,
    /// Print what was found as one JSON array
    #[arg(long)]
    json: bool,
}

impl Check {
    #[cfg(feature = "functions")]
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        crate::logging::start(global, "warn");
        let found = found::look(&self.files, &settings(&self.limits)?)?;
        let text = if self.json { found::json(&found) } else { found::text(&found) };
        crate::output::print(text.as_bytes())?;
        let all_fit = found.iter().all(found::Found::fits);
        Ok(if all_fit { Outcome::Done } else { Outcome::No })
    }

    #[cfg(not(feature = "functions"))]
    #[allow(clippy::needless_pass_by_value, reason = "the other build takes what it needs")]
    pub(crate) fn run(self, _global: &Global) -> Result<Outcome, Failure> {
        Err(Failure::new("functions cannot be checked")
            .because("this lockgate was built without functions")
            .hint("build it with the cargo feature `functions`, which is on by default"))
    }
}

/// What a function is allowed whose section has these limits.
#[cfg(feature = "functions")]
fn settings(limits: &Limits) -> Result<functions::Settings, Failure> {
    let text = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n\n[[route]]\npath = \"/*\"\nfunction = \"check\"\n\n\
         [function.check]\ncomponent = \"check.wasm\"\n{}",
        limits.lines()
    );
    let name = "the configuration that is checked with";
    let loaded = config::load_text(name, Path::new(""), &text, &config::ProcessEnvironment);
    let config = loaded.map_err(|problems| Failure::of_configuration(&problems))?.config;
    let mut settings = functions::Settings::named("check");
    if let Some(function) = config.functions.first() {
        settings.memory_bytes = function.memory_bytes;
        settings.time = function.time;
        settings.cpu = function.cpu;
    }
    Ok(settings)
}
