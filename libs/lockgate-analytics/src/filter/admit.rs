//! Whether a row fulfils a condition.

use core::cmp::Ordering;

use lockgate_event::Timestamp;

use super::{Comparison, Condition, Literal, Relation, Test};
use crate::Cell;
use crate::time::moment_of;

impl Condition<usize> {
    pub(super) fn admits(&self, row: &[Cell<'_>]) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.admits(row)),
            Self::And(parts) => parts.iter().all(|part| part.admits(row)),
            Self::Not(inner) => !inner.admits(row),
            Self::Test(test) => test.holds(&row[test.field]),
        }
    }
}

impl<F> Test<F> {
    #[inline]
    pub(super) fn holds(&self, cell: &Cell<'_>) -> bool {
        match &self.relation {
            Relation::Null => cell.is_null() != self.is_negated,
            _ if cell.is_null() => false,
            relation => relation.holds(cell) != self.is_negated,
        }
    }
}

impl Relation {
    /// For cells that are not null.
    fn holds(&self, cell: &Cell<'_>) -> bool {
        match self {
            Self::Null => false,
            Self::Compared(comparison, literal) => comparison.holds(literal.order_of(cell)),
            Self::In(literals) => {
                literals.iter().any(|literal| literal.order_of(cell) == Some(Ordering::Equal))
            }
            Self::Contains(part) => {
                with_text(cell, |text| memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some())
            }
            Self::StartsWith(start) => with_text(cell, |text| text.starts_with(&**start)),
            Self::EndsWith(end) => with_text(cell, |text| text.ends_with(&**end)),
            Self::Like(pattern) => with_text(cell, |text| is_like(text, pattern)),
        }
    }
}

impl Comparison {
    /// `None` stands for what has no order: values of different kinds.
    #[inline]
    pub(super) fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

impl Literal {
    /// How a cell stands to the literal.
    #[inline]
    pub(super) fn order_of(&self, cell: &Cell<'_>) -> Option<Ordering> {
        match (self, cell) {
            (Self::Number(literal), Cell::Number(number)) => Some(number.cmp(literal)),
            (Self::Text { text: literal, moment: None }, Cell::Text(text)) => Some((**text).cmp(literal)),
            (Self::Text { text, moment }, cell) => order_of_text(cell, text, *moment),
            (Self::Bool(literal), Cell::Bool(is)) => (is == literal).then_some(Ordering::Equal),
            _ => None,
        }
    }
}

fn order_of_text(cell: &Cell<'_>, literal: &str, moment: Option<u64>) -> Option<Ordering> {
    match (moment, moment_of(cell)) {
        (Some(literal), Some(moment)) => return Some(moment.cmp(&literal)),
        // A number is a moment only beside another one.
        _ if matches!(cell, Cell::Number(_) | Cell::Bool(_) | Cell::Null) => return None,
        _ => {}
    }
    let mut order = Ordering::Equal;
    with_text(cell, |text| {
        order = text.cmp(literal);
        true
    })
    .then_some(order)
}

/// Asks something of a cell's text, if it has one. A moment has the text that events are printed with, so that it makes no difference
/// whether they are read as text or from segments.
fn with_text(cell: &Cell<'_>, ask: impl FnOnce(&str) -> bool) -> bool {
    match cell {
        Cell::Text(text) => ask(text),
        Cell::Time(us) => core::str::from_utf8(&rfc3339(*us)).is_ok_and(ask),
        _ => false,
    }
}

/// As `Timestamp` prints, without allocating.
fn rfc3339(us: u64) -> [u8; 27] {
    let moment = Timestamp::from_unix_us(us);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let parts = [
        (0..4, moment.year.min(9999) as u32),
        (5..7, moment.month.into()),
        (8..10, moment.day.into()),
        (11..13, moment.hour.into()),
        (14..16, moment.minute.into()),
        (17..19, moment.second.into()),
        (20..26, moment.microsecond),
    ];
    for (place, mut number) in parts {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
    text
}

/// Whether a text is as a pattern says: `%` stands for any text, `_` for one character.
fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Behind the last `%`: the pattern, and the text it has not swallowed yet.
    let mut retry = None;
    loop {
        let mut behind = pattern.clone();
        match behind.next() {
            Some('%') => {
                pattern = behind;
                retry = Some((text.clone(), pattern.clone()));
                continue;
            }
            Some(wanted) => {
                let mut rest = text.clone();
                if rest.next().is_some_and(|c| wanted == '_' || wanted == c) {
                    (text, pattern) = (rest, behind);
                    continue;
                }
            }
            None if text.as_str().is_empty() => return true,
            None => {}
        }
        let Some((swallowed, behind)) = &mut retry else { return false };
        if swallowed.next().is_none() {
            return false;
        }
        (text, pattern) = (swallowed.clone(), behind.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "_b_", true),
            ("äbc", "_b_", true),
            ("abcbc", "a%bc", true),
            ("abcb", "a%bc", false),
            ("mississippi", "m%iss%p_", true),
            ("mississippi", "m%iss%p_i", true),
            ("mississippi", "m%isss%", false),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} like {pattern}");
        }
    }

    /// The same the slow way.
    fn is_like_naive(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|from| is_like_naive(&text[from..], rest)),
            [wanted, rest @ ..] => {
                text.first().is_some_and(|c| *wanted == '_' || wanted == c) && is_like_naive(&text[1..], rest)
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_its_definition_says(text in "[ab]{0,10}", pattern in "[ab%_]{0,8}") {
            let chars = |text: &str| text.chars().collect::<alloc::vec::Vec<_>>();
            prop_assert_eq!(is_like(&text, &pattern), is_like_naive(&chars(&text), &chars(&pattern)));
        }

        #[test]
        fn a_moment_has_the_text_it_is_printed_with(us in 0..253_402_300_800_000_000_u64) {
            let printed = Timestamp::from_unix_us(us).to_string();
            prop_assert_eq!(&rfc3339(us)[..], printed.as_bytes());
        }
    }
}
