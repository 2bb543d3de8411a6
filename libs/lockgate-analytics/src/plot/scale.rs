//! From values to pixels, and the round values that stand beside an axis.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use lockgate_event::Timestamp;

const SECOND_US: u64 = 1_000_000;
const MINUTE_US: u64 = 60 * SECOND_US;
const HOUR_US: u64 = 60 * MINUTE_US;
const DAY_US: u64 = 24 * HOUR_US;

/// Distances between moments that people read easily, microseconds.
const TIME_STEPS: [u64; 31] = [
    1,
    10,
    100,
    1000,
    10_000,
    100_000,
    500_000,
    SECOND_US,
    2 * SECOND_US,
    5 * SECOND_US,
    10 * SECOND_US,
    15 * SECOND_US,
    30 * SECOND_US,
    MINUTE_US,
    2 * MINUTE_US,
    5 * MINUTE_US,
    10 * MINUTE_US,
    15 * MINUTE_US,
    30 * MINUTE_US,
    HOUR_US,
    2 * HOUR_US,
    3 * HOUR_US,
    6 * HOUR_US,
    12 * HOUR_US,
    DAY_US,
    2 * DAY_US,
    7 * DAY_US,
    14 * DAY_US,
    30 * DAY_US,
    90 * DAY_US,
    365 * DAY_US,
];

/// Values between two bounds as pixels between two others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    values: (f64, f64),
    pixels: (i32, i32),
}

impl Scale {
    pub(super) fn new(values: (f64, f64), pixels: (i32, i32)) -> Self {
        Self { values, pixels }
    }

    pub(super) fn pixel(&self, value: f64) -> i32 {
        let (from, to) = self.values;
        let share = (value - from) / (to - from);
        let (start, end) = (f64::from(self.pixels.0), f64::from(self.pixels.1));
        // A share that is no number becomes pixel 0.
        (start + share.clamp(0.0, 1.0) * (end - start)).round() as i32
    }
}

/// An axis of numbers that holds zero and all values: its bounds, and the round numbers beside it.
pub(super) fn numbers(values: impl Iterator<Item = f64>, ticks: usize) -> ((f64, f64), Vec<f64>) {
    let (least, greatest) = values
        .filter(|value| value.is_finite())
        .fold((0.0_f64, 0.0_f64), |(least, greatest), value| (least.min(value), greatest.max(value)));
    let span = if greatest > least { greatest - least } else { 1.0 };
    let rough = span / ticks.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let (first, last) = ((least / step).floor(), ((least + span) / step - 1e-9).ceil());
    let mut all = Vec::new();
    let mut place = first;
    while place <= last && all.len() <= ticks + 2 {
        all.push(place * step);
        place += 1.0;
    }
    ((first * step, last * step), all)
}

/// A number as short as can be: `12.5k`, `3M`.
pub(super) fn short(value: f64) -> String {
    let (unit, sign) = match value.abs() {
        amount if amount < 1e4 => (1.0, ""),
        amount if amount < 1e6 => (1e3, "k"),
        amount if amount < 1e9 => (1e6, "M"),
        amount if amount < 1e12 => (1e9, "G"),
        amount if amount < 1e15 => (1e12, "T"),
        _ => return format!("{value:.2e}"),
    };
    let decimals = if value.abs() < 1.0 { 6 } else { 2 };
    let text = format!("{:.decimals$}", value / unit);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let text = if text == "-0" { "0" } else { text };
    format!("{text}{sign}")
}

/// Round moments within two bounds, each with how it is written.
pub(super) fn moments(from: u64, to: u64, ticks: usize) -> Vec<(u64, String)> {
    let span = to.saturating_sub(from);
    let rough = span / ticks.max(1) as u64;
    let step = TIME_STEPS.into_iter().find(|step| *step >= rough).unwrap_or(rough).max(1);
    let first = from.div_ceil(step);
    (first..=to / step)
        .take(ticks + 2)
        .filter_map(|place| place.checked_mul(step))
        .map(|us| (us, moment(us, step, span)))
        .collect()
}

/// As much of a moment as tells it from the others of a span.
fn moment(us: u64, step: u64, span: u64) -> String {
    let Timestamp { year, month, day, hour, minute, second, microsecond } = Timestamp::from_unix_us(us);
    if step >= DAY_US {
        return if span > 300 * DAY_US {
            format!("{year}-{month:02}-{day:02}")
        } else {
            format!("{month:02}-{day:02}")
        };
    }
    let date = if span > DAY_US { format!("{month:02}-{day:02} ") } else { String::new() };
    if step >= MINUTE_US {
        format!("{date}{hour:02}:{minute:02}")
    } else if step >= SECOND_US {
        format!("{date}{hour:02}:{minute:02}:{second:02}")
    } else {
        let fraction = format!("{microsecond:06}");
        let digits = 6 - step.ilog10().min(5) as usize;
        format!("{date}{minute:02}:{second:02}.{}", &fraction[..digits])
    }
}

/// The day of a moment, or the days of two.
pub(super) fn days(from: u64, to: u64) -> String {
    let day = |us| {
        let Timestamp { year, month, day, .. } = Timestamp::from_unix_us(us);
        format!("{year}-{month:02}-{day:02}")
    };
    if day(from) == day(to) {
        format!("{}, UTC", day(from))
    } else {
        format!("{} to {}, UTC", day(from), day(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn numbers_beside_an_axis_are_round_and_hold_all_values() {
        assert_eq!(
            numbers([3.0, 97.0].into_iter(), 5),
            ((0.0, 100.0), alloc::vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
        );
        assert_eq!(numbers([-7.0, 4.0].into_iter(), 4).0, (-10.0, 5.0));
        assert_eq!(numbers(core::iter::empty(), 4).0, (0.0, 1.0));
        assert_eq!(numbers([f64::NAN, f64::INFINITY].into_iter(), 4).0, (0.0, 1.0));
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, -0.0, 0.5, 0.000_25, 431.0, 9999.0, 12_500.0, -3e6, 1.5e20].map(short);
        assert_eq!(
            shown,
            ["0", "0", "0.5", "0.00025", "431", "9999", "12.5k", "-3M", "1.50e20"].map(ToString::to_string)
        );
    }

    #[test]
    fn moments_say_as_much_as_their_distance_asks_for() {
        let texts = |from, to| moments(from, to, 4).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(0, 60 * MINUTE_US), ["00:00", "00:15", "00:30", "00:45", "01:00"]);
        assert_eq!(texts(0, 4 * SECOND_US), ["00:00:00", "00:00:01", "00:00:02", "00:00:03", "00:00:04"]);
        assert_eq!(texts(0, 400_000), ["00:00.0", "00:00.1", "00:00.2", "00:00.3", "00:00.4"]);
        assert_eq!(texts(0, 4 * DAY_US), ["01-01", "01-02", "01-03", "01-04", "01-05"]);
        assert_eq!(texts(0, 2 * DAY_US)[1], "01-01 12:00");
        assert_eq!(texts(5, 5), ["00:00.000005"]);
    }

    proptest! {
        #[test]
        fn any_bounds_have_a_few_marks(values: [f64; 2], mut times: [u64; 2], count in 1..20_usize) {
            let ((from, to), ticks) = numbers(values.into_iter(), count);
            prop_assert!(from < to || values.iter().any(|value| value.abs() > 1e300));
            prop_assert!(ticks.len() <= count + 3);
            times.sort_unstable();
            let marks = moments(times[0], times[1], count);
            prop_assert!(marks.len() <= count + 2);
            prop_assert!(marks.iter().all(|(us, _)| (times[0]..=times[1]).contains(us)));
        }
    }
}
