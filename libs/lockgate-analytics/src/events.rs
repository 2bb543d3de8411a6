//! Events as rows, and their plainest use: usage per user.

mod fields;

use hashbrown::HashMap;
use lockgate_event::{Event, Kind};

#[cfg(feature = "std")]
pub(crate) use self::fields::FIELDS;
pub(crate) use self::fields::{EventFields, Parts, Texts};
use crate::Number;

/// A user; `None` stands for requests of nobody known.
pub type UserId = Option<u64>;

/// What a user consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AggregateStats {
    /// Answers that were counted.
    pub count: i64,
    /// Their value, exact.
    pub total_value: Number,
}

/// Adds up what each user consumed. Events without a value are not counted; `done` counts 1, `part` 0, `cut` −1.
///
/// ```
/// use lockgate_analytics::{AggregateStats, Number, aggregate_events};
/// use lockgate_event::{Event, Kind, Value};
/// # fn event(user_id: Option<u64>, kind: Kind, value: Option<Value>) -> Event {
/// #     lockgate_event::EventRef { user_id, kind, value, ..lockgate_event::EventRef::EXAMPLE }.to_event()
/// # }
///
/// let events: Vec<Event> = vec![
///     event(Some(1), Kind::Done, Some(Value(2_500_000))),
///     event(Some(1), Kind::Done, Some(Value::ONE)),
///     event(Some(1), Kind::Cut, Some(Value(-1_000_000))),
///     event(Some(2), Kind::Done, None),
///     event(None, Kind::Done, Some(Value::ZERO)),
/// ];
/// let usage = aggregate_events(&events);
/// assert_eq!(usage[&Some(1)], AggregateStats { count: 1, total_value: Number(2_500_000) });
/// assert_eq!(usage[&None].count, 1);
/// assert!(!usage.contains_key(&Some(2)), "it was refused");
/// ```
#[must_use]
pub fn aggregate_events(events: &[Event]) -> HashMap<UserId, AggregateStats> {
    let mut users = HashMap::<UserId, AggregateStats>::default();
    for event in events {
        let Some(value) = event.value else { continue };
        let stats = users.entry(event.user_id).or_default();
        stats.count += weight_of_kind(event.kind);
        stats.total_value.0 += i128::from(value.0);
    }
    users
}

/// What an event counts.
#[inline]
pub(crate) fn weight_of_kind(kind: Kind) -> i64 {
    match kind {
        Kind::Done => 1,
        Kind::Part => 0,
        Kind::Cut => -1,
    }
}
