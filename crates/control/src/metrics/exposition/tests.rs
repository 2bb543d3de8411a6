//! Tests of the module this file stands beside.

use lockgate_event::{EventRef, Kind, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::*;
use crate::gateway::{FunctionLimits, JournalGauges, LimitGauges, RingGauges};
use crate::metrics::families::{ALL, Kind as FamilyKind};
use crate::testing::event;
use crate::{KeysStatus, MeteringStatus};

fn gauges() -> Gauges {
    Gauges {
        listeners: vec![ListenerGauges {
            address: "127.0.0.1:8080".into(),
            open: 3,
            accepted: 9,
            refused: 1,
            handshakes: 8,
            handshakes_resumed: 10,
            handshakes_failed: 11,
            floods: 12,
        }],
        exchanges: 2,
        tunnels: 1,
        journal: JournalGauges {
            lost: 4,
            refused: 3,
            rings: vec![RingGauges { used_bytes: 64, size_bytes: 1024 }; 2],
            segments: 5,
            disk_bytes: 6,
            disk_full: true,
            last_error: None,
        },
        generation: 7,
        started_at: UNIX_EPOCH + Duration::from_millis(1500),
        workers: 2,
        access_log: None,
        keys: 12,
        key_following: KeysStatus {
            age: Duration::from_millis(250),
            changes: 13,
            save_error: Some("no room".into()),
            ..KeysStatus::default()
        },
        limits: LimitGauges { rate_limited: 14, concurrency_limited: 15, limiter_full: 16, memory_bytes: 17 },
        metering: MeteringStatus {
            records: 18,
            errors: 19,
            lag: Duration::from_millis(2500),
            lag_bytes: 20,
            segments_held: 21,
            segments_unreadable: 2,
            ..MeteringStatus::default()
        },
        meter_unreadable: 22,
    }
}

fn function(name: &str) -> FunctionInfo {
    FunctionInfo {
        name: name.into(),
        component: "functions/thumbnails.wasm".into(),
        hash: "ab".into(),
        interface: "wasi:http/proxy@0.2".into(),
        loaded_at: UNIX_EPOCH,
        routes: Vec::new(),
        before: Vec::new(),
        outbound: Vec::new(),
        limits: FunctionLimits::default(),
        calls: 23,
        failures: BTreeMap::from([("function_trapped", 24)]),
        running: 25,
        waiting: 26,
        cpu: Duration::from_millis(2750),
        memory_bytes_max: 28,
    }
}

fn rendered(events: &[EventRef<'_>]) -> String {
    let mut table = Table::new(10);
    events.iter().for_each(|event| table.observe(event));
    let endpoint =
        EndpointInfo { address: "unix:/run/\"a\".sock".into(), resting: true, ..EndpointInfo::default() };
    let health =
        |state, passed, failed| EndpointHealth { state, passed, failed, ..EndpointHealth::default() };
    let one_out = vec![health(EndpointState::Out, 29, 30), health(EndpointState::Healthy, 31, 0)];
    let all_out = vec![health(EndpointState::Out, 0, 2)];
    let named = EndpointInfo { address: "b:1".into(), health: one_out, ..EndpointInfo::default() };
    let out = EndpointInfo { address: "c:1".into(), health: all_out, ..EndpointInfo::default() };
    let upstreams = vec![UpstreamInfo { name: "orders".into(), endpoints: vec![endpoint, named, out] }];
    let (live, process) = (LiveCounts { subscribers: 1, lost: 8 }, Process::read());
    let functions = vec![function("thumbnails")];
    Figures { table, gauges: gauges(), upstreams, functions, ready: true, live, process }.render()
}

/// Reads an exposition: sample name with labels → figure, after checking that every line has its form.
fn parsed(text: &str) -> HashMap<&str, f64> {
    let mut samples = HashMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            current = comment.split(' ').next().unwrap();
        } else if !line.starts_with("# HELP ") {
            let (sample, figure) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            assert!(name == current || base == Some(current), "{line} is not under its TYPE");
            assert_eq!(samples.insert(sample, figure.parse().unwrap()), None, "{sample} comes twice");
        }
    }
    assert!(text.ends_with('\n'));
    samples
}

#[test]
fn every_metric_is_exposed_once_in_the_order_of_its_definition() {
    let text = rendered(&[event()]);
    let exposed: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let defined: Vec<_> =
        ALL.iter().map(|family| format!("{} {}", family.name, family.kind.as_str())).collect();
    assert_eq!(exposed, defined);
}

