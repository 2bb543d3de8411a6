//! What reading finds: problems, as many as people read, and what is not to be shown with them.

use crate::diagnostics::{Diagnostic, Severity, Span};

/// More problems than this are counted, not listed.
const LISTED_MAX: usize = 50;

/// What reading found.
#[derive(Default)]
pub(crate) struct Findings {
    /// Problems, at most so many as can be listed: warnings only where no error needs the place.
    pub(crate) list: Vec<Diagnostic>,
    /// How many there are beyond them.
    pub(crate) unlisted: Unlisted,
    /// What of the text is not to be shown.
    pub(crate) hidden: Vec<Span>,
}

/// Problems that were counted, and not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unlisted {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

impl Unlisted {
    /// Of both kinds.
    pub(crate) fn count(self) -> usize {
        self.errors + self.warnings
    }
}

impl Findings {
    /// Whether one more error would be listed.
    pub(crate) fn has_place(&self) -> bool {
        self.list.len() < LISTED_MAX || self.last_warning().is_some()
    }

    /// Lists a problem, or counts it. An error takes the place of a warning.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < LISTED_MAX {
            self.list.push(diagnostic);
            return;
        }
        match (diagnostic.severity, self.last_warning()) {
            (Severity::Warning, _) => self.unlisted.warnings += 1,
            (Severity::Error, Some(place)) => {
                self.list[place] = diagnostic;
                self.unlisted.warnings += 1;
            }
            (Severity::Error, None) => self.unlisted.errors += 1,
        }
    }

    fn last_warning(&self) -> Option<usize> {
        self.list.iter().rposition(|listed| listed.severity == Severity::Warning)
    }
}
