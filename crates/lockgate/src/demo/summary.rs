//! One line per second on what the gateway does: rewritten in place on a terminal, one after the other elsewhere.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use control::Summary;
use server::Server;

use crate::failure::Failure;
use crate::output::{self, Reader};

/// Takes the cursor to the start of the line and the line away; what does not fit is cut off, or the next line could not replace it.
const REWRITE: &str = "\r\x1b[2K\x1b[?7l";
/// Long lines wrap again.
const WRAP: &str = "\x1b[?7h";

/// Prints the summaries.
#[derive(Debug)]
pub(super) struct Printer {
    in_place: bool,
    /// Requests by class at the summary before.
    before: [u64; 6],
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { in_place: stdout().is_terminal(), before: [0; 6] }
    }

    /// Prints what has happened since the summary before.
    pub(super) fn print(&mut self, server: &Server) -> Result<Reader, Failure> {
        let summary = server.metrics().summary();
        let line = line(&summary, &self.before, server.gauges().exchanges);
        self.before = summary.requests_by_class;
        let text = if self.in_place { format!("{REWRITE}{line}{WRAP}") } else { format!("{line}\n") };
        output::print(text.as_bytes())
    }

    /// Leaves the last summary where it is.
    pub(super) fn end(&self) -> Result<(), Failure> {
        if self.in_place {
            output::print(b"\n")?;
        }
        Ok(())
    }
}

fn line(summary: &Summary, before: &[u64; 6], in_flight: u64) -> String {
    let rate = match summary.interval.as_secs_f64() {
        seconds if seconds > 0.0 => summary.interval_requests as f64 / seconds,
        _ => 0.0,
    };
    let class = |at: usize| summary.requests_by_class[at].wrapping_sub(before[at]);
    format!(
        "{rate:6.0} req/s   2xx {:<5} 3xx {:<5} 4xx {:<5} 5xx {:<5} p50 {:>8}   p99 {:>8}   in flight {:<4} total {}",
        class(2),
        class(3),
        class(4),
        class(5),
        shown(summary.interval_p50),
        shown(summary.interval_p99),
        in_flight,
        summary.requests_total,
    )
}

/// A time with three digits that count, or a dash.
fn shown(time: Option<Duration>) -> String {
    match time.map(|time| time.as_micros() as u64) {
        None => "-".into(),
        Some(us @ 0..1_000) => format!("{us} µs"),
        Some(us @ 1_000..10_000) => format!("{:.2} ms", us as f64 / 1e3),
        Some(us @ 10_000..100_000) => format!("{:.1} ms", us as f64 / 1e3),
        Some(us @ 100_000..1_000_000) => format!("{} ms", us / 1_000),
        Some(us) => format!("{:.2} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_the_interval_and_not_the_past() {
        let summary = Summary {
            requests_total: 140,
            requests_by_class: [0, 0, 130, 2, 7, 1],
            interval: Duration::from_secs(2),
            interval_requests: 40,
            interval_p50: Some(Duration::from_micros(431)),
            interval_p99: Some(Duration::from_micros(301_500)),
            ..Summary::default()
        };
        assert_eq!(
            line(&summary, &[0, 0, 95, 1, 4, 0], 3),
            "    20 req/s   2xx 35    3xx 1     4xx 3     5xx 1     p50   431 µs   p99   301 ms   in flight 3    total 140"
        );
    }

    #[test]
    fn a_time_has_three_digits() {
        for (us, expected) in
            [(7, "7 µs"), (1_234, "1.23 ms"), (12_345, "12.3 ms"), (123_456, "123 ms"), (1_234_567, "1.23 s")]
        {
            assert_eq!(shown(Some(Duration::from_micros(us))), expected);
        }
        assert_eq!(shown(None), "-");
    }
}
