//! `lockgate functions check`

#[cfg(feature = "functions")]
mod found;

use std::path::PathBuf;

use clap::Args;

use crate::arguments::Global;
use crate::command::Outcome;
use crate::failure::Failure;

/// Say what components are, what they ask for, and whether a gateway would take them
///
/// Compiles, links and starts each component, as a gateway does when it loads it, and prints its interface, imports with
/// what is to be done about those that are not provided, exports, sizes and times. Needs no gateway. Exit status 1 when
/// one of them would be refused.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Components, as `hello.wasm`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print what was found as one JSON array
    #[arg(long)]
    json: bool,
}

impl Check {
    #[cfg(feature = "functions")]
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        crate::logging::start(global, "warn");
        let found = found::look(&self.files)?;
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
