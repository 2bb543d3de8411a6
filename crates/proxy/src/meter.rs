//! What of an exchange counts, and how much of it records have told.
//!
//! Of whatever is counted, the parts of an exchange and its end add up to the whole, since each tells what has come since the one
//! before, in whole bytes or microseconds.

use config::Meter;
use lockgate_event::{Kind, Value};
use message::Fields;

/// Millionths of a unit in a byte.
const BYTE: u64 = 1_000_000;
/// Millionths of a millisecond in a microsecond.
const MICROSECOND: u64 = 1_000;

/// How far an exchange has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the response's body.
    pub bytes_out: u64,
    /// Microseconds since the request's head was read.
    pub elapsed_us: u64,
}

/// The count of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// What the whole exchange counts, where that does not grow while it goes on.
    pub header: Value,
    /// Bytes or microseconds that records have told of.
    told: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { header: Value::ZERO, told: 0 }
    }
}

impl Tally {
    /// What a record of this kind, `done` or `part`, has to tell.
    pub fn value(&self, kind: Kind, meter: &Meter, progress: Progress) -> Value {
        match (grown(meter, progress), kind) {
            (Some(now), _) => worth(meter, now.saturating_sub(self.told)),
            (None, Kind::Done) => self.whole(meter),
            (None, Kind::Part | Kind::Cut) => Value::ZERO,
        }
    }

    /// Notes that a record has told it.
    pub fn tell(&mut self, meter: &Meter, progress: Progress) {
        self.told = grown(meter, progress).unwrap_or_default();
    }

    /// What a `cut` takes back when so many bytes of the answer were not taken: these bytes, or else the exchange.
    pub fn taken_back(&self, meter: &Meter, bytes: u64) -> Value {
        let value = match meter {
            Meter::Requests | Meter::ResponseHeader(_) => self.whole(meter),
            Meter::Bytes | Meter::BytesOut => worth(meter, bytes),
            Meter::BytesIn => Value::ZERO,
            Meter::Milliseconds => worth(meter, self.told),
        };
        Value(-value.0)
    }

    /// What counts once.
    fn whole(&self, meter: &Meter) -> Value {
        if let Meter::ResponseHeader(_) = meter { self.header } else { Value::ONE }
    }
}

/// Bytes or microseconds so far; `None`: what is counted does not grow.
fn grown(meter: &Meter, progress: Progress) -> Option<u64> {
    match meter {
        Meter::Requests | Meter::ResponseHeader(_) => None,
        Meter::Bytes => Some(progress.bytes_in.saturating_add(progress.bytes_out)),
        Meter::BytesIn => Some(progress.bytes_in),
        Meter::BytesOut => Some(progress.bytes_out),
        Meter::Milliseconds => Some(progress.elapsed_us),
    }
}

/// The value of so many bytes or microseconds, at most the largest there is.
fn worth(meter: &Meter, count: u64) -> Value {
    let each = if *meter == Meter::Milliseconds { MICROSECOND } else { BYTE };
    Value(i64::try_from(count.saturating_mul(each)).unwrap_or(i64::MAX))
}

/// The number in a header; `None` when there is none, more than one, or none that counts something.
pub fn header_value(fields: &Fields, name: &str) -> Option<Value> {
    let mut values = fields.values(name);
    let value = std::str::from_utf8(values.next()?).ok()?.parse::<Value>().ok()?;
    (value >= Value::ZERO && values.next().is_none()).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Meter {
        Meter::ResponseHeader("x-units".to_owned())
    }

    fn progress(bytes_in: u64, bytes_out: u64, elapsed_us: u64) -> Progress {
        Progress { bytes_in, bytes_out, elapsed_us }
    }

    #[test]
    fn a_number_in_a_header_counts_when_it_is_the_only_one_and_not_negative() {
        for (given, expected) in [
            (&["12.5"][..], Some(12_500_000)),
            (&["0"], Some(0)),
            (&["0.0000005"], Some(0)),
            (&["0.0000015"], Some(2)),
            (&["-0.5"], None),
            (&["many"], None),
            (&["1e3"], None),
            (&[""], None),
            (&["99999999999999999999"], None),
            (&["1", "2"], None),
            (&["1, 2"], None),
            (&[], None),
        ] {
            let mut fields = Fields::default();
            for value in given {
                fields.append("X-Units", value.as_bytes());
            }
            assert_eq!(header_value(&fields, "x-units"), expected.map(Value), "{given:?}");
        }
    }

    #[test]
    fn a_whole_exchange_counts_as_its_meter_says() {
        let whole = progress(3, 5, 1_500);
        for (meter, value, back) in [
            (Meter::Requests, Value::ONE, Value(-1_000_000)),
            (header(), Value(42), Value(-42)),
            (Meter::Bytes, Value(8_000_000), Value(-2_000_000)),
            (Meter::BytesIn, Value(3_000_000), Value(0)),
            (Meter::BytesOut, Value(5_000_000), Value(-2_000_000)),
            (Meter::Milliseconds, Value(1_500_000), Value(-1_500_000)),
        ] {
            let mut tally = Tally { header: Value(42), ..Tally::default() };
            assert_eq!(tally.value(Kind::Done, &meter, whole), value, "{meter:?}");
            tally.tell(&meter, whole);
            assert_eq!(tally.taken_back(&meter, 2), back, "{meter:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_the_largest_value() {
        for meter in [Meter::Bytes, Meter::BytesOut, Meter::Milliseconds] {
            let mut tally = Tally::default();
            let all = progress(u64::MAX, u64::MAX, u64::MAX);
            assert_eq!(tally.value(Kind::Done, &meter, all), Value(i64::MAX), "{meter:?}");
            tally.tell(&meter, all);
            assert_eq!(tally.taken_back(&meter, u64::MAX), Value(-i64::MAX), "{meter:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(
            steps in prop::collection::vec((0..1_000_000_u64, 0..1_000_000_u64, 0..1_000_000_u64, any::<bool>()), 1..20)
        ) {
            for meter in [Meter::Requests, header(), Meter::Bytes, Meter::BytesIn, Meter::BytesOut, Meter::Milliseconds] {
                let mut tally = Tally { header: Value(7), ..Tally::default() };
                let (mut now, mut sum) = (progress(0, 0, 0), 0);
                for &(bytes_in, bytes_out, us, recorded) in &steps {
                    now = progress(now.bytes_in + bytes_in, now.bytes_out + bytes_out, now.elapsed_us + us);
                    if recorded {
                        sum += tally.value(Kind::Part, &meter, now).0;
                        tally.tell(&meter, now);
                    }
                }
                let done = tally.value(Kind::Done, &meter, now).0;
                let at_once = Tally { header: Value(7), ..Tally::default() }.value(Kind::Done, &meter, now).0;
                prop_assert_eq!(sum + done, at_once, "{:?}", meter);
            }
        }
    }
}
