//! Tasks that serve streams, one after the other: most streams find one that has been made.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::Begun;
use crate::hooks::ProxyHttp;
use crate::limits::STREAM_TASKS_KEPT;
use crate::timers::{Slot, Timer};
use crate::worker::Worker;

/// A worker's tasks that have nothing to do.
#[derive(Debug)]
pub(crate) struct StreamTasks<P: ProxyHttp> {
    idle: RefCell<Vec<Rc<Seat<P>>>>,
}

impl<P: ProxyHttp> Default for StreamTasks<P> {
    fn default() -> Self {
        Self { idle: RefCell::default() }
    }
}

/// Where a task is given its next stream.
#[derive(Debug)]
struct Seat<P: ProxyHttp> {
    slot: Slot,
    begun: RefCell<Option<Begun<P>>>,
}

impl<P: ProxyHttp> StreamTasks<P> {
    /// Has a task serve a stream.
    pub(super) fn serve(&self, worker: &Rc<Worker<P>>, begun: Begun<P>) {
        let seat = self.idle.borrow_mut().pop();
        match seat {
            Some(seat) => {
                seat.begun.replace(Some(begun));
                worker.timers.wake(seat.slot);
            }
            None => {
                tokio::task::spawn_local(serve_all(worker.clone(), begun));
            }
        }
    }

    /// Ends half of the tasks that have had nothing to do.
    pub(crate) fn trim(&self, worker: &Worker<P>) {
        let mut idle = self.idle.borrow_mut();
        let keep = idle.len() / 2;
        for seat in idle.drain(keep..) {
            let slot = seat.slot;
            drop(seat);
            worker.timers.wake(slot);
        }
        idle.shrink_to(keep);
    }

    /// Whether there are none.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn are_gone(&self) -> bool {
        self.idle.borrow().is_empty()
    }

    /// Takes the seat of a task that has nothing to do; `false`: there are enough.
    fn rest(&self, seat: &Rc<Seat<P>>) -> bool {
        let mut idle = self.idle.borrow_mut();
        let has_room = idle.len() < STREAM_TASKS_KEPT;
        if has_room {
            idle.push(seat.clone());
        }
        has_room
    }
}

/// A task: serves the first stream, then what it is given.
async fn serve_all<P: ProxyHttp>(worker: Rc<Worker<P>>, first: Begun<P>) {
    let timer = Timer::of_this_task(worker.timers.clone()).await;
    let seat = Rc::new(Seat { slot: timer.slot(), begun: RefCell::new(Some(first)) });
    while let Some(begun) = next(&seat).await {
        begun.serve(&timer).await;
        timer.clear();
        if !worker.stream_tasks.rest(&seat) {
            return;
        }
    }
}

/// Waits for a stream; `None`: nobody else knows the seat any more.
async fn next<P: ProxyHttp>(seat: &Rc<Seat<P>>) -> Option<Begun<P>> {
    poll_fn(|_| match seat.begun.take() {
        None if Rc::strong_count(seat) > 1 => Poll::Pending,
        begun => Poll::Ready(begun),
    })
    .await
}
