//! The threads that run functions: workers without listeners, of lower priority.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use functions::{Busy, Failure};
use journal::RingWriter;
use tokio::sync::{mpsc, oneshot};

use super::call::Call;
use super::outbox::{Answer, Outbox};
use super::outgoing::{self, GuestOutbound};
use crate::hooks::ProxyHttp;
use crate::limits::{CALLS_HANDED_OVER, FUNCTION_NICENESS};
use crate::refusal::Refusal;
use crate::snapshot::Plane;
use crate::worker::{Worker, WorkerHandle, spawn};

/// A running function thread.
#[derive(Debug)]
pub struct FunctionThread {
    handle: WorkerHandle,
    entrance: Entrance,
}

impl FunctionThread {
    /// The thread as a worker: it drains and is joined like one.
    pub fn into_handle(self) -> WorkerHandle {
        self.handle
    }
}

/// Where calls are handed over to one thread.
#[derive(Clone, Debug)]
struct Entrance {
    calls: mpsc::Sender<Call>,
    /// Calls under way and waiting.
    busy: Arc<AtomicUsize>,
}

/// All threads that run functions.
#[derive(Debug, Default)]
pub struct FunctionThreads(Vec<Entrance>);

impl FunctionThreads {
    /// The threads that calls are spread over.
    pub fn new<'a>(threads: impl IntoIterator<Item = &'a FunctionThread>) -> Self {
        Self(threads.into_iter().map(|thread| thread.entrance.clone()).collect())
    }

    /// Gives a call to the thread with the fewest.
    pub(super) fn hand_over(&self, call: Call) -> Result<(), Refusal> {
        let idlest = self.0.iter().min_by_key(|entrance| entrance.busy.load(Ordering::Relaxed));
        let Some(entrance) = idlest else { return Err(Refusal::FUNCTION_BUSY) };
        entrance.busy.fetch_add(1, Ordering::Relaxed);
        entrance.calls.try_send(call).map_err(|_| {
            entrance.busy.fetch_sub(1, Ordering::Relaxed);
            Refusal::FUNCTION_BUSY
        })
    }
}

/// Starts a thread that runs functions. Without a ring, their outgoing requests are served and not recorded.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn_function_thread<P: ProxyHttp + Send>(
    name: String,
    plane: Arc<Plane>,
    hooks: P,
    ring: Option<RingWriter>,
) -> io::Result<FunctionThread> {
    let (calls, handed_over) = mpsc::channel(CALLS_HANDED_OVER);
    let busy = Arc::<AtomicUsize>::default();
    let counted = busy.clone();
    let handle = spawn(name, plane, hooks, ring, move |worker: &Rc<Worker<P>>| {
        lower_priority();
        tokio::task::spawn_local(serve(worker.clone(), handed_over, counted));
    })?;
    Ok(FunctionThread { handle, entrance: Entrance { calls, busy } })
}

/// Guests yield to whoever moves bytes. Only Linux has a priority per thread.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::setpriority_process(Some(rustix::thread::gettid()), FUNCTION_NICENESS)
    {
        tracing::warn!(%error, "a function thread keeps the priority of the others");
    }
}

/// Takes calls as long as there may be any.
async fn serve<P: ProxyHttp>(worker: Rc<Worker<P>>, mut calls: mpsc::Receiver<Call>, busy: Arc<AtomicUsize>) {
    let outbox = Rc::new(Outbox::default());
    let emptied = outbox.clone();
    tokio::task::spawn_local(async move { emptied.empty().await });
    while let Some(call) = calls.recv().await {
        let (worker, outbox, place) = (worker.clone(), outbox.clone(), Busied(busy.clone()));
        // Boxed, since a task's future is copied when it is spawned and when it ends, and this one is large.
        tokio::task::spawn_local(Box::pin(async move {
            run(&worker, &outbox, call).await;
            drop(place);
        }));
    }
}

/// One of the calls a thread is busy with.
struct Busied(Arc<AtomicUsize>);

impl Drop for Busied {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs one call to its end, or until nobody wants its answer any more.
async fn run<P: ProxyHttp>(worker: &Rc<Worker<P>>, outbox: &Outbox, call: Call) {
    let _open = worker.gauges.connection();
    let Call { function, request, context, answered, letterbox, failed, mut leash } = call;
    let permit = tokio::select! {
        biased;
        permit = function.enter() => permit,
        // Nobody waits any more.
        _ = &mut leash => return,
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err(Busy::Full | Busy::Late) => {
            // Whoever has gone does not want to know.
            let _ = failed.send(Failure::NoRoom);
            return;
        }
    };
    let (outbound, mut asked) = GuestOutbound::new();
    let id: Arc<str> = context.parent.to_string().into();
    let (head, mut made) = oneshot::channel();
    let next = context.goes_on();
    let call = functions::Call { id, request, outbound: Arc::new(outbound), next };
    let mut guest = pin!(function.call(&permit, call, head));
    let mut answered = Some(answered);
    let (mut is_held, mut has_begun) = (true, false);
    let ended = poll_fn(|task| {
        // One that is not done in a turn may take a whole tick, for which nobody else's answer is to wait.
        if std::mem::replace(&mut has_begun, true) {
            outbox.send();
        }
        let polled = guest.as_mut().poll(task);
        // Only now, so that what the guest wrote in the same go crosses together with the head.
        if answered.is_some()
            && let Ok(response) = made.try_recv()
            && let Some(to) = answered.take()
        {
            outbox.put(&letterbox, Answer { to, response });
        }
        while let Poll::Ready(Some(asked)) = asked.poll_recv(task) {
            tokio::task::spawn_local(outgoing::serve(worker.clone(), context.clone(), asked));
        }
        if polled.is_pending() && is_held {
            match Pin::new(&mut leash).poll(task) {
                Poll::Ready(Ok(())) => is_held = false,
                Poll::Ready(Err(_)) => return Poll::Ready(Ok(())),
                Poll::Pending => {}
            }
        }
        polled
    })
    .await;
    if let Err(failure) = ended {
        drop(answered);
        let _ = failed.send(failure);
    }
}
