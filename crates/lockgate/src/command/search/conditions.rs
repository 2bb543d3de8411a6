//! What a line must satisfy beside the pattern.

use std::cell::RefCell;

use grep_matcher::{ByteSet, LineMatchKind, LineTerminator, Match, Matcher, NoCaptures, NoError};
use grep_regex::RegexMatcher;
use lockgate_analytics::Filter;
use lockgate_analytics::input::{LineReader, may_admit};
use lockgate_event::EventRef;

use super::when::{When, moment_of_line};

/// What lines must satisfy beside the pattern.
#[derive(Debug)]
pub(super) struct Conditions<'s> {
    filter: Option<&'s Filter>,
    since: Option<u64>,
    until: Option<u64>,
}

impl<'s> Conditions<'s> {
    pub(super) fn new(filter: Option<&'s Filter>, since: Option<When>, until: Option<When>) -> Self {
        Self { filter, since: since.map(|when| when.0), until: until.map(|when| when.0) }
    }

    /// The first moment that is wanted.
    pub(super) fn since_us(&self) -> Option<u64> {
        self.since
    }

    fn concern_time(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether a moment is wanted.
    pub(super) fn want_moment(&self, us: u64) -> bool {
        self.since.is_none_or(|since| us >= since) && self.until.is_none_or(|until| us < until)
    }

    /// Whether an event of a segment may be wanted; its line decides.
    pub(super) fn may_want(&self, event: &EventRef<'_>) -> bool {
        self.want_moment(event.ts_us)
    }

    /// Whether a segment may hold an event that is wanted.
    pub(super) fn may_want_segment(&self, footer: &journal::Footer) -> bool {
        let Some((first, last)) = footer.ts_us else { return false };
        let is_in_time =
            self.since.is_none_or(|since| last >= since) && self.until.is_none_or(|until| first < until);
        is_in_time && self.filter.is_none_or(|filter| may_admit(filter, footer))
    }
}

/// The pattern together with the conditions. Each thread has its own.
#[derive(Debug)]
pub(super) struct LineMatcher<'s> {
    pattern: &'s RegexMatcher,
    conditions: &'s Conditions<'s>,
    /// Whether lines are wanted that do not match the pattern: those that do not satisfy the conditions then count as if they did.
    inverted: bool,
    reader: Option<RefCell<LineReader>>,
}

impl<'s> LineMatcher<'s> {
    pub(super) fn new(pattern: &'s RegexMatcher, conditions: &'s Conditions<'s>, inverted: bool) -> Self {
        let is_asked = conditions.filter.is_some() || conditions.concern_time();
        let reader = is_asked.then(|| RefCell::new(LineReader::new(conditions.filter.cloned())));
        Self { pattern, conditions, inverted, reader }
    }

    fn satisfies(&self, line: &[u8]) -> bool {
        let Some(reader) = &self.reader else { return true };
        let object = reader.borrow_mut().read(line);
        let is_admitted = match object {
            Some(object) => object.is_admitted,
            None => self.conditions.filter.is_none(),
        };
        is_admitted
            && (!self.conditions.concern_time() || self.is_in_time(object.and_then(|o| o.moment_us), line))
    }

    fn is_in_time(&self, moment_us: Option<u64>, line: &[u8]) -> bool {
        moment_us.or_else(|| moment_of_line(line)).is_some_and(|us| self.conditions.want_moment(us))
    }

    /// Whether lines must be looked at one by one.
    fn is_slow(&self) -> bool {
        self.reader.is_some() && self.inverted
    }
}

/// The searcher finds candidates in many lines at once, then asks about each line alone; only there do the conditions apply.
impl Matcher for &LineMatcher<'_> {
    type Captures = NoCaptures;
    type Error = NoError;

    fn find_at(&self, line: &[u8], at: usize) -> Result<Option<Match>, NoError> {
        let found = self.pattern.find_at(line, at)?;
        match (self.inverted, self.satisfies(line)) {
            (_, true) => Ok(found),
            (false, false) => Ok(None),
            (true, false) => Ok(Some(Match::zero(at))),
        }
    }

    fn new_captures(&self) -> Result<NoCaptures, NoError> {
        Ok(NoCaptures::new())
    }

    fn line_terminator(&self) -> Option<LineTerminator> {
        self.pattern.line_terminator().filter(|_| !self.is_slow())
    }

    fn non_matching_bytes(&self) -> Option<&ByteSet> {
        self.pattern.non_matching_bytes().filter(|_| !self.is_slow())
    }

    fn find_candidate_line(&self, lines: &[u8]) -> Result<Option<LineMatchKind>, NoError> {
        let found = self.pattern.find_candidate_line(lines)?;
        Ok(match found {
            Some(LineMatchKind::Confirmed(at)) if self.reader.is_some() => Some(LineMatchKind::Candidate(at)),
            found => found,
        })
    }
}
