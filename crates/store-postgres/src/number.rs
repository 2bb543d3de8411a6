//! Numbers without a sign, in a database whose numbers have one.

use crate::failure::Failure;

/// A number to look for. Ids, versions, times and counts stay far below 2^63. One that does not was made up by whoever asks, and becomes the largest number,
/// which nothing has.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number to keep as it is.
pub(crate) fn kept(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|error| sqlx::Error::Encode(Box::new(error)).into())
}

/// The other way. The database holds no number below 0 of those that have no sign here.
pub(crate) fn from_sql(number: i64) -> u64 {
    number.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_be_kept_as_it_is_is_refused() {
        assert!(kept(u64::MAX >> 1).is_ok_and(|number| number == i64::MAX));
        assert!(kept(1 << 63).is_err());
    }

    #[test]
    fn a_number_that_is_too_large_becomes_the_largest() {
        assert_eq!([0, 7, u64::MAX].map(to_sql), [0, 7, i64::MAX]);
        assert_eq!([0, 7, i64::MAX].map(from_sql), [0, 7, u64::MAX >> 1]);
    }
}
