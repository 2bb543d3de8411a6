//! What functions do is counted under their names, and what they ask is counted apart from what clients ask.

use serde_json::Value;
use testkit::{GatewayProcess, Origin, component};

use crate::{LOCKGATE, eventually};

fn sample(metrics: &str, sample: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
}

/// A gateway whose function asks an origin; answers after one call that asks four times.
fn asked(origin: &Origin) -> Option<GatewayProcess> {
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[log]\naccess = \"combined\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\
         [function.guest]\ncomponent = {:?}\noutbound = [\"origin\"]\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nfunction = \"guest\"\n",
        origin.address(),
        component("hostile")?,
    );
    let gateway =
        GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}"));
    let response = gateway.get("/call?n=4&to=http://origin.internal/on-the-way").unwrap();
    assert_eq!((response.status(), origin.hits()), (200, 4), "{}\n{}", response.text(), gateway.log());
    Some(gateway)
}

#[test]
fn metrics_and_usage_count_the_client_s_request_once() {
    let origin = Origin::echo();
    let Some(gateway) = asked(&origin) else { return };
    let metrics = eventually("all records in metrics and usage", || {
        let metrics = gateway.admin("GET", "/metrics").unwrap().text();
        let is_there = sample(&metrics, "lockgate_function_requests_total{class=\"2xx\"}") == Some(4.0)
            && sample(&metrics, "lockgate_metering_records_total") == Some(5.0)
            && sample(&metrics, "lockgate_function_calls_total{function=\"guest\"}") == Some(1.0);
        is_there.then_some(metrics)
    });
    let check =
        |name: &str, figure: f64| assert_eq!(sample(&metrics, name), Some(figure), "{name} in\n{metrics}");
    check("lockgate_requests_total{route=\"all\",class=\"2xx\"}", 1.0);
    check("lockgate_requests_by_method_total{method=\"GET\"}", 1.0);
    check("lockgate_request_duration_seconds_count{route=\"all\"}", 1.0);
    check("lockgate_value_total{route=\"all\"}", 1.0);
    check("lockgate_function_running{function=\"guest\"}", 0.0);
    check("lockgate_function_waiting{function=\"guest\"}", 0.0);
    assert!(
        sample(&metrics, "lockgate_function_cpu_seconds_total{function=\"guest\"}")
            .is_some_and(|cpu| cpu > 0.0)
    );
    assert!(
        sample(&metrics, "lockgate_function_memory_max_bytes{function=\"guest\"}")
            .is_some_and(|max| max > 65_535.0)
    );
    let usage: Vec<Value> =
        serde_json::from_str(&gateway.admin("GET", "/usage?by=route").unwrap().text()).unwrap();
    assert_eq!((usage.len(), &usage[0]["count"]), (1, &1.into()), "{usage:?}");
}

#[test]
fn failures_have_their_reason() {
    let origin = Origin::echo();
    let Some(gateway) = asked(&origin) else { return };
    assert_eq!(gateway.get("/panic").unwrap().status(), 500);
    let trapped = "lockgate_function_failures_total{function=\"guest\",reason=\"function_trapped\"}";
    eventually("the failure", || {
        (sample(&gateway.admin("GET", "/metrics").unwrap().text(), trapped) == Some(1.0)).then_some(())
    });
}

#[test]
fn the_journal_shows_what_was_asked_and_an_access_log_of_apache_does_not() {
    let origin = Origin::echo();
    let Some(mut gateway) = asked(&origin) else { return };
    assert!(gateway.terminate().unwrap().success());
    assert!(gateway.log().contains("\"GET /call"), "{}", gateway.log());
    assert!(!gateway.log().contains("\"GET /on-the-way"), "{}", gateway.log());
    let lines = |arguments: &[&str]| {
        let output = gateway.command([&["tail"], arguments].concat()).unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((lines(&[]).len(), lines(&["--format", "combined"]).len()), (5, 1));
}
