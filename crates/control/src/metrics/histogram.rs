//! Counts by duration: the coarse buckets Prometheus gets, and fine ones for quantiles.

/// Upper bounds of the buckets, microseconds, and the same as Prometheus' `le`, seconds.
pub(crate) const BOUNDS: [(u64, &str); 16] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
    (60_000_000, "60"),
];

/// Counts in the buckets of [`BOUNDS`] and one above them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Not cumulative: one addition per observation.
    counts: [u64; BOUNDS.len() + 1],
    sum_us: u64,
}

impl Histogram {
    pub(crate) fn observe(&mut self, us: u64) {
        // Most exchanges end in the first buckets, so a scan from below is short.
        let bucket = BOUNDS.iter().position(|(bound, _)| us <= *bound).unwrap_or(BOUNDS.len());
        self.counts[bucket] = self.counts[bucket].wrapping_add(1);
        self.sum_us = self.sum_us.wrapping_add(us);
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.wrapping_add(*count))
    }

    pub(crate) fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// The bounds with the number of observations at or below each; `+Inf` last.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let bounds = BOUNDS.iter().map(|(_, le)| *le).chain(["+Inf"]);
        bounds.zip(self.counts).scan(0_u64, |sum, (le, count)| {
            *sum = sum.wrapping_add(count);
            Some((le, *sum))
        })
    }
}

/// Each power of two in 16 equal parts: a quantile is off by at most a sixteenth.
const PARTS_BITS: u32 = 4;
const FINE_BUCKETS: usize = ((64 - PARTS_BITS as usize) << PARTS_BITS) + (1 << PARTS_BITS);

/// Counts fine enough to read quantiles from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FineHistogram {
    counts: Box<[u64]>,
}

impl Default for FineHistogram {
    fn default() -> Self {
        Self { counts: vec![0; FINE_BUCKETS].into_boxed_slice() }
    }
}

impl FineHistogram {
    pub(crate) fn observe(&mut self, us: u64) {
        let count = &mut self.counts[fine_bucket(us)];
        *count = count.wrapping_add(1);
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.wrapping_add(*count))
    }

    /// What has been observed since `earlier`, an older copy of this one.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, then)| now.wrapping_sub(*then));
        Self { counts: counts.collect() }
    }

    /// The smallest bucket's upper end that at least `permille` of a thousand observations do not exceed,
    /// microseconds; `None` without observations.
    pub(crate) fn quantile_us(&self, permille: u64) -> Option<u64> {
        let wanted = (u128::from(self.count()) * u128::from(permille)).div_ceil(1000).max(1);
        let mut seen = 0_u128;
        let found = self.counts.iter().position(|count| {
            seen += u128::from(*count);
            seen >= wanted
        });
        found.map(fine_upper_us)
    }
}

/// Values below 16 have a bucket each; above, the four bits after the leading one choose the part.
fn fine_bucket(us: u64) -> usize {
    let shift = (u64::BITS - us.leading_zeros()).saturating_sub(PARTS_BITS + 1);
    ((shift as usize) << PARTS_BITS) + (us >> shift) as usize
}

fn fine_upper_us(bucket: usize) -> u64 {
    let shift = (bucket >> PARTS_BITS).saturating_sub(1);
    let first = ((bucket - (shift << PARTS_BITS)) as u64) << shift;
    first + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_and_agree_with_their_text() {
        assert!(BOUNDS.is_sorted_by(|a, b| a.0 < b.0));
        for (us, le) in BOUNDS {
            assert_eq!((le.parse::<f64>().unwrap() * 1e6).round() as u64, us, "{le}");
        }
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let check = |us: u64, le: &str| {
            let mut histogram = Histogram::default();
            histogram.observe(us);
            let first = histogram.cumulative().find(|(_, count)| *count == 1).unwrap();
            assert_eq!(first.0, le, "{us} us");
            assert_eq!((histogram.count(), histogram.sum_us()), (1, us));
        };
        check(0, "0.0005");
        check(500, "0.0005");
        check(501, "0.001");
        check(60_000_000, "60");
        check(60_000_001, "+Inf");
        check(u64::MAX, "+Inf");
    }

    #[test]
    fn every_value_is_within_a_sixteenth_of_its_fine_bucket() {
        let powers =
            (0..64).flat_map(|bits| [1_u64 << bits, (1 << bits) - 1, (1 << bits) | ((1 << bits) / 3)]);
        for us in powers.chain(0..5000).chain([u64::MAX]) {
            let upper = fine_upper_us(fine_bucket(us));
            assert!(upper >= us && upper - us <= us / 16, "{us} is in a bucket up to {upper}");
        }
        assert_eq!(fine_bucket(u64::MAX), FINE_BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut histogram = FineHistogram::default();
        assert_eq!(histogram.quantile_us(500), None);
        (1..=1000).for_each(|us| histogram.observe(us));
        for (permille, exact) in [(0, 1), (500, 500), (990, 990), (1000, 1000)] {
            let quantile = histogram.quantile_us(permille).unwrap();
            assert!(quantile >= exact && quantile <= exact + exact / 16, "{permille}: {quantile}");
        }
    }

    #[test]
    fn an_interval_sees_only_what_came_since() {
        let mut histogram = FineHistogram::default();
        histogram.observe(1_000_000);
        let earlier = histogram.clone();
        histogram.observe(10);
        let interval = histogram.since(&earlier);
        assert_eq!((interval.count(), interval.quantile_us(990)), (1, Some(10)));
    }
}
