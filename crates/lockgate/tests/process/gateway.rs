//! The journal of a real gateway, beside what the gateway itself says.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Answer, GatewayProcess, Origin};

use crate::LOCKGATE;
use crate::formats::{check_equal, gzip, zstd};

/// Longest wait for what the fold puts into the books, or for a new key.
const SOON: Duration = Duration::from_secs(20);

/// A gateway in front of a service that answers the units a path ends in: one route asks for keys, one does not.
fn gateway() -> (GatewayProcess, Origin) {
    let origin = Origin::start(|received| {
        let units = received.line.target.rsplit('/').next().unwrap_or_default().to_owned();
        Answer::bytes(format!("HTTP/1.1 200 OK\r\nX-Units: {units}\r\nContent-Length: 2\r\n\r\nok"))
    });
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"orders\"\npath = \"/orders/*\"\nupstream = \"origin\"\naccess = \"key\"\nmeter = \"response-header:x-units\"\n\
         [[route]]\nname = \"open\"\npath = \"/open/*\"\nupstream = \"origin\"\n",
        origin.address()
    );
    (GatewayProcess::start(LOCKGATE, &config).unwrap(), origin)
}

fn run(gateway: &GatewayProcess, line: &str) -> String {
    let output = gateway.command(line.split(' ')).unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn get(gateway: &GatewayProcess, path: &str, key: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n\r\n");
    gateway.ask(request).unwrap().status()
}

/// Waits until it is so.
#[track_caller]
fn until<T: std::fmt::Debug>(mut look: impl FnMut() -> Result<(), T>) {
    let end = Instant::now() + SOON;
    while let Err(seen) = look() {
        assert!(Instant::now() < end, "waited in vain: {seen:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Makes users with a key each.
fn keys(gateway: &GatewayProcess, names: &[&str]) -> Vec<String> {
    let admin = &gateway.ports().admin;
    let key = |name: &&str| {
        run(gateway, &format!("--admin {admin} users create --name {name} --email {name}@example.com"));
        let key = run(gateway, &format!("--admin {admin} keys create {name}@example.com --quiet"));
        let key = key.trim().to_owned();
        until(|| match get(gateway, "/orders/0.25", &key) {
            200 => Ok(()),
            other => Err(other),
        });
        key
    };
    names.iter().map(key).collect()
}

/// Answers worth something, refusals, and requests of nobody.
fn traffic(gateway: &GatewayProcess, keys: &[String]) {
    for number in 0..20 {
        for (at, key) in keys.iter().enumerate().take(1 + number % keys.len()) {
            assert_eq!(get(gateway, &format!("/orders/{}.5", at + number), key), 200);
        }
        assert_eq!(get(gateway, "/orders/7", "nonsense"), 401);
        assert_eq!(gateway.get(&format!("/open/{number}")).unwrap().status(), 200);
        assert_eq!(gateway.get("/nowhere").unwrap().status(), 404);
    }
}

/// What each user consumed; users of whom nothing was counted are left out.
fn per_user(json: &str) -> BTreeMap<Option<u64>, (i64, String)> {
    let rows: Vec<Value> = serde_json::from_str(json).unwrap();
    let row = |row: Value| {
        let sums = (row["count"].as_i64().unwrap(), row["total_value"].as_f64().unwrap().to_string());
        (row["user_id"].as_u64(), sums)
    };
    rows.into_iter().map(row).filter(|(_, (count, _))| *count != 0).collect()
}

/// Lines of JSON as comma-separated values.
fn csv(ndjson: &str) -> String {
    let events: Vec<serde_json::Map<String, Value>> =
        ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&String> = events[0].keys().collect();
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let rows = events.iter().map(|event| line(names.iter().map(|name| cell(&event[*name])).collect()));
    [line(names.iter().map(ToString::to_string).collect())].into_iter().chain(rows).collect()
}

#[test]
fn segments_tell_what_usage_and_the_events_tell() {
    let (mut gateway, _origin) = gateway();
    let keys = keys(&gateway, &["ada", "grace", "lise"]);
    traffic(&gateway, &keys);
    gateway.kill9();
    gateway.restart().unwrap();
    traffic(&gateway, &keys);

    let admin = gateway.ports().admin.clone();
    until(|| {
        let usage = per_user(&run(&gateway, &format!("--admin {admin} usage --json")));
        let processed = per_user(&run(&gateway, "process --json"));
        if usage == processed && usage.len() == 4 { Ok(()) } else { Err((usage, processed)) }
    });

    gateway.terminate().unwrap();
    let ndjson = run(&gateway, "tail --json");
    assert!(ndjson.lines().count() > 200, "{ndjson}");
    let dir = gateway.directory();
    for (name, bytes) in [
        ("events.ndjson", ndjson.clone().into_bytes()),
        ("events.ndjson.gz", gzip(ndjson.as_bytes())),
        ("events.csv", csv(&ndjson).into_bytes()),
        ("events.csv.zst", zstd(csv(&ndjson).as_bytes())),
    ] {
        fs::write(dir.join(name), bytes).unwrap();
    }
    check_equal(
        dir,
        &[
            "data",
            "data/journal/*.segment",
            "events.ndjson",
            "events.ndjson.gz",
            "events.csv",
            "events.csv.zst",
        ],
    );
}
