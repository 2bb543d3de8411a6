//! Live events: what the drainer reads now, for whoever watches, without ever making the drainer wait.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use journal::{Batch, EventReader};
use lockgate_event::{EventRef, write_ndjson};
use tokio_stream::Stream;

use crate::limits::{SUBSCRIBER_EVENTS, SUBSCRIBERS};

/// The publishing half: a reader of the journal. Without a subscriber a batch costs one atomic load.
pub struct LiveReader {
    hub: Arc<Hub>,
    line: Vec<u8>,
}

/// The subscribing half; clones share the subscribers.
#[derive(Clone)]
pub struct LiveEvents {
    hub: Arc<Hub>,
}

#[derive(Default)]
struct Hub {
    subscribers: Mutex<Subscribers>,
    /// Length of the list, so that the drainer need not lock to see that nobody watches.
    watching: AtomicUsize,
    lost: AtomicU64,
}

#[derive(Default)]
struct Subscribers {
    list: Vec<Arc<Subscriber>>,
    closed: bool,
}

struct Subscriber {
    filter: Filter,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<LiveEvent>,
    /// Events lost since the last item.
    lost: u64,
    closed: bool,
    waker: Option<Waker>,
}

/// One item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveEvent {
    /// An event as one JSON object, without a line end.
    Event(Arc<str>),
    /// So many events are missing here because the subscriber was slow.
    Lag(u64),
}

/// Which events a subscriber wants: those equal in every word given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Route name.
    pub route: Option<String>,
    /// Status sent.
    pub status: Option<u16>,
    /// Why the gateway itself answered.
    pub reason: Option<String>,
}

impl Filter {
    fn admits(&self, event: &EventRef<'_>) -> bool {
        self.route.as_deref().is_none_or(|route| route == event.route)
            && self.status.is_none_or(|status| status == event.status)
            && self.reason.as_deref().is_none_or(|reason| event.reason == Some(reason))
    }
}

/// Why there is no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The limit of subscribers is reached.
    #[error("there are {SUBSCRIBERS} subscribers already")]
    TooMany,
    /// The process ends.
    #[error("no more events will come")]
    Closed,
}

/// How many watch, and how much they missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LiveCounts {
    pub(crate) subscribers: u64,
    pub(crate) lost: u64,
}

impl LiveEvents {
    /// Makes both halves.
    #[allow(clippy::new_ret_no_self, reason = "one half without the other is of no use")]
    pub fn new() -> (LiveReader, Self) {
        let hub = Arc::new(Hub::default());
        (LiveReader { hub: Arc::clone(&hub), line: Vec::new() }, Self { hub })
    }

    /// Begins a bounded stream of the events that `filter` admits, from now on.
    ///
    /// # Errors
    /// When there are [`SUBSCRIBERS`] already, or after [`close`](Self::close).
    pub fn subscribe(&self, filter: Filter) -> Result<Subscription, SubscribeError> {
        let mut subscribers = locked(&self.hub.subscribers);
        if subscribers.closed {
            return Err(SubscribeError::Closed);
        }
        if subscribers.list.len() >= SUBSCRIBERS {
            return Err(SubscribeError::TooMany);
        }
        let subscriber = Arc::new(Subscriber { filter, queue: Mutex::default() });
        subscribers.list.push(Arc::clone(&subscriber));
        self.hub.watching.store(subscribers.list.len(), Ordering::Relaxed);
        Ok(Subscription { hub: Arc::clone(&self.hub), subscriber })
    }

    /// Ends every subscription once it has got what waits for it, and admits no more.
    pub fn close(&self) {
        let mut subscribers = locked(&self.hub.subscribers);
        subscribers.closed = true;
        for subscriber in &subscribers.list {
            let mut queue = locked(&subscriber.queue);
            queue.closed = true;
            queue.wake();
        }
    }

    pub(crate) fn counts(&self) -> LiveCounts {
        LiveCounts {
            subscribers: self.hub.watching.load(Ordering::Relaxed) as u64,
            lost: self.hub.lost.load(Ordering::Relaxed),
        }
    }
}

impl LiveReader {
    /// Hands `events` to whoever subscribed to them; never waits for a subscriber.
    pub fn publish<'a>(&mut self, events: impl Iterator<Item = EventRef<'a>>) {
        if self.hub.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        let subscribers = locked(&self.hub.subscribers);
        let mut queues: Vec<_> = subscribers
            .list
            .iter()
            .map(|subscriber| (&subscriber.filter, locked(&subscriber.queue)))
            .collect();
        let mut lost = 0;
        for event in events {
            let mut text = None;
            for (_, queue) in queues.iter_mut().filter(|(filter, _)| filter.admits(&event)) {
                if queue.is_full() {
                    queue.lost += 1;
                    lost += 1;
                } else {
                    queue.push(text.get_or_insert_with(|| rendered(&event, &mut self.line)).clone());
                }
            }
        }
        queues.iter_mut().for_each(|(_, queue)| queue.wake_if_any());
        self.hub.lost.fetch_add(lost, Ordering::Relaxed);
    }
}

impl EventReader for LiveReader {
    fn read(&mut self, batch: &Batch<'_>) {
        self.publish(batch.iter());
    }
}

/// Renders an event once, however many subscribers get it.
fn rendered(event: &EventRef<'_>, line: &mut Vec<u8>) -> Arc<str> {
    line.clear();
    write_ndjson(event, line);
    String::from_utf8_lossy(line.trim_ascii_end()).into()
}

impl Queue {
    fn is_full(&self) -> bool {
        self.items.len() >= SUBSCRIBER_EVENTS
    }

    /// Says what is missing first, so that the loss stands where it happened.
    fn push(&mut self, text: Arc<str>) {
        if self.lost > 0 {
            self.items.push_back(LiveEvent::Lag(std::mem::take(&mut self.lost)));
        }
        self.items.push_back(LiveEvent::Event(text));
    }

    fn pop(&mut self) -> Option<LiveEvent> {
        self.items.pop_front().or_else(|| match std::mem::take(&mut self.lost) {
            0 => None,
            lost => Some(LiveEvent::Lag(lost)),
        })
    }

    fn wake_if_any(&mut self) {
        if !self.items.is_empty() {
            self.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// One subscriber's stream; dropping it ends the subscription.
pub struct Subscription {
    hub: Arc<Hub>,
    subscriber: Arc<Subscriber>,
}

impl Stream for Subscription {
    type Item = LiveEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<LiveEvent>> {
        let mut queue = locked(&self.subscriber.queue);
        match queue.pop() {
            Some(item) => Poll::Ready(Some(item)),
            None if queue.closed => Poll::Ready(None),
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subscribers = locked(&self.hub.subscribers);
        subscribers.list.retain(|subscriber| !Arc::ptr_eq(subscriber, &self.subscriber));
        self.hub.watching.store(subscribers.list.len(), Ordering::Relaxed);
    }
}

/// Queues stay whole after a panic elsewhere: each change is one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
