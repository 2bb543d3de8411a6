//! What a call came to: a status for the program, and a text for people, kept for each thread until its next call.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lockgate_analytics::input::{InputError, PlacesError};
use lockgate_analytics::{ConfigurationError, TooManyGroups, with_causes};

/// What a call came to. `lockgate_last_error` says it in words.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockgateStatus {
    /// It is done.
    Ok = 0,
    /// A pointer is null that must not be.
    NullPointer = 1,
    /// A length, a format or a text is none.
    Argument = 2,
    /// The question's configuration is wrong.
    Configuration = 3,
    /// A file cannot be found or read.
    Read = 4,
    /// Nothing says what format an input has.
    UnknownFormat = 5,
    /// A line is malformed, and the configuration says `strict`.
    Malformed = 6,
    /// The question makes more groups than there is room for: free the query and ask for fewer.
    TooManyGroups = 7,
    /// The library has a defect: free the query.
    Panic = 8,
    /// An earlier call left the query unfit for anything but `lockgate_query_free`.
    Unusable = 9,
    /// There is no memory for the answer.
    Memory = 10,
}

/// What has been read so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockgateCounts {
    /// Lines, or records of a segment, the malformed and the empty ones among them.
    pub lines: u64,
    /// Rows, whether the condition admitted them or not.
    pub rows: u64,
    /// Lines that could not be read.
    pub malformed: u64,
    /// Rows without a moment where the question is about time: they are in no period.
    pub timeless: u64,
    /// Bytes of content, decompressed.
    pub bytes: u64,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{0}` is null")]
    Null(&'static str),
    #[error("`{argument}` is {problem}")]
    Argument { argument: &'static str, problem: &'static str },
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(transparent)]
    Places(#[from] PlacesError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Groups(#[from] TooManyGroups),
    #[error("more rows than an `int32_t` can count")]
    TooManyRows,
    #[error("the library failed within: this is a defect of it")]
    Panic,
    #[error("the query is of no further use since an earlier call failed")]
    Unusable,
    #[error("no memory for an answer of {0} bytes")]
    Memory(usize),
}

impl Error {
    pub(crate) fn status(&self) -> LockgateStatus {
        match self {
            Self::Null(_) => LockgateStatus::NullPointer,
            Self::Argument { .. } | Self::TooManyRows => LockgateStatus::Argument,
            Self::Configuration(_) => LockgateStatus::Configuration,
            Self::Places(_) | Self::Input(InputError::Read { .. } | InputError::Interrupted) => {
                LockgateStatus::Read
            }
            Self::Input(InputError::Unknown { .. }) => LockgateStatus::UnknownFormat,
            Self::Input(InputError::Malformed(_)) => LockgateStatus::Malformed,
            Self::Input(InputError::Groups(_)) | Self::Groups(_) => LockgateStatus::TooManyGroups,
            Self::Panic => LockgateStatus::Panic,
            Self::Unusable => LockgateStatus::Unusable,
            Self::Memory(_) => LockgateStatus::Memory,
        }
    }

    /// What went wrong and why, in one line.
    fn told(&self) -> String {
        with_causes(self)
    }
}

thread_local! {
    /// Empty if the last call of the thread succeeded.
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Does the work of one call: a panic ends here, and what failed is kept as the thread's last error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, LockgateStatus> {
    // What a panic may leave half done is an `Asked`, which then finds itself without its partial and refuses further use.
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Error::Panic));
    let told = outcome.as_ref().err().map(Error::told).unwrap_or_default();
    keep(&told);
    outcome.map_err(|error| error.status())
}

fn keep(told: &str) {
    let told = CString::new(told.replace('\0', "\u{fffd}")).unwrap_or_default();
    // While a thread ends there is nobody left to ask.
    let _ = LAST_ERROR.try_with(|last| last.replace(told));
}

/// The thread's last error, which stays where it is until the thread's next call.
pub(crate) fn last_error() -> *const c_char {
    const NONE: &CStr = c"";
    LAST_ERROR.try_with(|last| last.borrow().as_ptr()).unwrap_or(NONE.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let outcome = guarded(|| -> Result<(), Error> { panic!("on purpose") });
        assert_eq!(outcome, Err(LockgateStatus::Panic));
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let source = std::io::Error::other("no\0 luck");
        let error = Error::Input(InputError::Read { name: "a.log".into(), source });
        assert_eq!(error.told(), "reading `a.log`: no\0 luck");
        assert_eq!(guarded(|| Err::<(), _>(error)), Err(LockgateStatus::Read));
        LAST_ERROR.with_borrow(|last| {
            assert_eq!(last.to_str(), Ok("reading `a.log`: no\u{fffd} luck"));
        });
        assert_eq!(guarded(|| Ok(1)), Ok(1));
        LAST_ERROR.with_borrow(|last| assert!(last.is_empty()));
    }
}
