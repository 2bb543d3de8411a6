//! The commands, one file each.

mod asking;
mod certificate;
mod check;
mod completions;
mod demo;
mod functions;
mod keys;
mod process;
mod search;
mod serve;
mod tail;
mod usage;
mod users;
mod wordcount;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Arguments;
use crate::failure::Failure;

pub(crate) use certificate::LOCAL_NAMES;
pub(crate) use functions::compiler;
pub(crate) use serve::{does_not_start, drain};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Check(check::Check),
    Certificate(certificate::Certificate),
    Tail(tail::Tail),
    Users(users::Users),
    Keys(keys::Keys),
    Usage(usage::Usage),
    Functions(functions::Functions),
    Process(process::Process),
    Search(search::Search),
    Wordcount(wordcount::Wordcount),
    Completions(completions::Completions),
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was to do.
    Done,
    /// It did, and the answer is no.
    No,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::No => Self::from(1),
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<Outcome, Failure> {
    let global = arguments.global;
    match arguments.command {
        Command::Serve(serve) => serve.run(&global),
        Command::Demo(demo) => demo.run(&global),
        Command::Check(check) => check.run(&global),
        Command::Certificate(certificate) => certificate.run(),
        Command::Tail(tail) => tail.run(&global),
        Command::Users(users) => users.run(&global),
        Command::Keys(keys) => keys.run(&global),
        Command::Usage(usage) => usage.run(&global),
        Command::Functions(functions) => functions.run(&global),
        Command::Process(process) => process.run(&global),
        Command::Search(search) => search.run(&global),
        Command::Wordcount(wordcount) => wordcount.run(),
        Command::Completions(completions) => completions.run(),
    }
}
