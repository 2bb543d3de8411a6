//! Wall-clock time from the monotonic one, so that a request reads the clock once for both.

use std::cell::{Cell, RefCell};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lockgate_event::Timestamp;

/// A worker's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Cell<Instant>,
    base_us: Cell<u64>,
    date: RefCell<Vec<u8>>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let clock = Self { base: Cell::new(Instant::now()), base_us: Cell::new(0), date: RefCell::default() };
        clock.follow();
        clock
    }

    /// Follows a wall clock that has been set; to be called about once a second.
    pub(crate) fn follow(&self) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let us = u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX);
        self.base.set(Instant::now());
        self.base_us.set(us);
        let mut date = self.date.borrow_mut();
        date.clear();
        write_imf_date(us, &mut date);
    }

    /// Microseconds since 1970 at a moment of the monotonic clock.
    pub(crate) fn wall_us(&self, at: Instant) -> u64 {
        self.base_us.get().saturating_add(crate::record::micros(self.base.get(), at))
    }

    /// Hands out the value of a `Date` field, as of the last second (RFC 9110 §6.6.1).
    pub(crate) fn with_date<T>(&self, use_date: impl FnOnce(&[u8]) -> T) -> T {
        use_date(&self.date.borrow())
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn write_imf_date(us: u64, out: &mut Vec<u8>) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = Timestamp::from_unix_us(us);
    let weekday = DAYS[(us / 86_400_000_000 % 7) as usize];
    let month = MONTHS[usize::from(time.month.clamp(1, 12)) - 1];
    let text = format!(
        "{weekday}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        time.day, time.year, time.hour, time.minute, time.second
    );
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_9110_shows_them() {
        let mut out = Vec::new();
        write_imf_date(784_111_777_000_000, &mut out);
        assert_eq!(out, b"Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
