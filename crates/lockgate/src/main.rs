//! The command line: reads the arguments, runs one command, says how it ended.

// It panics where standard error cannot be written; `output::say` does not.
#![warn(clippy::print_stderr)]

mod amount;
mod arguments;
#[cfg(test)]
mod arguments_reference;
mod client;
mod command;
mod condition;
mod data_place;
mod demo;
mod failure;
mod listing;
mod logging;
mod moment;
mod output;
mod pair;
mod standard_input;
mod table;
mod toml_text;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

/// Per-thread heaps suit workers that share nothing.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Wrong arguments end here, with 2.
    let arguments = Arguments::parse();
    arguments.global.color.apply();
    let outcome = command::run(arguments);
    logging::flush();
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit_status())
        }
    }
}
