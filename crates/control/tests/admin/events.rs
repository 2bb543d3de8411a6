//! `GET /events`.

use control::limits::{SUBSCRIBER_EVENTS, SUBSCRIBERS};
use lockgate_event::EventRef;

use crate::support::{Client, READ, Running, event};

/// Begins to watch; returns once the subscription exists.
fn watch(running: &Running, query: &str) -> Client {
    let mut client = running.connect();
    client.send("GET", &format!("/events{query}"), Some(READ), "");
    let head = client.head();
    assert_eq!((head.status, head.field("content-type")), (200, Some("text/event-stream")));
    client
}

#[test]
fn events_arrive_as_they_are_read() {
    let mut running = Running::start();
    let mut client = watch(&running, "");
    for status in [200, 404] {
        running.live.publish([EventRef { status, ..event() }].into_iter());
        let received = client.server_sent_event().unwrap();
        let json: serde_json::Value = serde_json::from_str(received.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!((&json["status"], &json["path"]), (&status.into(), &"/orders/7".into()));
    }
}

#[test]
fn a_filter_lets_only_its_events_through() {
    let mut running = Running::start();
    let mut client = watch(&running, "?status=502&reason=upstream_timeout&route=a%20b");
    let wanted =
        EventRef { status: 502, reason: Some("upstream_timeout"), route: "a b", path: "/wanted", ..event() };
    let others = [event(), EventRef { route: "c", ..wanted }, EventRef { reason: None, ..wanted }];
    running.live.publish(others.into_iter().chain([wanted]));
    assert!(client.server_sent_event().unwrap().contains("\"/wanted\""));
}

#[test]
fn a_slow_client_is_told_how_much_it_lost() {
    let mut running = Running::start();
    let mut client = watch(&running, "");
    // More than the queue and what the kernel buffers between the two can hold.
    let long = "/".repeat(1024);
    let count = 50 * SUBSCRIBER_EVENTS;
    running.live.publish((0..count).map(|_| EventRef { path: &long, ..event() }));
    let (mut received, mut lost) = (0, 0);
    while received + lost < count {
        let item = client.server_sent_event().unwrap();
        match item.strip_prefix("event: lag data: {\"lost\":") {
            Some(number) => lost += number.trim_end_matches('}').parse::<usize>().unwrap(),
            None => received += 1,
        }
    }
    assert_eq!(received + lost, count);
    assert!(received >= SUBSCRIBER_EVENTS && lost > 0, "{received} received, {lost} lost");
}

#[test]
fn watchers_beyond_the_limit_are_asked_to_come_back() {
    let running = Running::start();
    let _watchers: Vec<_> = (0..SUBSCRIBERS).map(|_| watch(&running, "")).collect();
    let answer = running.ask("GET", "/events", Some(READ));
    assert_eq!((answer.status, answer.field("retry-after")), (503, Some("10")));
    assert_eq!(running.ask("GET", "/routes", Some(READ)).status, 200);
}

#[test]
fn a_drain_ends_the_stream_after_what_was_read_before() {
    let mut running = Running::start();
    let mut client = watch(&running, "");
    running.live.publish([event()].into_iter());
    running.begin_stop();
    assert!(client.server_sent_event().is_some());
    assert_eq!(client.server_sent_event(), None);
    running.end_stop().unwrap();
}
