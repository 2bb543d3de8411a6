//! Numbers without a sign, in a database whose numbers have one.

/// Ids, versions, times and counts stay far below 2^63. One that does not was made up by whoever asks, and becomes the largest number,
/// which nothing has.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The other way. The database holds only what [`to_sql`] made.
pub(crate) fn from_sql(number: i64) -> u64 {
    number.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_too_large_becomes_the_largest() {
        assert_eq!([0, 7, u64::MAX].map(to_sql), [0, 7, i64::MAX]);
        assert_eq!([0, 7, i64::MAX].map(from_sql), [0, 7, u64::MAX >> 1]);
    }
}
