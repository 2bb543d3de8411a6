//! The drainer's thread: when to do the next round, and what to do when the disk does not take one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Drainer;
use crate::JournalError;
use crate::journal::WhenFull;
use crate::map::RingMap;
use crate::readers::Readers;

/// Longest pause: what a quiet record waits, and what the rings must have room for.
const PAUSE_MAX: Duration = Duration::from_millis(20);
/// Shortest pause, when the rings fill quickly.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// First and longest wait after the disk refused.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// How often trouble is shouted.
const SHOUT_EVERY: Duration = Duration::from_secs(60);
/// How long the end waits for a disk that refuses.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What the drainer's thread shares with everyone else.
pub(crate) struct Shared {
    pub(crate) rings: Vec<Arc<RingMap>>,
    pub(crate) when_full: WhenFull,
    pub(crate) readers: Readers,
    pub(crate) stopping: AtomicBool,
    pub(crate) written: AtomicU64,
    pub(crate) recovered: AtomicU64,
    pub(crate) segments: AtomicU64,
    pub(crate) bytes_on_disk: AtomicU64,
    trouble: Mutex<Trouble>,
}

/// Why the disk is not well.
#[derive(Clone, Default)]
pub(crate) struct Trouble {
    pub(crate) write_error: Option<String>,
    pub(crate) sync_error: Option<String>,
}

impl Shared {
    pub(crate) fn new(rings: Vec<Arc<RingMap>>, when_full: WhenFull) -> Self {
        Self {
            rings,
            when_full,
            readers: Readers::default(),
            stopping: AtomicBool::new(false),
            written: AtomicU64::new(0),
            recovered: AtomicU64::new(0),
            segments: AtomicU64::new(0),
            bytes_on_disk: AtomicU64::new(0),
            trouble: Mutex::default(),
        }
    }

    pub(crate) fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_sync_error(&self, error: Option<String>) {
        self.trouble().sync_error = error;
    }

    /// Notes whether the disk takes records, and tells the workers if they are to refuse meanwhile.
    pub(crate) fn set_write_error(&self, error: Option<String>) {
        let refusing = u32::from(error.is_some() && self.when_full == WhenFull::Refuse);
        for ring in &self.rings {
            ring.header().refusing.store(refusing, Ordering::Relaxed);
        }
        self.trouble().write_error = error;
    }

    /// Records that counted and found no room.
    pub(crate) fn lost(&self) -> u64 {
        let lost = |ring: &Arc<RingMap>| {
            ring.header().lost_done.load(Ordering::Relaxed) + ring.header().lost_cut.load(Ordering::Relaxed)
        };
        self.rings.iter().map(lost).sum()
    }

    /// How full the fullest ring is, in percent.
    fn fill_percent(&self) -> u64 {
        let fill = |ring: &Arc<RingMap>| {
            let header = ring.header();
            header.head().saturating_sub(header.tail()) * 100 / ring.capacity() as u64
        };
        self.rings.iter().map(fill).max().unwrap_or(0)
    }
}

/// Drains until it is told to stop, and then to the end.
pub(crate) fn run(mut drainer: Drainer) -> Result<(), JournalError> {
    let shared = Arc::clone(&drainer.shared);
    let mut pace = Pace::default();
    while !shared.stopping.load(Ordering::Acquire) {
        let fill_percent = shared.fill_percent();
        let pause = match drainer.round() {
            Ok(_) => pace.after_success(&shared, fill_percent),
            Err(error) => pace.after_failure(&shared, &error),
        };
        std::thread::park_timeout(pause);
    }
    drain_to_the_end(&mut drainer, &mut pace)
}

fn drain_to_the_end(drainer: &mut Drainer, pace: &mut Pace) -> Result<(), JournalError> {
    let shared = Arc::clone(&drainer.shared);
    let deadline = Instant::now() + STOP_WITHIN;
    loop {
        let outcome = match drainer.round() {
            Ok(0) => drainer.finish(),
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return Ok(()) };
        let pause = pace.after_failure(&shared, &error);
        if Instant::now() + pause >= deadline {
            return Err(JournalError::NotDrained { bytes: drainer.undrained_bytes() });
        }
        std::thread::sleep(pause);
    }
}

/// Decides how long to pause, and whether to shout.
#[derive(Default)]
struct Pace {
    retry: Option<Duration>,
    failure_shouted: Option<Instant>,
    loss_shouted: Option<Instant>,
    lost_before: u64,
    pause: Option<Duration>,
}

impl Pace {
    /// The fuller the rings were found, the sooner the next look: aims at a tenth of a ring per round.
    fn after_success(&mut self, shared: &Shared, fill_percent: u64) -> Duration {
        if self.retry.take().is_some() {
            tracing::info!("the journal's disk takes records again");
            self.failure_shouted = None;
            shared.set_write_error(None);
        }
        self.shout_losses(shared);
        let before = self.pause.unwrap_or(PAUSE_MAX);
        let pause = match fill_percent {
            0..=10 => before * 2,
            11..=20 => before,
            _ => before / 4,
        };
        let pause = pause.clamp(PAUSE_MIN, PAUSE_MAX);
        self.pause = Some(pause);
        pause
    }

    fn after_failure(&mut self, shared: &Shared, error: &std::io::Error) -> Duration {
        let wait = self.retry.map_or(RETRY_MIN, |wait| (wait * 2).min(RETRY_MAX));
        self.retry = Some(wait);
        shared.set_write_error(Some(error.to_string()));
        if is_due(&mut self.failure_shouted) {
            tracing::error!(%error, fill_percent = shared.fill_percent(), "the journal cannot write to its disk");
        }
        self.shout_losses(shared);
        wait
    }

    fn shout_losses(&mut self, shared: &Shared) {
        let lost = shared.lost();
        if lost > self.lost_before && is_due(&mut self.loss_shouted) {
            tracing::error!(
                lost = lost - self.lost_before,
                lost_since_start = lost,
                "records found no room in the journal"
            );
            self.lost_before = lost;
        }
    }
}

/// Whether a minute has passed since this was last true.
fn is_due(last: &mut Option<Instant>) -> bool {
    let due = last.is_none_or(|at| at.elapsed() >= SHOUT_EVERY);
    if due {
        *last = Some(Instant::now());
    }
    due
}
