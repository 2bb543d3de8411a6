//! `lockgate functions compile`: what a gateway runs beside itself, so that a component that is hard to compile cannot take the
//! gateway's memory or processor time. Nobody types it.

use std::path::PathBuf;

use clap::Args;

use crate::command::Outcome;
use crate::failure::Failure;

/// Compile the component on standard input to machine code on standard output
#[derive(Args, Debug)]
pub(crate) struct Compile {}

impl Compile {
    #[cfg(feature = "functions")]
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        functions::compile_worker().map(|()| Outcome::Done).map_err(Failure::new)
    }

    #[cfg(not(feature = "functions"))]
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        Err(Failure::new("this lockgate was built without functions"))
    }
}

/// The program that compiles: this one, even if its file has been replaced meanwhile.
pub(crate) fn compiler() -> Option<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Some(running) } else { std::env::current_exe().ok() }
}
