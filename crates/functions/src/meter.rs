//! One call as those see it that watch it: how much time it used, and whether it has failed.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use http_body::Body as _;
use rustix::time::{ClockId, clock_gettime};

use crate::counts::Counters;
use crate::failure::guest_backtrace;
use crate::log::Printable;
use crate::{Failure, Settings, WasiBody};

/// How a call ended: as the guest did, or for a limit.
pub(crate) type Ran = Result<wasmtime::Result<()>, Failure>;

/// Shared by a call's future, the engine's interruptions, and the body of the answer.
#[derive(Debug)]
pub(crate) struct Meter {
    cpu_ns_max: u64,
    /// Processor time of all polls that have ended.
    cpu_ns: AtomicU64,
    /// The thread's processor time when the poll under way began.
    poll_began_ns: AtomicU64,
    failed: AtomicBool,
    answered: AtomicBool,
    end: Mutex<End>,
    /// The guest's body, where its answer has none by rule: it is read, so that the guest can write it, and thrown away.
    unwanted: Mutex<Option<WasiBody>>,
    waker: AtomicWaker,
    settings: Arc<Settings>,
    request: Arc<str>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct End {
    /// Whether the guest has ended, so that what its body turns out to be comes too late for it.
    is_over: bool,
    /// What was reported before that.
    cause: Option<Failure>,
}

impl Meter {
    pub(crate) fn new(settings: Arc<Settings>, request: Arc<str>, counters: Arc<Counters>) -> Self {
        Self {
            cpu_ns_max: u64::try_from(settings.cpu.as_nanos()).unwrap_or(u64::MAX),
            cpu_ns: AtomicU64::new(0),
            poll_began_ns: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            end: Mutex::default(),
            unwanted: Mutex::default(),
            waker: AtomicWaker::new(),
            settings,
            request,
            counters,
        }
    }

    /// Ends the call with a failure, unless it has failed already. A guest that has ended by then is past ending; what its body
    /// turned out to be is then logged and counted here.
    pub(crate) fn fail(&self, failure: Failure) {
        let mut end = self.end();
        if end.is_over {
            self.counters.failed(failure.reason());
            self.log(&failure, None);
            return;
        }
        end.cause.get_or_insert(failure);
        self.failed.store(true, Release);
        drop(end);
        self.waker.wake();
    }

    /// Notes that the guest has ended, and says what was reported of it until then.
    pub(crate) fn close(&self) -> Option<Failure> {
        let mut end = self.end();
        end.is_over = true;
        end.cause.clone()
    }

    /// Says in the log why the call failed, with the guest's own calls at that moment where they are known.
    pub(crate) fn log(&self, failure: &Failure, error: Option<&wasmtime::Error>) {
        let (function, request, reason) = (&*self.settings.name, &*self.request, failure.reason());
        let backtrace = error.map(guest_backtrace).unwrap_or_default();
        let failure = failure.to_string();
        if backtrace.is_empty() {
            tracing::warn!(target: "function", function, request, reason, "{}", Printable(&failure));
        } else {
            tracing::warn!(target: "function", function, request, reason, "{}\n{backtrace}", Printable(&failure));
        }
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call failed or was given up, so that what its body has given so far need not be all of it.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Acquire)
    }

    /// Reads a body to its end during the call and throws it away.
    pub(crate) fn discard(&self, body: WasiBody) {
        *self.unwanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    fn poll_discard(&self, cx: &mut Context<'_>) {
        let mut unwanted = self.unwanted.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(body) = &mut *unwanted {
            match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => *unwanted = None,
                Poll::Pending => return,
            }
        }
    }

    pub(crate) fn set_answered(&self) {
        self.answered.store(true, Relaxed);
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    /// Processor time of the polls that have ended, nanoseconds.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Relaxed)
    }

    /// Whether the processor time is used up, the poll under way included. To be asked on the thread that polls.
    pub(crate) fn is_over(&self) -> bool {
        let now = thread_ns().saturating_sub(self.poll_began_ns.load(Relaxed));
        self.cpu_ns().saturating_add(now) > self.cpu_ns_max
    }

    fn timed<R>(&self, poll: impl FnOnce() -> R) -> R {
        let began = thread_ns();
        self.poll_began_ns.store(began, Relaxed);
        let result = poll();
        self.cpu_ns.fetch_add(thread_ns().saturating_sub(began), Relaxed);
        result
    }

    /// Runs a call to its end, or to that of its wall or processor time, or to the failure that its body reports. The guest's own
    /// time-outs are no help here: while it computes, nothing of what lies inside is polled.
    pub(crate) async fn watch(&self, call: impl Future<Output = wasmtime::Result<()>>) -> Ran {
        let mut call = pin!(call);
        let mut late = pin!(tokio::time::sleep(self.settings.time));
        // The last, so that it is dropped before anything of the guest is.
        let guard = Abandoned(self);
        let watched = poll_fn(|cx| self.poll(cx, call.as_mut(), late.as_mut())).await;
        std::mem::forget(guard);
        if !matches!(watched, Ok(Ok(()))) {
            self.failed.store(true, Release);
        }
        watched
    }

    fn poll(
        &self,
        cx: &mut Context<'_>,
        call: Pin<&mut impl Future<Output = wasmtime::Result<()>>>,
        late: Pin<&mut tokio::time::Sleep>,
    ) -> Poll<Ran> {
        self.waker.register(cx.waker());
        let polled = self.timed(|| call.poll(cx));
        if self.has_failed() {
            // Whoever closes the call finds the cause.
            return Poll::Ready(Ok(Ok(())));
        }
        self.poll_discard(cx);
        match polled {
            Poll::Ready(ended) => Poll::Ready(Ok(ended)),
            Poll::Pending if self.cpu_ns() > self.cpu_ns_max => Poll::Ready(Err(Failure::CpuTime)),
            Poll::Pending => late.poll(cx).map(|()| Err(Failure::TimedOut)),
        }
    }
}

/// Counts the call, and tells the body that its end is none, when the call's future is dropped before it ended.
struct Abandoned<'a>(&'a Meter);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.failed.store(true, Release);
        self.0.counters.ended(None, self.0.cpu_ns(), 0);
    }
}

/// Processor time of this thread, nanoseconds.
fn thread_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}
