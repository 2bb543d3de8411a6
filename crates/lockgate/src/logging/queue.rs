//! Lines of the log on their way to standard error: whoever logs does not wait for whoever reads, who may stand still for ever.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What may wait to be written, in bytes; lines beyond are lost.
const WAITING_MAX: usize = 4 << 20;

/// How often is looked whether all is written.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Takes lines and has them written by a thread of its own.
#[derive(Clone)]
pub(crate) struct LogQueue {
    lines: Sender<Vec<u8>>,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    lost: AtomicU64,
}

impl LogQueue {
    /// Writes lines to `out`. `tell` says how many were lost, as soon as there is room again.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let (lines, taken) = channel();
        let waiting = Arc::<Waiting>::default();
        let shared = waiting.clone();
        thread::Builder::new().name("log".into()).spawn(move || write(&taken, out, &shared, tell))?;
        Ok(Self { lines, waiting })
    }

    /// Waits until all lines are written, at most as long as `within`.
    pub(crate) fn flush(&self, within: Duration) {
        let late = Instant::now() + within;
        while self.waiting.bytes.load(Ordering::Acquire) > 0 && Instant::now() < late {
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// A line for each call.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let before = self.waiting.bytes.fetch_add(line.len(), Ordering::AcqRel);
        if before.saturating_add(line.len()) > WAITING_MAX || self.lines.send(line.to_vec()).is_err() {
            self.waiting.bytes.fetch_sub(line.len(), Ordering::AcqRel);
            self.waiting.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(lines: &Receiver<Vec<u8>>, mut out: impl Write, waiting: &Waiting, tell: impl Fn(u64)) {
    while let Ok(line) = lines.recv() {
        // What cannot be written can be told nowhere else, either.
        let _ = out.write_all(&line).and_then(|()| out.flush());
        let left = waiting.bytes.fetch_sub(line.len(), Ordering::AcqRel) - line.len();
        if left <= WAITING_MAX / 2 {
            match waiting.lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => tell(lost),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, pipe};

    #[test]
    fn a_reader_that_stands_still_holds_up_nobody_and_is_told_what_it_missed() {
        let (reader, writer) = pipe().unwrap();
        let (tell, told) = channel();
        let mut queue = LogQueue::start(writer, move |lost| tell.send(lost).unwrap()).unwrap();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let count = 2 * WAITING_MAX / line.len();
        for _ in 0..count {
            queue.write_all(&line).unwrap();
        }
        queue.flush(Duration::from_millis(5));
        assert!(told.try_recv().is_err(), "there is no room yet");
        let reading = thread::spawn(move || BufReader::new(reader).lines().count());
        let lost = told.recv().unwrap();
        assert!(lost > 0);
        queue.flush(Duration::from_secs(60));
        drop(queue);
        assert_eq!(reading.join().unwrap() as u64 + lost, count as u64);
    }
}