#[test]
fn names_follow_prometheus_conventions() {
    let mut names = HashSet::new();
    for family in ALL {
        assert!(names.insert(family.name), "{} is defined twice", family.name);
        let is_total = family.name.ends_with("_total");
        assert_eq!(is_total, family.kind == FamilyKind::Counter, "{}", family.name);
        assert!(family.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", family.name);
        assert!(!family.help.contains(['\n', '\\', '|']), "{} breaks a line or a table", family.name);
    }
}

#[test]
fn figures_appear_under_their_labels() {
    let failed = EventRef { status: 502, reason: Some("upstream_timeout"), value: None, ..event() };
    let cut = EventRef { kind: Kind::Cut, bytes_out: 12, value: Some(Value(500_000)), ..event() };
    let asked = EventRef { parent: Some(event().id), value: None, ..event() };
    let text = rendered(&[event(), event(), failed, cut, asked]);
    let samples = parsed(&text);
    let check =
        |sample: &str, figure: f64| assert_eq!(samples.get(sample), Some(&figure), "{sample} in\n{text}");
    check("lockgate_requests_total{route=\"orders\",class=\"2xx\"}", 2.0);
    check("lockgate_requests_total{route=\"orders\",class=\"5xx\"}", 1.0);
    check("lockgate_requests_by_method_total{method=\"GET\"}", 3.0);
    check("lockgate_requests_by_reason_total{reason=\"upstream_timeout\"}", 1.0);
    check("lockgate_response_bytes_total{route=\"orders\"}", 1536.0);
    check("lockgate_cut_response_bytes_total{route=\"orders\"}", 12.0);
    check("lockgate_value_total{route=\"orders\"}", 2.0);
    check("lockgate_cut_value_total{route=\"orders\"}", 0.5);
    check("lockgate_request_duration_seconds_count{route=\"orders\"}", 3.0);
    check("lockgate_request_duration_seconds_bucket{route=\"orders\",le=\"0.0005\"}", 3.0);
    check("lockgate_listener_connections{address=\"127.0.0.1:8080\"}", 3.0);
    check("lockgate_endpoint_healthy{upstream=\"orders\",endpoint=\"b:1\"}", 1.0);
    check("lockgate_endpoint_healthy{upstream=\"orders\",endpoint=\"c:1\"}", 0.0);
    check("lockgate_endpoint_checks_total{upstream=\"orders\",endpoint=\"b:1\",result=\"passed\"}", 60.0);
    check("lockgate_endpoint_checks_total{upstream=\"orders\",endpoint=\"b:1\",result=\"failed\"}", 30.0);
    assert!(
        !text.contains("lockgate_endpoint_healthy{upstream=\"orders\",endpoint=\"unix"),
        "not checked\n{text}"
    );
    check("lockgate_endpoint_resting{upstream=\"orders\",endpoint=\"unix:/run/\\\"a\\\".sock\"}", 1.0);
    check("lockgate_function_calls_total{function=\"thumbnails\"}", 23.0);
    check("lockgate_function_failures_total{function=\"thumbnails\",reason=\"function_trapped\"}", 24.0);
    check("lockgate_function_running{function=\"thumbnails\"}", 25.0);
    check("lockgate_function_waiting{function=\"thumbnails\"}", 26.0);
    check("lockgate_function_cpu_seconds_total{function=\"thumbnails\"}", 2.75);
    check("lockgate_function_memory_max_bytes{function=\"thumbnails\"}", 28.0);
    check("lockgate_function_requests_total{class=\"2xx\"}", 1.0);
    check("lockgate_journal_ring_used_bytes{worker=\"1\"}", 64.0);
    check("lockgate_journal_disk_full", 1.0);
    check("lockgate_live_lost_total", 8.0);
    check("lockgate_database_up", 0.0);
    check("lockgate_keys", 12.0);
    check("lockgate_keys_age_seconds", 0.25);
    check("lockgate_key_changes_total", 13.0);
    check("lockgate_keys_unsaved", 1.0);
    check("lockgate_metering_records_total", 18.0);
    check("lockgate_metering_errors_total", 19.0);
    check("lockgate_metering_lag_seconds", 2.5);
    check("lockgate_metering_lag_bytes", 20.0);
    check("lockgate_metering_segments_held", 21.0);
    check("lockgate_metering_segments_unreadable", 2.0);
    check("lockgate_meter_unreadable_total", 22.0);
    check("lockgate_limit_refused_total{reason=\"rate_limited\"}", 14.0);
    check("lockgate_limit_refused_total{reason=\"concurrency_limited\"}", 15.0);
    check("lockgate_limit_refused_total{reason=\"limiter_full\"}", 16.0);
    check("lockgate_limit_memory_bytes", 17.0);
    check("process_start_time_seconds", 1.5);
}

#[test]
fn routes_without_a_record_have_no_series() {
    let text = rendered(&[]);
    assert!(!parsed(&text).keys().any(|sample| sample.contains("route=")), "{text}");
}

#[test]
fn requests_without_a_route_have_the_empty_one() {
    let text = rendered(&[EventRef { route: "", status: 404, upstream_us: None, ..event() }]);
    let samples = parsed(&text);
    assert_eq!(samples.get("lockgate_requests_total{route=\"\",class=\"4xx\"}"), Some(&1.0));
    assert!(!text.contains("lockgate_upstream_duration_seconds_count"));
}
