//! `lockgate completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Outcome;
use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output;

/// Print completions for a shell
///
/// For bash: `lockgate completions bash > /etc/bash_completion.d/lockgate`
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "lockgate", &mut script);
        output::print(&script)?;
        Ok(Outcome::Done)
    }
}
