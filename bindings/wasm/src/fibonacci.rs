//! Fibonacci numbers, as far as 64 bits go.

/// The last number of the sequence that 64 bits hold.
pub const FIBONACCI_MAX: u32 = 93;

/// The Fibonacci number of this place, 0 and 1 being the first two; `None` beyond [`FIBONACCI_MAX`].
#[must_use]
pub fn fibonacci(place: u32) -> Option<u64> {
    let (mut number, mut next) = (0_u64, Some(1_u64));
    for _ in 0..place {
        let sum = next.and_then(|next| next.checked_add(number));
        (number, next) = (next?, sum);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_sum_of_the_two_before_it() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(fibonacci), [0, 1, 1, 2, 3, 5, 8].map(Some));
        for place in 2..=FIBONACCI_MAX {
            let [two_before, before, own] =
                [place - 2, place - 1, place].map(|place| fibonacci(place).unwrap());
            assert_eq!(two_before.checked_add(before), Some(own), "{place}");
        }
    }

    #[test]
    fn there_is_none_that_64_bits_do_not_hold() {
        assert_eq!(fibonacci(FIBONACCI_MAX), Some(12_200_160_415_121_876_738));
        assert_eq!(fibonacci(FIBONACCI_MAX + 1), None);
        assert_eq!(fibonacci(u32::MAX), None);
    }
}
