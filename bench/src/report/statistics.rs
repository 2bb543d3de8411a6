//! Medians, and how sure they are.

use std::collections::BTreeMap;
use std::fmt;

/// Resamples of a bootstrap: the ends of the interval then move by less than their second digit.
const RESAMPLES: usize = 4000;

/// The middle value; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[middle - 1], upper) })
}

/// A median with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Estimate {
    /// The median of `values` and the interval that 95 % of resampled medians fall into.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let middle = median(values)?;
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .filter_map(|_| {
                let resample: Vec<f64> = values.iter().map(|_| values[random.below(values.len())]).collect();
                median(&resample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        let at = |share: f64| medians[((medians.len() - 1) as f64 * share).round() as usize];
        Some(Self { median: middle, low: at(0.025), high: at(0.975) })
    }

    /// Of the ratios of rounds that both have: what disturbs a whole round cancels out.
    pub(crate) fn of_ratios(over: &BTreeMap<usize, f64>, under: &BTreeMap<usize, f64>) -> Option<Self> {
        let pairs = over.iter().filter_map(|(round, value)| Some((value, under.get(round)?)));
        Self::of(
            &pairs.filter(|(_, base)| **base > 0.0).map(|(value, base)| value / base).collect::<Vec<_>>(),
        )
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.low, self.high)
    }
}

/// Xorshift: the same figures give the same interval every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn the_interval_holds_the_median_and_narrows_with_agreement() {
        let wide = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).unwrap();
        assert!(wide.low <= 3.0 && wide.high >= 7.0 && wide.median == 5.0, "{wide}");
        let same = Estimate::of(&[2.0; 9]).unwrap();
        assert_eq!((same.low, same.high), (2.0, 2.0));
    }

    #[test]
    fn ratios_are_taken_within_a_round_only() {
        let over = BTreeMap::from([(0, 1.0), (1, 10.0), (2, 5.0)]);
        let under = BTreeMap::from([(0, 2.0), (1, 20.0), (3, 1.0)]);
        let ratio = Estimate::of_ratios(&over, &under).unwrap();
        assert_eq!((ratio.median, ratio.low, ratio.high), (0.5, 0.5, 0.5));
    }
}
