//! A coarse clock for deadlines: one slot per connection, one look over all of them per tick.
//!
//! A request sets its connection's deadline half a dozen times and almost never meets it, so setting is a store into a table
//! and nothing else. Whoever waits asks [`Timer::expired`] when there is nothing to do; the tick wakes those whose time is up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Length of a tick, milliseconds. Deadlines are met up to one tick late.
pub(crate) const TICK_MS: u64 = 50;

const NEVER: u32 = u32::MAX;

/// A duration in ticks, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticks(u32);

impl Ticks {
    /// Longer than anything lasts.
    pub(crate) const NEVER: Self = Self(NEVER / 2);

    pub(crate) const fn from_ms(ms: u64) -> Self {
        let ticks = ms.div_ceil(TICK_MS);
        Self(if ticks > (NEVER / 2) as u64 { NEVER / 2 } else { ticks as u32 })
    }

    /// Whether at least this time lies between two ticks.
    pub(crate) fn have_passed(self, since: u32, now: u32) -> bool {
        now.saturating_sub(since) >= self.0
    }
}

impl From<Duration> for Ticks {
    fn from(duration: Duration) -> Self {
        Self::from_ms(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

/// All deadlines of one worker.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    now: Cell<u32>,
    deadlines: RefCell<Vec<u32>>,
    wakers: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<u32>>,
    /// Why every task has to end, if all have to.
    cut: Cell<Option<&'static str>>,
}

impl Timers {
    /// Ticks since the worker started.
    pub(crate) fn now(&self) -> u32 {
        self.now.get()
    }

    /// How many tasks have a timer.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn taken(&self) -> usize {
        self.deadlines.borrow().len() - self.free.borrow().len()
    }

    /// Goes on by one tick and wakes every task whose deadline has come.
    pub(crate) fn tick(&self) {
        let now = self.now.get().wrapping_add(1);
        self.now.set(now);
        let deadlines = self.deadlines.borrow();
        let wakers = self.wakers.borrow();
        for (deadline, waker) in deadlines.iter().zip(wakers.iter()) {
            if *deadline <= now
                && let Some(waker) = waker
            {
                waker.wake_by_ref();
            }
        }
    }

    /// Says that every task has to end whatever its deadline, those to come included, and why: a token for the journal.
    pub(crate) fn cut_all(&self, reason: &'static str) {
        self.cut.set(Some(reason));
        self.wake_all();
    }

    /// Wakes one task.
    pub(crate) fn wake(&self, slot: Slot) {
        if let Some(Some(waker)) = self.wakers.borrow().get(slot.0 as usize) {
            waker.wake_by_ref();
        }
    }

    /// Wakes every task, so that it can see that the worker drains.
    pub(crate) fn wake_all(&self) {
        for waker in self.wakers.borrow().iter().flatten() {
            waker.wake_by_ref();
        }
    }
}

/// Names a task to be woken, for as long as its timer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// One task's deadline.
#[derive(Debug)]
pub(crate) struct Timer {
    timers: Rc<Timers>,
    slot: u32,
    /// Why the task has to end whatever its deadline, if it has to.
    cut: Cell<Option<&'static str>>,
}

impl Timer {
    /// Takes a slot for the task being polled. The timer wakes that task and no other.
    pub(crate) async fn of_this_task(timers: Rc<Timers>) -> Self {
        std::future::poll_fn(|context| Poll::Ready(Self::new(timers.clone(), context))).await
    }

    fn new(timers: Rc<Timers>, context: &Context<'_>) -> Self {
        let mut deadlines = timers.deadlines.borrow_mut();
        let mut wakers = timers.wakers.borrow_mut();
        let waker = Some(context.waker().clone());
        let slot = match timers.free.borrow_mut().pop() {
            Some(slot) => {
                wakers[slot as usize] = waker;
                slot
            }
            None => {
                deadlines.push(NEVER);
                wakers.push(waker);
                deadlines.len() as u32 - 1
            }
        };
        drop((deadlines, wakers));
        Self { timers, slot, cut: Cell::new(None) }
    }

    /// The task's name.
    pub(crate) fn slot(&self) -> Slot {
        Slot(self.slot)
    }

    /// All those of its worker.
    pub(crate) fn timers(&self) -> &Rc<Timers> {
        &self.timers
    }

    /// Sets the deadline to `after` from now.
    pub(crate) fn set(&self, after: Ticks) {
        self.timers.deadlines.borrow_mut()[self.slot as usize] = self.at(after);
    }

    /// Sets the deadline to `after` from now unless it comes sooner.
    pub(crate) fn shorten(&self, after: Ticks) {
        let deadline = &mut self.timers.deadlines.borrow_mut()[self.slot as usize];
        *deadline = self.at(after).min(*deadline);
    }

    fn at(&self, after: Ticks) -> u32 {
        // One more, since the current tick has partly passed.
        self.timers.now.get().saturating_add(after.0).saturating_add(1).min(NEVER - 1)
    }

    /// Forgets deadline and cut, for the task's next work.
    pub(crate) fn clear(&self) {
        self.timers.deadlines.borrow_mut()[self.slot as usize] = NEVER;
        self.cut.set(None);
    }

    /// Says that the task has to end whatever its deadline, and why: a token for the journal.
    pub(crate) fn cut(&self, reason: &'static str) {
        self.cut.set(Some(reason));
    }

    /// Whether the task has to end whatever its deadline.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut_reason().is_some()
    }

    /// Why it has to.
    pub(crate) fn cut_reason(&self) -> Option<&'static str> {
        self.cut.get().or(self.timers.cut.get())
    }

    /// Whether the deadline has passed.
    pub(crate) fn expired(&self) -> bool {
        self.timers.deadlines.borrow()[self.slot as usize] <= self.timers.now.get()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.timers.deadlines.borrow_mut()[self.slot as usize] = NEVER;
        // The waker owns a reference to its task, so it is dropped after the table is released again.
        let waker = self.timers.wakers.borrow_mut()[self.slot as usize].take();
        self.timers.free.borrow_mut().push(self.slot);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_met_within_two_ticks() {
        let timers = Rc::new(Timers::default());
        let context = Context::from_waker(Waker::noop());
        let timer = Timer::new(timers.clone(), &context);
        assert!(!timer.expired(), "a new timer has no deadline");
        timer.set(Ticks::from_ms(TICK_MS * 2));
        for expected in [false, false, true] {
            timers.tick();
            assert_eq!(timer.expired(), expected);
        }
        timer.set(Ticks::from_ms(TICK_MS));
        assert!(!timer.expired(), "setting it again starts anew");
    }

    #[test]
    fn slots_are_used_again() {
        let timers = Rc::new(Timers::default());
        let context = Context::from_waker(Waker::noop());
        let first = Timer::new(timers.clone(), &context).slot;
        let second = Timer::new(timers, &context).slot;
        assert_eq!(first, second);
    }
}
