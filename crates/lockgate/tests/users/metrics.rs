//! What `GET /metrics` tells of users, keys, limits and usage.

use std::time::{Duration, Instant};

use testkit::{Answer, GatewayProcess, Origin};

use crate::LOCKGATE;
use crate::api::customer;
use crate::books::check_equal;
use crate::keys::{status, wait_for, with_key};

/// Longest wait for a figure; a busy test machine may stretch half a second to this.
const WAIT: Duration = Duration::from_secs(60);

fn start(origin: &Origin, database: &str) -> GatewayProcess {
    let text = format!(
        "[data]\ndir = \"data\"\ndatabase = \"{database}\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"metered\"\npath = \"/metered/*\"\nupstream = \"origin\"\naccess = \"key\"\n\
         meter = \"response-header:x-units\"\n\
         [[route]]\nname = \"limited\"\npath = \"/limited/*\"\nupstream = \"origin\"\n\
         limit = {{ rate = \"1/h\", burst = 1, per = \"route\" }}\n",
        origin.address()
    );
    GatewayProcess::start(LOCKGATE, &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The sum of the samples whose names with labels begin so.
fn figure(metrics: &str, begin: &str) -> f64 {
    let samples = metrics.lines().filter(|line| line.starts_with(begin));
    let figures: Vec<f64> = samples.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
    assert!(!figures.is_empty(), "no {begin} in\n{metrics}");
    figures.iter().sum()
}

fn metrics(gateway: &GatewayProcess) -> String {
    gateway.admin("GET", "/metrics").unwrap().text()
}

/// Waits for an exposition that is as it should be.
#[track_caller]
fn wait_until(gateway: &GatewayProcess, is_so: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    loop {
        let metrics = metrics(gateway);
        if is_so(&metrics) {
            return metrics;
        }
        assert!(start.elapsed() < WAIT, "{metrics}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn metrics_agree_with_keys_limits_and_usage() {
    let origin = Origin::answering(Answer::ok("without a number"));
    let gateway = start(&origin, "sqlite");
    let ada = customer(&gateway, "ada");
    let mut unreadable = 0.0;
    wait_for(200, || {
        let status = with_key(&gateway, "/metered/x", &ada);
        unreadable += f64::from(u8::from(status == 200));
        status
    });
    for expected in [200, 429, 429] {
        assert_eq!(status(&gateway, "/limited/x", "Accept: */*"), expected);
    }
    check_equal(&gateway);
    // Records that are worth nothing, such as the refused ones, are folded, too.
    let metrics = wait_until(&gateway, |metrics| {
        let served = figure(metrics, "lockgate_requests_total{");
        served >= 4.0
            && figure(metrics, "lockgate_metering_records_total ") == served
            && figure(metrics, "lockgate_metering_lag_seconds ") == 0.0
    });
    let check = |begin, expected| assert_eq!(figure(&metrics, begin), expected, "{begin} in\n{metrics}");
    check("lockgate_database_up ", 1.0);
    check("lockgate_keys ", 1.0);
    check("lockgate_keys_unsaved ", 0.0);
    check("lockgate_key_errors_total ", 0.0);
    check("lockgate_metering_errors_total ", 0.0);
    check("lockgate_metering_lag_bytes ", 0.0);
    check("lockgate_meter_unreadable_total ", unreadable);
    check("lockgate_limit_refused_total{reason=\"rate_limited\"} ", 2.0);
    check("lockgate_limit_refused_total{reason=\"concurrency_limited\"} ", 0.0);
    assert!(figure(&metrics, "lockgate_limit_memory_bytes ") > 0.0, "{metrics}");
    assert!(figure(&metrics, "lockgate_keys_age_seconds ") < WAIT.as_secs_f64(), "{metrics}");
}

#[test]
fn a_database_that_has_not_been_reached_is_shown_to_be_down() {
    let (origin, elsewhere) = (Origin::answering(Answer::ok("ok")), tempfile::tempdir().unwrap());
    let folder = elsewhere.path().join("later");
    let gateway = start(&origin, &format!("sqlite:{}/lockgate.db", folder.display()));
    assert_eq!(status(&gateway, "/limited/x", "Accept: */*"), 200);
    let metrics = wait_until(&gateway, |metrics| figure(metrics, "lockgate_metering_errors_total ") > 0.0);
    assert_eq!(figure(&metrics, "lockgate_database_up "), 0.0, "{metrics}");
    assert_eq!(figure(&metrics, "lockgate_metering_records_total "), 0.0, "{metrics}");
    assert!(figure(&metrics, "lockgate_metering_lag_seconds ") > 0.0, "{metrics}");
    assert!(figure(&metrics, "lockgate_keys_age_seconds ") > 0.0, "{metrics}");
    std::fs::create_dir(&folder).unwrap();
    wait_until(&gateway, |metrics| {
        figure(metrics, "lockgate_database_up ") == 1.0
            && figure(metrics, "lockgate_metering_records_total ") == 1.0
            && figure(metrics, "lockgate_metering_lag_seconds ") == 0.0
    });
}
