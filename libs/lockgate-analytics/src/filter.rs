//! Which rows count: `status>=500 and route="orders"`.

mod admit;
mod known;
mod lexer;
mod parser;
mod print;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::{Cell, Number};

pub use known::Known;

/// Deepest nesting of parentheses and `not`.
pub const FILTER_DEPTH_MAX: usize = 64;

/// A condition on the fields of a row.
///
/// - `a and b`, `a or b`, `not a`, parentheses; `and` binds closer than `or`. Words of the language may be written in any case.
/// - A field is a name such as `user_id` or `http.status`; other names stand in backticks. What it is compared with is a number, a text in
///   `'single'` or `"double"` quotes (`''` is a quote within the former, `\"` within the latter), `true`, `false`, `null`, or a single word
///   that stands for itself: `method = GET`.
/// - `=` `==` `!=` `<>` `<` `<=` `>` `>=`, `in (a, b)`, `is null`, `contains "x"`, `starts with "x"`, `ends with "x"` and `like 'a%b_'`;
///   all that are words also with `not`: `not in`, `is not null`, `not contains`.
///
/// Values of different kinds are never equal, and none is less than the other: a number is compared with numbers only. A text that is a moment
/// (RFC 3339) is compared by time with whatever says a moment. A field that is null fulfils nothing but `is null` and `= null`; `not` in front
/// of a condition turns its answer round, whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Condition<Box<str>>);

/// A condition on a row by the places of its fields.
#[derive(Clone, Debug)]
pub struct Predicate(Condition<usize>);

/// A condition; `F` says which field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition<F> {
    Or(Vec<Self>),
    And(Vec<Self>),
    Not(Box<Self>),
    Test(Test<F>),
}

/// What is asked of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Test<F> {
    field: F,
    is_negated: bool,
    relation: Relation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Relation {
    Null,
    Compared(Comparison, Literal),
    In(Vec<Literal>),
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Like(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Bool(bool),
    Number(Number),
    Text {
        text: Box<str>,
        /// The moment it says, microseconds since 1970.
        moment: Option<u64>,
    },
}

/// A text that is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseFilterError {
    /// Where it goes wrong, bytes from the start.
    pub at: usize,
    /// What was expected there.
    pub what: String,
}

impl fmt::Display for ParseFilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

impl core::error::Error for ParseFilterError {}

impl FromStr for Filter {
    type Err = ParseFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parser::parse(text).map(Self)
    }
}

impl Filter {
    /// Puts places of fields for their names.
    pub fn bind(&self, slot: &mut dyn FnMut(&str) -> usize) -> Predicate {
        Predicate(self.0.bind(slot))
    }

    /// Whether any row can be admitted of which this is known; `true` when in doubt.
    pub fn may_admit<'k>(&self, known: &dyn Fn(&str) -> Known<'k>) -> bool {
        self.0.outlook(known).may_hold
    }
}

impl Predicate {
    /// Whether a row fulfils the condition; its fields stand at the places they were given.
    #[inline]
    #[must_use]
    pub fn admits(&self, row: &[Cell<'_>]) -> bool {
        self.0.admits(row)
    }
}

impl Condition<Box<str>> {
    fn bind(&self, slot: &mut dyn FnMut(&str) -> usize) -> Condition<usize> {
        let mut all = |parts: &[Self]| parts.iter().map(|part| part.bind(slot)).collect();
        match self {
            Self::Or(parts) => Condition::Or(all(parts)),
            Self::And(parts) => Condition::And(all(parts)),
            Self::Not(inner) => Condition::Not(Box::new(inner.bind(slot))),
            Self::Test(test) => Condition::Test(Test {
                field: slot(&test.field),
                is_negated: test.is_negated,
                relation: test.relation.clone(),
            }),
        }
    }
}
