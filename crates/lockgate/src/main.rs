//! The command line: reads the arguments, runs one command, says how it ended.

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
    match command::run(arguments) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit_status())
        }
    }
}
