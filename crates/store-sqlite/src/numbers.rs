//! Numbers as SQLite keeps them: signed, of 64 bits.

use crate::error::Error;

/// What a total's higher part counts, millionths of a unit.
const HIGH: i128 = 1_000_000_000;

/// A time or an hour. Nobody means one beyond the year 200,000.
pub(crate) fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(Error::failed)
}

/// An id, or the end of a range: what is larger than SQLite can count is there no more than the largest number.
pub(crate) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A total in two parts, `high` · 10⁹ + `low` with 0 ≤ `low` < 10⁹: the sum of either, over any table, is exact in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) high: i64,
    pub(crate) low: i64,
}

impl Total {
    pub(crate) fn of(total: i128) -> Result<Self, Error> {
        let high = i64::try_from(total.div_euclid(HIGH)).map_err(Error::failed)?;
        let low = i64::try_from(total.rem_euclid(HIGH)).map_err(Error::failed)?;
        Ok(Self { high, low })
    }

    /// The total, also of parts that were summed.
    pub(crate) fn value(self) -> i128 {
        i128::from(self.high) * HIGH + i128::from(self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_the_same_after_it_was_in_two_parts() {
        let largest = i128::from(i64::MAX) * HIGH + HIGH - 1;
        let smallest = i128::from(i64::MIN) * HIGH;
        for total in [0, 1, -1, 999_999_999, 1_000_000_000, -1_000_000_000, -1_000_000_001, largest, smallest]
        {
            let parts = Total::of(total).unwrap();
            assert!((0..1_000_000_000).contains(&parts.low));
            assert_eq!(parts.value(), total);
        }
        for beyond in [largest + 1, smallest - 1, i128::MAX, i128::MIN] {
            assert!(Total::of(beyond).is_err());
        }
    }
}
