//! One call as those see it that watch it: how much time it used, and whether it has failed.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use http_body::Body as _;
use lockgate_event::EventId;
use tokio::time::Sleep;

use crate::backtrace::guest_backtrace;
use crate::clock;
use crate::function::Facts;
use crate::log::{Printable, RequestId};
use crate::{Failure, WasiBody};

/// How a call ended: as the guest did, or for a limit.
pub(crate) type Ran = Result<wasmtime::Result<()>, Failure>;

/// Shared by a call's future, the engine's interruptions, and the body of the answer.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) facts: Arc<Facts>,
    pub(crate) request: RequestId,
    began: Instant,
    cpu_ns_max: u64,
    /// Processor time of all polls that have ended.
    cpu_ns: AtomicU64,
    failed: AtomicBool,
    answered: AtomicBool,
    /// Whether a body follows that has not been taken to its end.
    flows: AtomicBool,
    end: Mutex<End>,
    /// The guest's body, where its answer has none by rule: it is read, so that the guest can write it, and thrown away.
    unwanted: Mutex<Option<WasiBody>>,
    /// Of whoever polls the call.
    waker: AtomicWaker,
    /// Of whoever waits for the cause.
    cause_waker: AtomicWaker,
    /// Of whoever waits until the answer has been taken.
    taken_waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct End {
    /// Whether the guest has ended, so that what its body turns out to be comes too late for it.
    is_over: bool,
    /// What was reported before that, or found by then.
    cause: Option<Failure>,
}

impl Meter {
    /// Of a call that begins now; without an exchange's id, of a function's start.
    pub(crate) fn new(facts: Arc<Facts>, exchange: Option<EventId>) -> Self {
        Self {
            request: RequestId(exchange),
            began: Instant::now(),
            cpu_ns_max: u64::try_from(facts.settings.cpu.as_nanos()).unwrap_or(u64::MAX),
            cpu_ns: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            flows: AtomicBool::new(false),
            end: Mutex::default(),
            unwanted: Mutex::default(),
            waker: AtomicWaker::new(),
            cause_waker: AtomicWaker::new(),
            taken_waker: AtomicWaker::new(),
            facts,
        }
    }

    /// Ends the call with a failure, unless it has failed already. A guest that has ended by then is past ending; what its body
    /// turned out to be is then logged and counted here.
    pub(crate) fn fail(&self, failure: Failure) {
        let mut end = self.end();
        if end.is_over {
            self.facts.counters.failed(failure.reason());
            self.log(&failure, None);
            return;
        }
        end.cause.get_or_insert(failure);
        self.failed.store(true, Release);
        drop(end);
        self.waker.wake();
    }

    /// Ends the call, since nobody wants its answer any more.
    pub(crate) fn give_up(&self) {
        self.failed.store(true, Release);
        self.waker.wake();
    }

    /// Notes that the guest has ended, and says why if it did not end well: what was reported until then, else what is found now.
    pub(crate) fn close(&self, find: impl FnOnce() -> Option<Failure>) -> Option<Failure> {
        let mut end = self.end();
        end.is_over = true;
        if end.cause.is_none() {
            end.cause = find();
        }
        let cause = end.cause.clone();
        drop(end);
        if self.has_failed() {
            self.cause_waker.wake();
        }
        cause
    }

    /// Why the call failed, as soon as that is known; `None`: it ended well, or was given up.
    pub(crate) fn poll_cause(&self, cx: &mut Context<'_>) -> Poll<Option<Failure>> {
        self.cause_waker.register(cx.waker());
        let end = self.end();
        if end.is_over || end.cause.is_some() { Poll::Ready(end.cause.clone()) } else { Poll::Pending }
    }

    /// Wakes the task that polls when the call fails.
    pub(crate) fn wake_at_failure(&self, cx: &Context<'_>) {
        self.cause_waker.register(cx.waker());
    }

    /// What is left of the call's wall time.
    pub(crate) fn left(&self) -> Duration {
        self.facts.settings.time.saturating_sub(self.began.elapsed())
    }

    /// Says in the log why the call failed, with the guest's own calls at that moment where they are known.
    pub(crate) fn log(&self, failure: &Failure, error: Option<&wasmtime::Error>) {
        let (function, request, reason) = (&*self.facts.settings.name, self.request, failure.reason());
        let backtrace = error.map(guest_backtrace).unwrap_or_default();
        let failure = failure.to_string();
        if backtrace.is_empty() {
            tracing::warn!(target: "function", function, %request, reason, "{}", Printable(&failure));
        } else {
            tracing::warn!(target: "function", function, %request, reason, "{}\n{backtrace}", Printable(&failure));
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

    /// Notes that a body follows.
    pub(crate) fn begin_body(&self) {
        self.flows.store(true, Relaxed);
    }

    /// Notes that the body has come to its end.
    pub(crate) fn end_body(&self) {
        self.flows.store(false, Release);
        self.taken_waker.wake();
    }

    /// Waits until the body that follows, if any, has come to its end.
    pub(crate) fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.taken_waker.register(cx.waker());
        if self.flows.load(Acquire) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Processor time of the polls that have ended, nanoseconds.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Relaxed)
    }

    /// Whether the processor time is used up, the poll under way included. To be asked on the thread that polls.
    pub(crate) fn is_over(&self) -> bool {
        self.cpu_ns().saturating_add(clock::so_far()) > self.cpu_ns_max
    }

    /// Runs a call to its end, or to that of its wall or processor time, or to the failure that its body reports. The guest's own
    /// time-outs are no help here: while it computes, nothing of what lies inside is polled.
    pub(crate) async fn watch(&self, call: impl Future<Output = wasmtime::Result<()>>) -> Ran {
        let mut call = pin!(call);
        let mut late = pin!(None);
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
        late: Pin<&mut Option<Sleep>>,
    ) -> Poll<Ran> {
        self.waker.register(cx.waker());
        let (polled, cpu_ns) = clock::timed(|| call.poll(cx));
        self.cpu_ns.fetch_add(cpu_ns, Relaxed);
        if self.has_failed() {
            // Whoever closes the call finds the cause.
            return Poll::Ready(Ok(Ok(())));
        }
        self.poll_discard(cx);
        match polled {
            Poll::Ready(ended) => Poll::Ready(Ok(ended)),
            Poll::Pending if self.cpu_ns() > self.cpu_ns_max => Poll::Ready(Err(Failure::CpuTime)),
            Poll::Pending => self.poll_late(cx, late).map(|()| Err(Failure::TimedOut)),
        }
    }

    /// Whether the wall time is over. Most calls are done before anyone need ask.
    fn poll_late(&self, cx: &mut Context<'_>, mut late: Pin<&mut Option<Sleep>>) -> Poll<()> {
        if late.is_none() {
            late.set(Some(tokio::time::sleep(self.left())));
        }
        late.as_pin_mut().map_or(Poll::Pending, |late| late.poll(cx))
    }
}

/// Counts the call, and tells the body that its end is none, when the call's future is dropped before it ended.
struct Abandoned<'a>(&'a Meter);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.failed.store(true, Release);
        self.0.close(|| None);
        self.0.facts.counters.ended(None, self.0.cpu_ns(), 0);
    }
}
