//! Tests of the module this file stands beside.

use std::pin::pin;
use std::task::{Wake, Waker};

use super::*;
use crate::testing::event;

/// Counts how often the subscriber would have been woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll(subscription: &mut Subscription, wakes: &Arc<Wakes>) -> Poll<Option<LiveEvent>> {
    let waker = Waker::from(Arc::clone(wakes));
    pin!(subscription).poll_next(&mut Context::from_waker(&waker))
}

/// Everything that waits, as texts; a lag as `lag N`.
fn drain(subscription: &mut Subscription) -> Vec<String> {
    let wakes = Arc::default();
    let items = std::iter::from_fn(|| match poll(subscription, &wakes) {
        Poll::Ready(item) => item,
        Poll::Pending => None,
    });
    items
        .map(|item| match item {
            LiveEvent::Event(text) => text.to_string(),
            LiveEvent::Lag(lost) => format!("lag {lost}"),
        })
        .collect()
}

fn flood(count: usize) -> impl Iterator<Item = EventRef<'static>> {
    (0..count).map(|_| event())
}

#[test]
fn a_subscriber_gets_each_event_as_one_line_of_json() {
    let (mut reader, live) = LiveEvents::new();
    let mut subscription = live.subscribe(Filter::default()).unwrap();
    reader.publish(flood(2));
    let texts = drain(&mut subscription);
    assert_eq!(texts.len(), 2);
    let json: serde_json::Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!((&json["route"], &json["status"]), (&"orders".into(), &200.into()));
    assert!(!texts[0].contains('\n'));
}

#[test]
fn filters_admit_what_is_equal_in_every_word() {
    let seen = EventRef { status: 502, reason: Some("upstream_timeout"), ..event() };
    let check = |filter: Filter, admitted: bool| assert_eq!(filter.admits(&seen), admitted, "{filter:?}");
    let text = |text: &str| Some(text.to_owned());
    check(Filter::default(), true);
    check(Filter { route: text("orders"), ..Filter::default() }, true);
    check(Filter { route: text("order"), ..Filter::default() }, false);
    check(Filter { status: Some(502), reason: text("upstream_timeout"), ..Filter::default() }, true);
    check(Filter { status: Some(200), reason: text("upstream_timeout"), ..Filter::default() }, false);
    check(Filter { reason: text("no_route"), ..Filter::default() }, false);
    let unnamed = Filter { reason: text(""), ..Filter::default() };
    assert!(!unnamed.admits(&event()));
}

#[test]
fn a_slow_subscriber_is_told_where_and_how_many_it_lost() {
    let (mut reader, live) = LiveEvents::new();
    let mut subscription = live.subscribe(Filter::default()).unwrap();
    reader.publish(flood(SUBSCRIBER_EVENTS + 7));
    poll(&mut subscription, &Arc::default()).is_ready().then_some(()).unwrap();
    reader.publish(flood(3));
    let texts = drain(&mut subscription);
    let lags: Vec<_> = texts
        .iter()
        .enumerate()
        .filter(|(_, text)| text.starts_with("lag"))
        .map(|(at, text)| (at, &**text))
        .collect();
    // One place was free: the loss of 7 stands before the event that took it, the loss of 2 after it.
    assert_eq!(lags, [(SUBSCRIBER_EVENTS - 1, "lag 7"), (SUBSCRIBER_EVENTS + 1, "lag 2")]);
    assert_eq!(live.counts(), LiveCounts { subscribers: 1, lost: 9 });
}

#[test]
fn a_slow_subscriber_takes_nothing_from_another() {
    let (mut reader, live) = LiveEvents::new();
    let _slow = live.subscribe(Filter::default()).unwrap();
    let mut quick = live.subscribe(Filter::default()).unwrap();
    for _ in 0..3 {
        reader.publish(flood(SUBSCRIBER_EVENTS));
        let texts = drain(&mut quick);
        assert!(texts.len() == SUBSCRIBER_EVENTS && texts.iter().all(|text| text.starts_with('{')));
    }
}

#[test]
fn a_waiting_subscriber_is_woken_by_its_events_only() {
    let (mut reader, live) = LiveEvents::new();
    let mut subscription = live.subscribe(Filter { status: Some(404), ..Filter::default() }).unwrap();
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll(&mut subscription, &wakes), Poll::Pending);
    reader.publish(flood(5));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    reader.publish([EventRef { status: 404, ..event() }].into_iter());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert!(matches!(poll(&mut subscription, &wakes), Poll::Ready(Some(LiveEvent::Event(_)))));
}

#[test]
fn closing_delivers_what_waits_and_then_ends() {
    let (mut reader, live) = LiveEvents::new();
    let mut subscription = live.subscribe(Filter::default()).unwrap();
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll(&mut subscription, &wakes), Poll::Pending);
    live.close();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    reader.publish(flood(1));
    assert!(matches!(poll(&mut subscription, &wakes), Poll::Ready(Some(LiveEvent::Event(_)))));
    assert_eq!(poll(&mut subscription, &wakes), Poll::Ready(None));
    assert_eq!(live.subscribe(Filter::default()).err(), Some(SubscribeError::Closed));
}

#[test]
fn subscribers_beyond_the_limit_are_refused_until_one_leaves() {
    let (_reader, live) = LiveEvents::new();
    let mut subscriptions: Vec<_> =
        (0..SUBSCRIBERS).map(|_| live.subscribe(Filter::default()).unwrap()).collect();
    assert_eq!(live.subscribe(Filter::default()).err(), Some(SubscribeError::TooMany));
    subscriptions.pop();
    assert!(live.subscribe(Filter::default()).is_ok());
}
