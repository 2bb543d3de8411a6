//! How a call can fail, with the true cause, and what the client is answered.

use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::Busy;
use crate::backtrace::excerpt;

/// Why a call did not end well. Whose fault it is, is always the function's, but for [`Failure::Busy`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The guest trapped: it panicked, reached what it says is unreachable, or used an interface against its rules.
    #[error("the function trapped: {message}")]
    Trapped {
        /// The trap in words.
        message: String,
    },
    /// The guest's calls nested too deeply.
    #[error("the function's stack is exhausted")]
    StackExhausted,
    /// The call took longer than `time`.
    #[error("the function took longer than its `time`")]
    TimedOut,
    /// The call used more processor time than `cpu`.
    #[error("the function used more than its `cpu` time")]
    CpuTime,
    /// The guest was refused memory beyond `memory`, and trapped.
    #[error("the function needs more than its `memory`")]
    Memory,
    /// The guest returned without an answer.
    #[error("the function returned without a response")]
    NoResponse,
    /// The guest's answer is not one that can be sent.
    #[error("the function's response is malformed: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The guest's answer is longer than `response_body`.
    #[error("the function's response is longer than its `response_body`")]
    TooLarge,
    /// The guest answered with an error code of `wasi:http` instead of a response.
    #[error("the function answered with an error: {0}")]
    ErrorCode(String),
    /// No instance could be made.
    #[error("the function could not be started: {0}")]
    Instantiation(String),
    /// There was no place to run the call.
    #[error(transparent)]
    Busy(#[from] Busy),
}

impl Failure {
    /// The cause as the journal and metrics name it.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "function_trapped",
            Self::StackExhausted => "function_stack",
            Self::TimedOut => "function_timeout",
            Self::CpuTime => "function_cpu",
            Self::Memory => "function_memory",
            Self::NoResponse => "function_no_response",
            Self::Malformed { .. } => "function_malformed",
            Self::TooLarge => "function_too_large",
            Self::ErrorCode(_) | Self::Instantiation(_) => "function_failed",
            Self::Busy(_) => "function_busy",
        }
    }

    /// Status of the answer the client is given when nothing has been sent yet.
    pub const fn status(&self) -> u16 {
        match self {
            Self::TimedOut | Self::CpuTime => 504,
            Self::Busy(_) => 503,
            _ => 500,
        }
    }

    /// The cause behind an error of the engine.
    pub(crate) fn of(error: &wasmtime::Error) -> Self {
        if let Some(failure) = error.downcast_ref::<Self>() {
            return failure.clone();
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Busy(Busy::NoRoom);
        }
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Self::Trapped { message: format!("it exited with status {}", exit.0) };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::StackExhausted,
            _ => Self::Trapped { message: excerpt(error.root_cause()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_under_what_was_said_about_it() {
        let check = |error: wasmtime::Error, reason: &str, status: u16| {
            let failure = Failure::of(&error.context("somewhere").context("elsewhere"));
            assert_eq!((failure.reason(), failure.status()), (reason, status), "{failure}");
        };
        check(Trap::StackOverflow.into(), "function_stack", 500);
        check(Trap::UnreachableCodeReached.into(), "function_trapped", 500);
        check(I32Exit(3).into(), "function_trapped", 500);
        check(Failure::CpuTime.into(), "function_cpu", 504);
        check(Failure::Memory.into(), "function_memory", 500);
        check(Failure::Busy(Busy::Late).into(), "function_busy", 503);
        check(wasmtime::Error::msg("anything"), "function_trapped", 500);
    }
}
