//! How far reading is, while somebody watches.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_analytics::input::Watch;
use terminal_size::{Width, terminal_size_of};

/// Time between two drawings; what is done sooner is not drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Width of the bar.
const BAR: u64 = 20;
/// Puts the cursor at the start of the line, and takes away what is behind it (ECMA-48).
const START_OF_LINE: &str = "\r\x1b[K";

/// Does the work, with its progress on standard error if that is a terminal; `total` bytes are to be read, if it is known how many.
pub(super) fn show<T>(total: Option<u64>, work: impl FnOnce(&dyn Watch) -> T) -> T {
    if !io::stderr().is_terminal() {
        return work(&());
    }
    let read = &BytesRead(AtomicU64::new(0));
    let (end, ended) = channel();
    thread::scope(|scope| {
        scope.spawn(move || draw(read, total, &ended));
        let result = work(read);
        drop(end);
        result
    })
}

struct BytesRead(AtomicU64);

impl Watch for BytesRead {
    fn has_read(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Draws until the work has ended, and leaves the line as it was.
fn draw(read: &BytesRead, total: Option<u64>, ended: &Receiver<()>) {
    let (start, mut is_drawn) = (Instant::now(), false);
    // A terminal that has gone is nobody who watches.
    while ended.recv_timeout(DRAW_EVERY) == Err(RecvTimeoutError::Timeout) {
        let columns = terminal_size_of(io::stderr()).map_or(80, |(Width(columns), _)| columns.into());
        let line = line(read.0.load(Ordering::Relaxed), total, start.elapsed(), columns);
        let _ = write!(io::stderr(), "{START_OF_LINE}{line}");
        is_drawn = true;
    }
    if is_drawn {
        let _ = write!(io::stderr(), "{START_OF_LINE}");
    }
}

/// How far it is, no wider than so many columns.
fn line(read: u64, total: Option<u64>, elapsed: Duration, columns: usize) -> String {
    let per_second = read as f64 / elapsed.as_secs_f64().max(0.001);
    let mut line = String::new();
    // Writing to a String cannot fail.
    let _ = match total.filter(|total| *total > 0) {
        None => write!(line, "{} read, {}/s", size(read as f64), size(per_second)),
        Some(total) => {
            let read = read.min(total);
            let filled = (read * BAR / total) as usize;
            let bar = ["█".repeat(filled), "░".repeat(BAR as usize - filled)].concat();
            let left_s = (total - read) as f64 / per_second.max(1.0);
            let (percent, rate) = (read * 100 / total, size(per_second));
            write!(
                line,
                "{percent:3} % {bar} {} of {}, {rate}/s, {}",
                size(read as f64),
                size(total as f64),
                left(left_s)
            )
        }
    };
    line.chars().take(columns.saturating_sub(1)).collect()
}

fn size(bytes: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB")];
    let (unit, name) = units.into_iter().find(|(unit, _)| bytes >= *unit).unwrap_or((1e3, "kB"));
    format!("{:.1} {name}", bytes / unit)
}

fn left(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..60 => format!("{seconds} s left"),
        60..3600 => format!("{}:{:02} min left", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h left", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(read: u64, total: Option<u64>, columns: usize, expected: &str) {
        assert_eq!(line(read, total, Duration::from_secs(2), columns), expected);
    }

    #[test]
    fn a_line_says_how_far_it_is_how_fast_and_how_long_it_takes() {
        check(
            1_000_000_000,
            Some(4_000_000_000),
            80,
            " 25 % █████░░░░░░░░░░░░░░░ 1.0 GB of 4.0 GB, 500.0 MB/s, 6 s left",
        );
        check(
            1_000_000,
            Some(100_000_000),
            80,
            "  1 % ░░░░░░░░░░░░░░░░░░░░ 1.0 MB of 100.0 MB, 500.0 kB/s, 3:18 min left",
        );
        check(0, Some(10_000), 80, "  0 % ░░░░░░░░░░░░░░░░░░░░ 0.0 kB of 10.0 kB, 0.0 kB/s, 2:46 h left");
    }

    #[test]
    fn where_the_end_is_not_known_it_says_how_much_and_how_fast() {
        check(3_000_000, None, 80, "3.0 MB read, 1.5 MB/s");
        check(3_000_000, Some(0), 80, "3.0 MB read, 1.5 MB/s");
    }

    #[test]
    fn a_file_that_grows_is_never_more_than_done_and_no_line_is_too_wide() {
        check(7_000, Some(5_000), 31, "100 % ████████████████████ 5.0");
        check(7_000, Some(5_000), 0, "");
    }
}
