//! Quantiles' buckets put together to a few bars between round numbers.

use alloc::vec::Vec;

use super::Quantiles;
use crate::Number;

/// Most bars of a histogram, unless its values are of more than forty different powers of ten.
pub const HISTOGRAM_BARS_MAX: usize = 40;

/// How many values lie between two bounds. A bound belongs to the bar that is farther from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bar {
    /// Lower bound.
    pub lower: Number,
    /// Upper bound.
    pub upper: Number,
    /// Values between them.
    pub count: u64,
}

/// Where bars begin within a power of ten, in hundredths of it; from fine to coarse. Each bar is greater than the one before by about the
/// same factor, so that no step of the bounds looks like one of the values.
const STEPS: [&[u64]; 6] = [
    &[
        100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 225, 236, 250, 265, 280, 300,
        320, 340, 360, 380, 400, 425, 450, 475, 500, 530, 560, 600, 640, 680, 720, 760, 800, 850, 900, 950,
    ],
    &[100, 112, 125, 140, 160, 180, 200, 225, 250, 280, 320, 360, 400, 450, 500, 560, 640, 720, 800, 900],
    &[100, 125, 160, 200, 250, 320, 400, 500, 640, 800],
    &[100, 160, 250, 400, 640],
    &[100, 200, 500],
    &[100],
];
/// Amounts below so many millionths count as zero.
const LEAST: u128 = 100;

impl Quantiles {
    /// The values as bars, ascending and without gaps, as fine as the number of bars allows. Which bar a value near a bound is in, is as
    /// exact as quantiles are.
    pub(crate) fn histogram(&self) -> Vec<Bar> {
        let (Some((least, _)), Some((greatest, _))) = (self.counts().next(), self.counts().last()) else {
            return Vec::new();
        };
        let coarsest = STEPS[STEPS.len() - 1];
        let is_fine = |steps: &&&[u64]| {
            let span = place_of(greatest, steps) - place_of(least, steps);
            usize::try_from(span).is_ok_and(|span| span < HISTOGRAM_BARS_MAX)
        };
        let steps = STEPS.iter().find(is_fine).copied().unwrap_or(coarsest);
        let first = place_of(least, steps);
        let mut bars: Vec<Bar> =
            (first..=place_of(greatest, steps)).map(|place| bar_at(place, steps)).collect();
        for (value, count) in self.counts() {
            bars[(place_of(value, steps) - first) as usize].count += count;
        }
        bars
    }
}

/// The number of the bar a value is in; 0 holds zero, negative ones mirror the others.
fn place_of(value: Number, steps: &[u64]) -> i32 {
    let amount = value.0.unsigned_abs();
    if amount < LEAST {
        return 0;
    }
    let power = amount.ilog10() - 2;
    let hundredths = amount / 10_u128.pow(power);
    let below = steps.iter().take_while(|step| u128::from(**step) <= hundredths).count();
    let place = (power as usize * steps.len() + below) as i32;
    if value.0 < 0 { -place } else { place }
}

fn bar_at(place: i32, steps: &[u64]) -> Bar {
    let bound = |place: u32| {
        let power = place / steps.len() as u32;
        let bound = 10_u128
            .checked_pow(power)
            .and_then(|unit| unit.checked_mul(steps[place as usize % steps.len()].into()));
        bound.and_then(|bound| i128::try_from(bound).ok()).unwrap_or(i128::MAX)
    };
    let number = place.unsigned_abs();
    let (near, far) = match number.checked_sub(1) {
        None => (0, 0),
        Some(before) => (bound(before), bound(number)),
    };
    let (lower, upper) = if place < 0 { (-far, -near) } else { (near, far) };
    Bar { lower: Number(lower), upper: Number(upper), count: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = i128>) -> Vec<Bar> {
        let mut quantiles = Quantiles::default();
        for value in values {
            quantiles.add(Number(value));
        }
        quantiles.histogram()
    }

    #[track_caller]
    fn check(values: &[i128], expected: &str) {
        let bars = of(values.iter().map(|value| value * 1_000_000));
        let shown: Vec<String> =
            bars.iter().map(|bar| format!("{}…{}: {}", bar.lower, bar.upper, bar.count)).collect();
        assert_eq!(shown.join(", "), expected);
    }

    #[test]
    fn bars_lie_between_round_numbers() {
        check(&[], "");
        check(&[0, 0], "0…0: 2");
        check(&[431], "425…450: 1");
        check(&[100, 105, 110, 113, 118], "100…106: 2, 106…112: 1, 112…118: 1, 118…125: 1");
        check(&[-100, -113], "-118…-112: 1, -112…-106: 0, -106…-100: 1");
        check(&[1, 40, 9999], &bars_of_four_powers());
    }

    fn bars_of_four_powers() -> String {
        let bound = |place: usize| {
            let start = [1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0][place % 10];
            start * [1.0, 10.0, 100.0, 1000.0, 10_000.0][place / 10]
        };
        let bar = |place: usize| {
            let count = u8::from([0, 16, 39].contains(&place));
            format!("{}…{}: {count}", bound(place), bound(place + 1))
        };
        (0..40).map(bar).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn many_powers_of_ten_make_coarse_bars() {
        let bars = of((0..20).map(|power| 10_i128.pow(power) * 1_000_000));
        assert_eq!(bars.len(), 20);
        assert!(bars.iter().all(|bar| bar.count == 1 && bar.upper.0 == bar.lower.0 * 10));
    }

    proptest! {
        #[test]
        fn each_value_is_in_its_bar(values in proptest::collection::vec((any::<i128>(), 0..128_u32), 1..30)) {
            let values: Vec<i128> = values.into_iter().map(|(value, shift)| value >> shift).collect();
            let bars = of(values.iter().copied());
            prop_assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), values.len() as u64);
            prop_assert!(bars.len() <= 2 * HISTOGRAM_BARS_MAX);
            for pair in bars.windows(2) {
                prop_assert!(pair[0].upper <= pair[1].lower && pair[0].lower < pair[1].upper);
            }
            for value in values {
                let slack = (value.unsigned_abs() / 256 + LEAST) as i128;
                let inside = |bar: &&Bar| {
                    bar.lower.0.saturating_sub(slack) <= value && value <= bar.upper.0.saturating_add(slack)
                };
                prop_assert!(bars.iter().filter(inside).any(|bar| bar.count > 0), "{}", value);
            }
        }
    }
}
