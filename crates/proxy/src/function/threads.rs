//! The threads that run functions: workers without listeners, of lower priority.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use journal::RingWriter;
use tokio::sync::{mpsc, oneshot};

use super::call::Call;
use super::outbox::{Letter, Outbox};
use super::outgoing;
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
    load: Load,
}

/// Calls of one thread that are under way or wait.
#[derive(Clone, Debug, Default)]
struct Load(Arc<AtomicUsize>);

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
        let idlest = self.0.iter().min_by_key(|entrance| entrance.load.0.load(Ordering::Relaxed));
        let Some(entrance) = idlest else { return Err(Refusal::FUNCTION_BUSY) };
        entrance.load.0.fetch_add(1, Ordering::Relaxed);
        entrance.calls.try_send(call).map_err(|_| {
            entrance.load.0.fetch_sub(1, Ordering::Relaxed);
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
    let load = Load::default();
    let counted = load.clone();
    let handle = spawn(name, plane, hooks, ring, move |worker: &Rc<Worker<P>>| {
        lower_priority();
        tokio::task::spawn_local(serve(worker.clone(), handed_over, counted));
    })?;
    Ok(FunctionThread { handle, entrance: Entrance { calls, load } })
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
async fn serve<P: ProxyHttp>(worker: Rc<Worker<P>>, mut calls: mpsc::Receiver<Call>, load: Load) {
    let outbox = Rc::new(Outbox::default());
    // Cloned for each call, at no atomic's price.
    let load = Rc::new(load);
    let emptied = outbox.clone();
    tokio::task::spawn_local(async move { emptied.empty().await });
    while let Some(call) = calls.recv().await {
        let (worker, outbox, place) = (worker.clone(), outbox.clone(), Busied(load.clone()));
        // Boxed, since a task's future is copied when it is spawned and when it ends, and this one is large.
        tokio::task::spawn_local(Box::pin(async move {
            run(&worker, &outbox, call).await;
            drop(place);
        }));
    }
}

/// One of the calls a thread is busy with.
struct Busied(Rc<Load>);

impl Drop for Busied {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs one call to its end, or until nobody wants its answer any more.
async fn run<P: ProxyHttp>(worker: &Rc<Worker<P>>, outbox: &Outbox, call: Call) {
    let _open = worker.gauges.connection();
    let Call { id, function, request, context, mut answered, letterbox } = call;
    let permit = tokio::select! {
        biased;
        permit = function.enter(id) => permit,
        // Nobody waits any more.
        () = answered.closed() => return,
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err(busy) => {
            // Whoever has gone does not want to know.
            let _ = answered.send(Err(busy.into()));
            return;
        }
    };
    let next = context.as_ref().is_some_and(|context| context.goes_on());
    let (outbound, asked) = context.is_some().then(outgoing::way_out).unzip();
    let mut errands = asked.zip(context);
    let (head, mut made) = oneshot::channel();
    let call = functions::Call { id, request, outbound, next };
    let mut guest = pin!(function.call(permit, call, head));
    let mut answered = Some(answered);
    let mut has_begun = false;
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
            outbox.put(&letterbox, Letter { to, answered: Ok(response) });
        }
        if let Some(errands) = &mut errands {
            let (asked, context) = errands;
            while let Poll::Ready(Some(asked)) = asked.poll_recv(task) {
                tokio::task::spawn_local(outgoing::serve(worker.clone(), context.clone(), asked));
            }
        }
        if polled.is_pending()
            && let Some(answered) = &mut answered
            && answered.poll_closed(task).is_ready()
        {
            return Poll::Ready(Ok(()));
        }
        polled
    })
    .await;
    if let (Err(failure), Some(to)) = (ended, answered) {
        // As above.
        let _ = to.send(Err(failure));
    }
}
