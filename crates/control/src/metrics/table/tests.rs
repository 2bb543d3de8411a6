//! Tests of the module this file stands beside.

use lockgate_event::Value;

use super::*;
use crate::testing::event;

fn observed(routes_max: usize, events: &[EventRef<'_>]) -> Table {
    let mut table = Table::new(routes_max);
    events.iter().for_each(|event| table.observe(event));
    table
}

fn series<'a>(table: &'a Table, route: &str) -> &'a RouteSeries {
    table.routes.iter().find(|series| *series.route == *route).unwrap()
}

#[test]
fn only_done_counts_as_a_request() {
    let done = EventRef { bytes_in: 1, bytes_out: 10, ..event() };
    let part = EventRef { kind: Kind::Part, bytes_in: 2, bytes_out: 20, ..event() };
    let table = observed(9, &[part, part, done]);
    let series = series(&table, "orders");
    assert_eq!(series.requests.iter().sum::<u64>(), 1);
    assert_eq!((series.sums.bytes_in, series.sums.bytes_out), (5, 50));
    assert_eq!((series.latency.count(), series.upstream.count(), table.latency.count()), (1, 1, 1));
}

#[test]
fn what_functions_ask_counts_apart_and_once() {
    let client = EventRef { bytes_out: 10, reason: Some("function_trapped"), ..event() };
    let child = EventRef { parent: Some(client.id), value: None, reason: Some("connect_failed"), ..event() };
    let (part, cut) = (EventRef { kind: Kind::Part, ..child }, EventRef { kind: Kind::Cut, ..child });
    let table = observed(9, &[part, child, EventRef { status: 502, ..child }, cut, client]);
    assert_eq!(table.asked, [0, 0, 1, 0, 0, 1]);
    let series = series(&table, "orders");
    assert_eq!((series.requests.iter().sum::<u64>(), series.cut_requests), (1, 0));
    assert_eq!((series.sums.bytes_out, series.latency.count(), table.latency.count()), (10, 1, 1));
    assert_eq!(table.methods.iter().sum::<u64>(), 1);
    assert_eq!(table.reasons[1..], [("function_trapped".into(), 1)]);
}

#[test]
fn a_cut_is_summed_apart_so_that_counters_never_fall() {
    let done = EventRef { bytes_out: 100, value: Some(Value(2_500_000)), ..event() };
    for sign in [1, -1] {
        let cut =
            EventRef { kind: Kind::Cut, bytes_out: 40, value: Some(Value(sign * 2_500_000)), ..event() };
        let table = observed(9, &[done, cut]);
        let series = series(&table, "orders");
        assert_eq!((series.requests.iter().sum::<u64>(), series.cut_requests), (1, 1));
        assert_eq!((series.sums.bytes_out, series.cuts.bytes_out), (100, 40));
        assert_eq!((series.sums.value, series.cuts.value), (2_500_000, 2_500_000));
    }
}

#[test]
fn statuses_fall_into_their_class() {
    let check = |status: u16, class: &str| {
        let table = observed(9, &[EventRef { status, ..event() }]);
        let counts = CLASSES.iter().zip(series(&table, "orders").requests);
        let counted: Vec<_> = counts.filter(|(_, count)| *count == 1).map(|(class, _)| *class).collect();
        assert_eq!(counted, [class], "{status}");
    };
    check(0, "none");
    check(101, "1xx");
    check(204, "2xx");
    check(308, "3xx");
    check(499, "4xx");
    check(599, "5xx");
    check(600, "none");
    check(u16::MAX, "none");
}

#[test]
fn methods_of_a_client_s_own_making_share_one_label() {
    let check = |method: &str, label: &str| {
        let table = observed(9, &[EventRef { method, ..event() }]);
        let counted = METHODS.iter().zip(table.methods).find(|(_, count)| *count == 1);
        assert_eq!(counted.map(|(label, _)| *label), Some(label), "{method}");
    };
    check("GET", "GET");
    check("PATCH", "PATCH");
    check("get", "OTHER");
    check("BREW", "OTHER");
    check("", "OTHER");
}

#[test]
fn routes_beyond_the_limit_count_as_other() {
    let route = |route| EventRef { route, ..event() };
    let table = observed(2, &[route("a"), route("b"), route("c"), route("d"), route("a"), route("other")]);
    let counts: Vec<_> =
        table.routes.iter().map(|series| (&*series.route, series.requests.iter().sum::<u64>())).collect();
    assert_eq!(counts, [("", 0), ("other", 3), ("a", 2), ("b", 1)]);
}

#[test]
fn routes_in_force_take_the_places_of_those_that_are_gone() {
    let counts = |table: &Table| -> Vec<(String, u64)> {
        let count = |series: &RouteSeries| (series.route.to_string(), series.requests.iter().sum());
        table.routes.iter().filter(|series| series.is_used()).map(count).collect()
    };
    let mut table = observed(2, &["a", "b"].map(|route| EventRef { route, ..event() }));
    let observe = |table: &mut Table, route| table.observe(&EventRef { route, ..event() });
    table.follow(["a", "b"].into_iter());
    assert_eq!(counts(&table), [("a".into(), 1), ("b".into(), 1)]);
    table.follow(["c", "b"].into_iter());
    // The last exchange on a route may end when it is gone.
    observe(&mut table, "a");
    observe(&mut table, "c");
    observe(&mut table, "b");
    assert_eq!(counts(&table), [("other".into(), 1), ("b".into(), 2), ("c".into(), 1)]);
    assert_eq!(table.gone.requests.iter().sum::<u64>(), 1);
    table.follow(["d", "e", "f"].into_iter());
    for route in ["d", "e", "f"] {
        observe(&mut table, route);
    }
    assert_eq!(
        counts(&table).iter().map(|(_, count)| count).sum::<u64>(),
        4,
        "two have places and one has none"
    );
    assert_eq!(table.routes.len(), 4);
}

#[test]
fn routes_that_are_gone_keep_their_series_while_there_is_room() {
    let mut table = observed(2, &[EventRef { route: "a", ..event() }]);
    table.follow(["b"].into_iter());
    assert_eq!((series(&table, "a").requests.iter().sum::<u64>(), table.routes.len()), (1, 3));
}

#[test]
fn reasons_beyond_the_limit_count_as_other() {
    let names: Vec<String> = (0..METRIC_REASONS + 5).map(|number| format!("reason_{number}")).collect();
    let events: Vec<_> = names.iter().map(|name| EventRef { reason: Some(name), ..event() }).collect();
    let table = observed(2, &[&events[..], &events[..]].concat());
    assert_eq!(table.reasons.len(), METRIC_REASONS + 1);
    assert_eq!((&*table.reasons[0].0, table.reasons[0].1), ("other", 10));
    assert!(table.reasons[1..].iter().all(|(_, count)| *count == 2));
}

#[test]
fn sums_at_their_end_do_not_panic() {
    let huge = EventRef { bytes_in: u64::MAX, bytes_out: u64::MAX, latency_us: u64::MAX, ..event() };
    let huge =
        EventRef { attempts: u32::MAX, upstream_us: Some(u64::MAX), value: Some(Value(i64::MIN)), ..huge };
    let cut = EventRef { kind: Kind::Cut, ..huge };
    let table = observed(9, &[huge, huge, cut, cut]);
    assert_eq!(series(&table, "orders").cuts.value, 2 * i128::from(i64::MIN).abs());
}
