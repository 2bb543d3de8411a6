//! Usage added up the plain way, and random amounts to try it with.

use std::collections::BTreeMap;

use crate::{Bucket, KeyId, UsageDelta, UsageQuery, UsageRow, UserId};

const DAYS_OF_MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What [`crate::Store::usage`] is to answer, when this is all that was ever added.
pub(super) fn usage(added: &[UsageDelta], query: &UsageQuery) -> Vec<UsageRow> {
    let mut groups: BTreeMap<_, (i64, i128)> = BTreeMap::new();
    let to_hour = query.to_hour.unwrap_or(u64::MAX);
    for delta in added.iter().filter(|delta| (query.from_hour..to_hour).contains(&delta.hour)) {
        if query.user_id.is_some() && query.user_id != delta.user_id {
            continue;
        }
        let group = (
            delta.user_id.filter(|_| query.by.user),
            delta.key_id.filter(|_| query.by.key),
            query.by.route.then(|| delta.route.to_string()),
            query.by.time.map(|bucket| start(bucket, delta.hour)),
        );
        let sum = groups.entry(group).or_default();
        *sum = (sum.0 + delta.count, sum.1 + delta.total);
    }
    let after = query.after.clone().map(|row| (row.user_id, row.key_id, row.route, row.hour));
    let limit = if query.limit == 0 { usize::MAX } else { query.limit as usize };
    let rows = groups.into_iter().filter(|(group, _)| after.as_ref().is_none_or(|after| group > after));
    rows.take(limit)
        .map(|((user_id, key_id, route, hour), (count, total))| UsageRow {
            user_id,
            key_id,
            route,
            hour,
            count,
            total,
        })
        .collect()
}

/// First hour of the stretch of time that an hour lies in.
fn start(bucket: Bucket, hour: u64) -> u64 {
    match bucket {
        Bucket::Hour => hour,
        Bucket::Day => hour / 24 * 24,
        Bucket::Month => months().take_while(|start| *start <= hour).last().unwrap_or(0),
    }
}

/// First hours of all months since January 1970.
fn months() -> impl Iterator<Item = u64> {
    let lengths = (1970_u64..).flat_map(|year| {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        (0..12).map(move |month| DAYS_OF_MONTHS[month] + u64::from(leap && month == 1))
    });
    lengths.scan(0, |start, days| {
        let this = *start;
        *start += days * 24;
        Some(this)
    })
}

/// A sequence of numbers that is the same for the same seed (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    /// A sequence for this seed, or for `LOCKGATE_SEED` to look further.
    pub(super) fn new(seed: u64) -> Self {
        Self(std::env::var("LOCKGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A total of any size between a few millionths and a thousand million million units, taken away or added.
    pub(super) fn total(&mut self) -> i128 {
        let size = i128::from(self.next() >> self.below(64)) * i128::from(1 + self.below(1_000));
        if self.below(3) == 0 { -size } else { size }
    }

    pub(super) fn delta(&mut self) -> UsageDelta {
        // Around the ends of months, of a leap day and of the years.
        let month = months().nth(12 * 50 + self.below(40) as usize).unwrap_or(0);
        let some = |number: u64| (number > 0).then_some(number);
        UsageDelta {
            user_id: some(self.below(4)).map(UserId),
            key_id: some(self.below(3)).map(KeyId),
            route: ["orders", "Orders", "a/b", "é", "zz", "z"][self.below(6) as usize].into(),
            hour: month - 30 + self.below(60),
            count: self.below(9) as i64 - 2,
            total: self.total(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_calendars_say() {
        // Seconds of `date -u -d … +%s`, in hours.
        for (number, seconds) in [(0, 0), (1, 2_678_400), (601, 1_580_515_200), (602, 1_583_020_800)] {
            assert_eq!(months().nth(number), Some(seconds / 3_600));
        }
    }
}
