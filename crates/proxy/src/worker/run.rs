//! A worker's main task: commands, the tick, and the end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior};

use super::Worker;
use super::command::{Command, Drained};
use crate::buffers;
use crate::hooks::ProxyHttp;
use crate::limits::LAST_ACCEPTS_MS;
use crate::listen::{ALL_TERMS, Accepting, Listener, accept};
use crate::timers::TICK_MS;

/// Ticks between two sweeps of the pools.
const SWEEP_TICKS: u32 = (1_000 / TICK_MS) as u32;

/// Runs a worker until it has drained.
pub(super) fn run<P: ProxyHttp>(
    worker: Worker<P>,
    told: UnboundedReceiver<Command>,
    begin: impl FnOnce(&Rc<Worker<P>>),
) -> Drained {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(tokio::runtime::LocalOptions::default());
    match built {
        Ok(runtime) => {
            let worker = Rc::new(worker);
            let drained = runtime.block_on(async {
                begin(&worker);
                live(&worker, told).await
            });
            worker.pools.clear();
            worker.shared.clear();
            drained
        }
        Err(error) => {
            tracing::error!(%error, "a worker has no event loop");
            Drained::CutShort(0)
        }
    }
}

async fn live<P: ProxyHttp>(worker: &Rc<Worker<P>>, mut told: UnboundedReceiver<Command>) -> Drained {
    let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut accepting: Vec<Accepting> = Vec::new();
    let mut closing = Vec::new();
    let mut deadline = None;
    let mut cut = None;
    let mut listen_until = Instant::now();
    loop {
        let command = std::future::poll_fn(|context| {
            if let std::task::Poll::Ready(command) = told.poll_recv(context)
                && deadline.is_none()
            {
                return std::task::Poll::Ready(Some(command.unwrap_or(Command::Drain(Duration::ZERO))));
            }
            tick.poll_tick(context).map(|_| None)
        });
        match command.await {
            Some(Command::Listen(listener, socket)) => accepting.extend(accept(worker, listener, socket)),
            Some(Command::Close(listener, within)) => {
                accepting.retain(|accepting| !Arc::ptr_eq(accepting.listener(), &listener));
                worker.timers.wake_all();
                closing.push(Ending { deadline: Instant::now() + within, listener, before: ALL_TERMS });
            }
            Some(Command::Renew(listener, before, within)) => {
                worker.timers.wake_all();
                closing.push(Ending { deadline: Instant::now() + within, listener, before });
            }
            Some(Command::Drain(within)) => {
                worker.draining.set(true);
                worker.timers.wake_all();
                let now = Instant::now();
                deadline = Some(now + within);
                listen_until = now + within.min(Duration::from_millis(LAST_ACCEPTS_MS));
            }
            None => {
                on_tick(worker);
                cut_overdue(worker, &mut closing);
            }
        }
        if let Some(deadline) = deadline {
            if Instant::now() >= listen_until && !accepting.is_empty() {
                accepting.clear();
                // Those taken last are counted once they have begun.
                continue;
            }
            if accepting.is_empty()
                && let Some(drained) = drained(worker, deadline, &mut cut)
            {
                return drained;
            }
        }
    }
}

fn on_tick<P: ProxyHttp>(worker: &Worker<P>) {
    worker.timers.tick();
    let now = worker.timers.now();
    if now.is_multiple_of(SWEEP_TICKS) {
        worker.clock.follow();
        worker.look_at_tunnels();
        buffers::trim();
        worker.trim_states();
        worker.stream_tasks.trim(worker);
        let snapshot = worker.plane.snapshot();
        let is_in_force = |id| snapshot.upstreams().iter().any(|upstream| upstream.id() == id);
        worker.pools.sweep(now, is_in_force);
        worker.shared.sweep(now, is_in_force);
        worker.rounds.borrow_mut().retain(|&at, (route, _)| {
            snapshot.routes.get(at).is_some_and(|current| Arc::ptr_eq(current, route))
        });
    }
}

/// When the connections of a listener under terms before these have had their time.
struct Ending {
    deadline: Instant,
    listener: Arc<Listener>,
    before: u32,
}

/// Cuts the connections whose time is up.
fn cut_overdue<P: ProxyHttp>(worker: &Worker<P>, closing: &mut Vec<Ending>) {
    if closing.is_empty() {
        return;
    }
    let now = Instant::now();
    closing.retain(|ending| {
        let overdue = ending.deadline <= now;
        if overdue {
            ending.listener.cut_before(ending.before);
            worker.timers.wake_all();
        }
        !overdue
    });
}

/// Whether a drain has come to its end; `cut`: connections that were open at its deadline.
fn drained<P: ProxyHttp>(worker: &Worker<P>, deadline: Instant, cut: &mut Option<usize>) -> Option<Drained> {
    if let Some(count) = *cut {
        return Some(Drained::CutShort(count));
    }
    let open = usize::try_from(worker.gauges.connections_open()).unwrap_or(usize::MAX);
    if open == 0 {
        return Some(Drained::Clean);
    }
    if Instant::now() < deadline {
        return None;
    }
    // Exchanges get one more round to end and be recorded.
    worker.timers.cut_all("drained");
    *cut = Some(open);
    None
}
