//! `lockgate functions`

mod check;
mod compile;
mod limits;
mod list;
mod run;

use clap::{Args, Subcommand};

pub(crate) use compile::compiler;

use super::Outcome;
use crate::arguments::Global;
use crate::failure::Failure;

/// Check, try and list WebAssembly functions
///
/// A function is a `wasi:http` component that runs inside the gateway, as target of a route or before one.
#[derive(Args, Debug)]
pub(crate) struct Functions {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Check(check::Check),
    Run(run::Run),
    List(list::List),
    #[command(hide = true)]
    Compile(compile::Compile),
}

impl Functions {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        match self.what {
            What::Check(check) => check.run(global),
            What::Run(run) => run.run(global),
            What::List(list) => list.run(global),
            What::Compile(compile) => compile.run(),
        }
    }
}
