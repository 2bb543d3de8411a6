//! Waits for the threads that read, without holding the interpreter up: signals are noticed, and progress is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_analytics::input::Watch;
use pyo3::prelude::*;

use crate::errors::{self, Failure};
use crate::report::Answer;

/// Time between two looks at signals.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Time between two calls of `progress`.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How long threads that are to stop are waited for; one that waits for a pipe may never stop, and is left alone.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// What the threads tell, and are told.
#[derive(Default)]
pub(crate) struct Watched {
    done: AtomicU64,
    is_interrupted: AtomicBool,
}

impl Watch for Watched {
    fn has_read(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }
}

/// Who is told how far reading is.
pub(crate) struct Progress<'py> {
    callback: Option<Bound<'py, PyAny>>,
    total: Option<u64>,
    told: Instant,
}

impl<'py> Progress<'py> {
    pub(crate) fn new(callback: Option<Bound<'py, PyAny>>, total: Option<u64>) -> Self {
        Self { callback, total, told: Instant::now() }
    }

    /// Looks at signals, and tells how far it is unless that has just been told.
    ///
    /// # Errors
    ///
    /// What a signal's handler or the callback raises: then reading is to stop.
    pub(crate) fn look(&mut self, py: Python<'py>, done: u64) -> PyResult<()> {
        py.check_signals()?;
        if self.told.elapsed() < TELL_EVERY {
            return Ok(());
        }
        self.told = Instant::now();
        self.tell(done)
    }

    /// Tells that it is done.
    pub(crate) fn finish(&self, py: Python<'py>, done: u64) -> PyResult<()> {
        py.check_signals()?;
        self.tell(self.total.unwrap_or(done))
    }

    fn tell(&self, done: u64) -> PyResult<()> {
        let Some(callback) = &self.callback else { return Ok(()) };
        let done = self.total.map_or(done, |total| done.min(total));
        callback.call1((done, self.total)).map(drop)
    }
}

/// Runs `work` in a thread of its own, and waits for what it finds with the interpreter free for others.
pub(crate) fn wait_for<'py>(
    py: Python<'py>,
    progress: &mut Progress<'py>,
    work: impl FnOnce(&Watched) -> Result<Answer, Failure> + Send + 'static,
) -> PyResult<Answer> {
    let watch = Arc::new(Watched::default());
    let (tell, mut told) = channel();
    let watched = Arc::clone(&watch);
    let started = thread::Builder::new().name("lockgate".into()).spawn(move || {
        // Nobody listens any more once it has been left alone.
        let _ = tell.send(work(&watched));
    });
    started.map_err(|error| errors::failure(py, &Failure::Threads(error.to_string())))?;
    let mut stopped: Option<(PyErr, Instant)> = None;
    loop {
        let outcome;
        // What listens cannot be lent to code that runs without the interpreter, but given to it and back.
        (told, outcome) = py.detach(move || {
            let outcome = told.recv_timeout(LOOK_EVERY);
            (told, outcome)
        });
        match (outcome, stopped.take()) {
            (Err(RecvTimeoutError::Timeout), None) => {
                let done = watch.done.load(Ordering::Relaxed);
                if let Err(error) = progress.look(py, done) {
                    watch.is_interrupted.store(true, Ordering::Relaxed);
                    stopped = Some((error, Instant::now()));
                }
            }
            (Err(RecvTimeoutError::Timeout), Some((error, since))) if since.elapsed() < STOP_WITHIN => {
                stopped = Some((error, since));
            }
            (_, Some((error, _))) => return Err(error),
            (Err(RecvTimeoutError::Disconnected), None) => return Err(errors::defect(py)),
            (Ok(found), None) => return found.map_err(|failure| errors::failure(py, &failure)),
        }
    }
}
