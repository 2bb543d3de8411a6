//! Whether a whole lot of rows can be passed over, by what is known of their fields beforehand.

use alloc::boxed::Box;
use core::cmp::Ordering;

use super::{Comparison, Condition, Literal, Relation, Test};
use crate::Cell;

/// What is known of a field in all rows of a lot, such as a segment.
#[derive(Clone, Copy, Debug)]
pub enum Known<'k> {
    /// Nothing.
    Nothing,
    /// It is never null, and lies between these two, both included; both are of the kind that all its values are of.
    Between(Cell<'k>, Cell<'k>),
    /// It is one of these.
    OneOf(&'k [Cell<'k>]),
}

/// Which answers a condition can have in a lot of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    pub(super) may_hold: bool,
    pub(super) may_fail: bool,
}

const UNKNOWN: Outlook = Outlook { may_hold: true, may_fail: true };

impl Condition<Box<str>> {
    pub(super) fn outlook<'k>(&self, known: &dyn Fn(&str) -> Known<'k>) -> Outlook {
        match self {
            Self::Or(parts) => parts.iter().map(|part| part.outlook(known)).fold(NEVER, |sum, part| {
                Outlook { may_hold: sum.may_hold || part.may_hold, may_fail: sum.may_fail && part.may_fail }
            }),
            Self::And(parts) => parts.iter().map(|part| part.outlook(known)).fold(ALWAYS, |sum, part| {
                Outlook { may_hold: sum.may_hold && part.may_hold, may_fail: sum.may_fail || part.may_fail }
            }),
            Self::Not(inner) => {
                let inner = inner.outlook(known);
                Outlook { may_hold: inner.may_fail, may_fail: inner.may_hold }
            }
            Self::Test(test) => test.outlook(&known(&test.field)),
        }
    }
}

const NEVER: Outlook = Outlook { may_hold: false, may_fail: true };
const ALWAYS: Outlook = Outlook { may_hold: true, may_fail: false };

impl Test<Box<str>> {
    fn outlook(&self, known: &Known<'_>) -> Outlook {
        match known {
            Known::Nothing => UNKNOWN,
            Known::OneOf(cells) => Outlook {
                may_hold: cells.iter().any(|cell| self.holds(cell)),
                may_fail: cells.iter().any(|cell| !self.holds(cell)),
            },
            Known::Between(least, greatest) => match &self.relation {
                Relation::Compared(comparison, literal) => between(*comparison, literal, least, greatest),
                _ => UNKNOWN,
            },
        }
    }
}

fn between(comparison: Comparison, literal: &Literal, least: &Cell<'_>, greatest: &Cell<'_>) -> Outlook {
    // Numbers and texts can be moments as well, but their own order is not that of time.
    let in_one_order = matches!(
        (literal, least),
        (Literal::Number(_), Cell::Number(_))
            | (Literal::Text { .. }, Cell::Time(_))
            | (Literal::Text { moment: None, .. }, Cell::Text(_))
    );
    let (true, Some(first), Some(last)) = (in_one_order, literal.order_of(least), literal.order_of(greatest))
    else {
        return UNKNOWN;
    };
    let orders = [Ordering::Less, Ordering::Equal, Ordering::Greater];
    let mut between = orders.into_iter().filter(|order| (first..=last).contains(order));
    Outlook {
        may_hold: between.clone().any(|order| comparison.holds(Some(order))),
        may_fail: between.any(|order| !comparison.holds(Some(order))),
    }
}
