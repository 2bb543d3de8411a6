//! How long sealed segments are kept.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A segment that no longer changes.
#[derive(Clone, Debug)]
pub(crate) struct SealedSegment {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sealed_at: SystemTime,
    /// It was to be removed, and the log says why it was not.
    is_stuck: bool,
}

impl SealedSegment {
    pub(crate) fn new(path: PathBuf, bytes: u64, sealed_at: SystemTime) -> Self {
        Self { path, bytes, sealed_at, is_stuck: false }
    }

    /// Notes that it could not be removed, which is tried again; says so once.
    pub(crate) fn that_stays(self, error: &io::Error) -> Self {
        if !self.is_stuck {
            tracing::warn!(segment = %self.path.display(), %error, "an expired segment could not be removed");
        }
        Self { is_stuck: true, ..self }
    }
}

/// What may stay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// Sealed and live segments together, bytes.
    pub(crate) bytes: u64,
    pub(crate) age: Duration,
}

/// Takes the segments that are to go out of `sealed`, which is ordered oldest first; those that are needed still stay, and what is behind them goes.
pub(crate) fn take_expired(
    sealed: &mut VecDeque<SealedSegment>,
    live_bytes: u64,
    keep: Keep,
    now: SystemTime,
    is_needed: impl Fn(&SealedSegment) -> bool,
) -> Vec<SealedSegment> {
    let mut total = live_bytes + sealed.iter().map(|segment| segment.bytes).sum::<u64>();
    let mut expired = Vec::new();
    for segment in std::mem::take(sealed) {
        let too_old = now.duration_since(segment.sealed_at).is_ok_and(|age| age > keep.age);
        if (total <= keep.bytes && !too_old) || is_needed(&segment) {
            sealed.push_back(segment);
        } else {
            total -= segment.bytes;
            expired.push(segment);
        }
    }
    expired
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of 10 bytes, sealed 3, 2 and 1 hours ago, and what remains of them.
    #[track_caller]
    fn check(live_bytes: u64, keep_bytes: u64, keep_hours: u64, needed: &str, remaining: &[&str]) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let mut sealed: VecDeque<_> = [("a", 3), ("b", 2), ("c", 1)]
            .map(|(path, age)| SealedSegment::new(path.into(), 10, now - hours(age)))
            .into();
        let keep = Keep { bytes: keep_bytes, age: hours(keep_hours) };
        let expired =
            take_expired(&mut sealed, live_bytes, keep, now, |segment| segment.path.as_os_str() == needed);
        assert_eq!(sealed.iter().map(|s| s.path.to_str().unwrap()).collect::<Vec<_>>(), remaining);
        assert_eq!(expired.len() + sealed.len(), 3);
    }

    #[test]
    fn the_oldest_goes_first_until_the_rest_fits() {
        check(10, 40, 9, "", &["a", "b", "c"]);
        check(10, 39, 9, "", &["b", "c"]);
        check(10, 20, 9, "", &["c"]);
    }

    #[test]
    fn the_live_segment_stays_even_when_it_alone_is_too_large() {
        check(100, 20, 9, "", &[]);
    }

    #[test]
    fn what_is_too_old_goes() {
        check(0, 1000, 2, "", &["b", "c"]);
        check(0, 1000, 0, "", &[]);
    }

    #[test]
    fn what_is_still_needed_stays_and_holds_nothing_else() {
        check(0, 0, 0, "b", &["b"]);
        check(0, 10, 9, "a", &["a"]);
    }
}
