//! What a configuration means: each key reaches its field, defaults are those documented, and a reload's difference
//! names what changed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use policy::proxy_protocol::Form;

use config::{
    Access, AccessLog, Balance, Config, Database, EncodedSlashes, EndpointAddress, HealthCheck,
    HealthQuestion, Limit, Loaded, Meter, Per, Protocol, Rate, RateError, RingPlace, Target, WhenFull,
    difference, load_file, load_text,
};

fn environment() -> BTreeMap<String, String> {
    [("LOCKGATE_TOKEN", "s3cret-s3cret-s3cret"), ("LISTEN", "127.0.0.1:8080")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

fn load(text: &str) -> Loaded {
    load_text("lockgate.toml", Path::new("/etc/lockgate"), text, &environment()).unwrap()
}

fn everything() -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/configs/good/everything.toml");
    let text = std::fs::read_to_string(path).unwrap();
    load(&text).config
}

const SMALL: &str = r#"
[[listener]]
address = "127.0.0.1:8080"
[upstream.a]
endpoints = ["127.0.0.1:9001"]
[upstream.b]
endpoints = ["127.0.0.1:9002"]
[[route]]
path = "/a/*"
upstream = "a"
[[route]]
path = "/b/*"
upstream = { a = 1, b = 2 }
"#;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn defaults_are_those_documented() {
    let config = load(SMALL).config;
    assert_eq!(config.admin.address, "127.0.0.1:9180".parse().unwrap());
    assert!(config.admin.token.is_none() && config.admin.read_token.is_none());
    let data = &config.data;
    assert_eq!(data.dir, Path::new("/etc/lockgate/lockgate-data"));
    assert_eq!((data.sync, data.keep_age), (s(1), s(30 * 86_400)));
    assert_eq!((data.keep_bytes, data.segment_bytes, data.ring_bytes), (1 << 30, 64 << 20, 1 << 20));
    assert_eq!(
        (data.when_full, config.access_log, config.workers.count),
        (WhenFull::Drop, AccessLog::Off, None)
    );
    assert_eq!(data.rings, RingPlace::SharedMemory);
    assert_eq!(data.database, Database::Sqlite("/etc/lockgate/lockgate-data/lockgate.db".into()));
    let limits = &config.limits;
    assert_eq!(limits.limited_keys, 1_000_000);
    assert_eq!((limits.head_bytes, limits.header_count, limits.target_bytes), (32 << 10, 100, 8 << 10));
    assert_eq!((limits.response_head_bytes, limits.connections, limits.drain), (64 << 10, 0, s(30)));
    let listener = &config.listeners[0];
    assert_eq!(
        (listener.protocols.as_slice(), listener.trusted_proxies.is_empty()),
        (&[Protocol::H1][..], true)
    );
    assert_eq!((listener.head_timeout, listener.body_timeout, listener.keep_alive), (s(10), s(60), s(75)));
    assert_eq!((listener.connections, listener.requests), (0, 0));
    let upstream = &config.upstreams[0];
    let timeout = &upstream.timeout;
    assert_eq!(
        (timeout.connect, timeout.response, timeout.idle, timeout.keep_alive),
        (s(3), s(30), s(60), s(60))
    );
    assert_eq!((upstream.idle_connections, upstream.connections), (128, 0));
    assert_eq!((upstream.rest, upstream.resolve, &upstream.host), (s(1), s(10), &None));
    let route = &config.routes[0];
    assert_eq!(
        (route.name.as_str(), route.encoded_slashes, route.body_bytes),
        ("/a/*", EncodedSlashes::Refuse, 0)
    );
    assert!(route.request_headers.is_empty() && route.response_headers.is_empty() && route.cors.is_none());
    assert_eq!((route.access, route.limits.is_empty(), &route.meter), (Access::Open, true, &Meter::Requests));
    assert!(
        route.allow.is_none() && route.deny.is_empty() && route.host.is_none() && route.methods.is_none()
    );
}

#[test]
fn process_wide_keys_reach_their_fields() {
    let config = everything();
    assert_eq!(config.admin.token.as_ref().map(|token| token.expose()), Some("s3cret-s3cret-s3cret"));
    assert_eq!(
        config.admin.read_token.as_ref().map(|token| token.expose()),
        Some("read-s3cret-s3cret-s3cret")
    );
    assert_eq!(config.data.dir, Path::new("/var/lib/lockgate"));
    assert_eq!((config.data.keep_bytes, config.data.ring_bytes), (10_000_000_000, 2 << 20));
    assert_eq!((config.data.when_full, config.access_log), (WhenFull::Refuse, AccessLog::Combined));
    assert_eq!((config.data.rings, config.limits.limited_keys), (RingPlace::DataDir, 50_000));
    let Database::Postgres(url) = &config.data.database else { panic!("not PostgreSQL") };
    assert_eq!(url.expose(), "postgres://lockgate:s3cret-s3cret-s3cret@db.example.com:5432/lockgate");
    assert_eq!((config.workers.count, config.limits.connections), (Some(4), 100_000));
    assert_eq!((config.limits.header_count, config.limits.target_bytes), (64, 4096));
    let listener = &config.listeners[0];
    assert_eq!(listener.address, "127.0.0.1:8080".parse().unwrap());
    assert!(listener.trusted_proxies.contains("10.1.2.3".parse().unwrap()));
    assert!(!listener.trusted_proxies.contains("192.0.2.8".parse().unwrap()));
    assert_eq!((listener.keep_alive, listener.requests), (s(120), 10_000));
}

#[test]
fn upstreams_stand_in_the_order_written() {
    let config = everything();
    let names: Vec<&str> = config.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
    assert_eq!(names[..2], ["orders", "orders.next"]);
    let upstream = &config.upstreams[0];
    assert_eq!(upstream.balance, Balance::RoundRobin);
    assert_eq!(upstream.host.as_deref(), Some("orders.internal"));
    let addresses: Vec<&EndpointAddress> =
        upstream.endpoints.iter().map(|endpoint| &endpoint.address).collect();
    assert_eq!(addresses[2], &EndpointAddress::Host { name: "orders.internal".to_owned(), port: 9001 });
    assert_eq!(addresses[3], &EndpointAddress::Unix("/etc/lockgate/orders.sock".into()));
    assert_eq!(config.upstreams[1].endpoints[1].weight, 3);
    assert_eq!(upstream.proxy_protocol, None);
    assert_eq!(config.upstreams[1].proxy_protocol, Some(Form::Binary));
}

#[test]
fn health_checks_reach_their_fields() {
    let check = |question, host: Option<&str>, every, timeout, failures, successes| HealthCheck {
        question,
        host: host.map(str::to_owned),
        every,
        timeout,
        failures,
        successes,
    };
    let by_path = |target: &str, statuses: &[u16]| HealthQuestion::Path {
        target: target.to_owned(),
        statuses: statuses.to_vec(),
    };
    let upstreams = everything().upstreams;
    assert_eq!(
        upstreams[0].health,
        Some(check(
            by_path("/healthz?deep=1", &[200, 204]),
            Some("health.internal"),
            s(2),
            Duration::from_millis(500),
            3,
            4
        ))
    );
    assert_eq!(upstreams[1].health, None);
    let by_grpc = |service: &str| HealthQuestion::Grpc { service: service.to_owned() };
    for (written, question) in [
        ("health = { path = \"/\" }", by_path("/", &[])),
        ("health = { path = \"/\", status = 302 }", by_path("/", &[302])),
        ("protocol = \"h2\"\nhealth = { grpc = \"\" }", by_grpc("")),
        ("protocol = \"h2\"\nhealth = { grpc = \"a.B\" }", by_grpc("a.B")),
        ("protocol = \"auto\"\ntls = { verify = false }\nhealth = { grpc = \"\" }", by_grpc("")),
    ] {
        let text = SMALL.replacen("[upstream.b]", &format!("{written}\n[upstream.b]"), 1);
        let config = load(&text).config;
        assert_eq!(config.upstreams[0].health, Some(check(question, None, s(5), s(2), 2, 1)), "{written}");
    }
}

#[test]
fn keys_of_a_route_reach_their_fields() {
    let config = everything();
    let route = &config.routes[0];
    assert_eq!(route.target, Target::Upstreams(vec![(0, 95), (1, 5)]));
    assert_eq!(
        route.headers,
        BTreeMap::from([("x-tenant".into(), Some("a".into())), ("x-debug".into(), None)])
    );
    assert_eq!(route.query, BTreeMap::from([("version".into(), Some("2".into())), ("trace".into(), None)]));
    assert_eq!(route.strip_prefix.as_deref(), Some("/orders"));
    assert_eq!(route.encoded_slashes, EncodedSlashes::Keep);
    let edits = &route.request_headers;
    assert_eq!(edits.remove, ["x-internal"]);
    assert_eq!(edits.set, [("authorization".to_owned(), "Bearer s3cret-s3cret-s3cret".to_owned())]);
    let added: Vec<(&str, &str)> =
        edits.add.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(added, [("x-via", "a"), ("x-via", "b"), ("x-one", "1")]);
    let cors = route.cors.as_ref().unwrap();
    assert_eq!((cors.origins.len(), cors.credentials, cors.max_age), (2, true, s(3600)));
    assert!(route.deny.contains("10.0.0.66".parse().unwrap()));
    assert_eq!(
        (route.body_bytes, route.response_timeout, route.idle_timeout),
        (10 << 20, Some(s(5)), Some(s(10)))
    );
    assert_eq!(config.routes[1].rewrite.as_deref(), Some("/v2/*"));
    let to = "https://example.com{path}{query}".to_owned();
    assert_eq!(config.routes[2].target, Target::Redirect { to, status: 301 });
}

const MINUTE: Duration = s(60);
const DAY: Duration = s(86_400);

const fn rate(requests: u32, period: Duration, burst: u32) -> Option<Rate> {
    Some(Rate { requests, period, burst })
}

#[test]
fn access_limits_and_meter_reach_their_fields() {
    let config = everything();
    let route = &config.routes[0];
    assert_eq!((route.access, &route.meter), (Access::Key, &Meter::ResponseHeader("x-units".into())));
    let expected = [
        Limit { rate: rate(100, s(1), 500), concurrency: Some(10), per: Per::User },
        Limit { rate: rate(1_000_000, DAY, 1_000_000), concurrency: None, per: Per::Key },
        Limit { rate: None, concurrency: Some(1000), per: Per::Address },
        Limit { rate: rate(5000, MINUTE, 5000), concurrency: None, per: Per::Route },
        Limit { rate: rate(600, s(3600), 600), concurrency: None, per: Per::Header("x-tenant".into()) },
    ];
    assert_eq!(route.limits, expected);
    let one = Limit { rate: rate(1, s(1), 1), concurrency: None, per: Per::Address };
    let route = &config.routes[1];
    assert_eq!((route.access, &route.limits, &route.meter), (Access::Open, &vec![one], &Meter::BytesOut));
}

#[test]
fn each_meter_is_its_word() {
    for (word, expected) in [
        ("requests", Meter::Requests),
        ("bytes", Meter::Bytes),
        ("bytes-in", Meter::BytesIn),
        ("bytes_out", Meter::BytesOut),
        ("milliseconds", Meter::Milliseconds),
        ("response-header:units", Meter::ResponseHeader("units".into())),
    ] {
        let text = SMALL.replacen("[[route]]", &format!("[[route]]\nmeter = \"{word}\""), 1);
        assert_eq!(load(&text).config.routes[0].meter, expected, "{word}");
    }
}

#[test]
fn a_rate_is_a_number_and_a_period() {
    for (text, expected) in [
        ("1/s", Ok(rate(1, s(1), 1))),
        ("007/m", Ok(rate(7, MINUTE, 7))),
        ("1000000000/d", Ok(rate(1_000_000_000, DAY, 1_000_000_000))),
        ("1000000001/d", Err(RateError::Requests)),
        ("99999999999999999999/s", Err(RateError::Requests)),
        ("0/s", Err(RateError::Requests)),
        ("", Err(RateError::Form)),
        ("/s", Err(RateError::Form)),
        ("+1/s", Err(RateError::Form)),
        ("1 /s", Err(RateError::Form)),
        ("5/Minutes", Err(RateError::Word { letter: "m", requests: 5 })),
        ("5/", Err(RateError::Word { letter: "s", requests: 5 })),
        ("5/ms", Err(RateError::Period)),
        ("5/s/s", Err(RateError::Period)),
    ] {
        assert_eq!(text.parse().map(Some), expected, "{text}");
    }
}

#[test]
fn a_database_file_is_relative_to_the_configuration() {
    let database = |word: &str| {
        let text = SMALL.replacen("[[listener]]", &format!("[data]\n{word}\n[[listener]]"), 1);
        load(&text).config.data.database
    };
    let sqlite = |path: &str| Database::Sqlite(path.into());
    assert_eq!(database("database = \"sqlite:a/b.db\""), sqlite("/etc/lockgate/a/b.db"));
    assert_eq!(database("database = \"sqlite:/b.db\""), sqlite("/b.db"));
    assert_eq!(database("database = \"sqlite\"\ndir = \"/d\""), sqlite("/d/lockgate.db"));
    assert_eq!(database("dir = \"d\""), sqlite("/etc/lockgate/d/lockgate.db"));
}

#[test]
fn secrets_are_not_printed() {
    let config = everything();
    let printed = format!("{config:?}");
    assert!(printed.contains("Secret(…)") && printed.contains("Postgres"));
    assert!(!format!("{:?}{:?}", config.admin, config.data).contains("s3cret"));
}

#[test]
fn a_password_in_a_url_is_in_no_message() {
    for wrong in [
        "database = \"postgres://u:s3cret@h:x/d\"",
        "databse = 'postgres://u:s3cret@h/d?sslpassword=s3cret'",
        "database = postgres://u:s3cret@h/d",
        "database = \"postgres://u:s3cret@h/d",
        "database = [\"postgres://u:s3cret@h/d\"]",
        "database = \"mysql://u:s3cret@h/d\"",
        "[upstream.c]\nendpoints = [\"http://u:s3cret@h:1\"]",
        "[upstream.c]\nendpoints = \"http://u:s3cret@h:1\"",
    ] {
        let text = SMALL.replacen("[[listener]]", &format!("[data]\n{wrong}\n[[listener]]"), 1);
        let problems = load_text("x.toml", Path::new(""), &text, &environment()).unwrap_err();
        let said = format!("{problems}{}{}", problems.render(true), problems.to_json());
        assert!(said.contains("@h") && !said.contains("s3cret"), "{said}");
    }
}

/// Replaces one text by another in `SMALL` and lists the difference.
fn check_difference(replacements: &[(&str, &str)], expected: &[&str]) {
    let new = replacements.iter().fold(SMALL.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let difference = difference(&load(SMALL).config, &load(&new).config);
    let listed = difference.to_string();
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    assert_eq!(difference.is_empty(), expected.is_empty());
}

#[test]
fn a_difference_names_what_was_added_changed_and_removed() {
    check_difference(&[], &[]);
    check_difference(&[("8080", "8081")], &["+ listener 127.0.0.1:8081", "- listener 127.0.0.1:8080"]);
    check_difference(
        &[("address = \"127.0.0.1:8080\"", "address = \"127.0.0.1:8080\"\nrequests = 5")],
        &["~ listener 127.0.0.1:8080"],
    );
    check_difference(&[(":9002", ":9003")], &["~ upstream b"]);
    check_difference(&[("path = \"/a/*\"", "path = \"/c/*\"")], &["+ route /c/*", "- route /a/*"]);
    check_difference(&[("b = 2", "b = 3")], &["~ route /b/*"]);
    for key in ["access = \"key\"", "limit = { rate = \"1/s\", per = \"route\" }", "meter = \"bytes\""] {
        let written = format!("path = \"/a/*\"\n{key}");
        check_difference(&[("path = \"/a/*\"", &written)], &["~ route /a/*"]);
    }
    check_difference(
        &[("[upstream.b]", "[upstream.c]"), ("b = 2", "c = 2")],
        &["+ upstream c", "- upstream b", "~ route /b/*"],
    );
}

#[test]
fn the_order_of_upstreams_is_no_difference() {
    check_difference(
        &[
            ("[upstream.a]", "[upstream.x]"),
            ("[upstream.b]", "[upstream.a]"),
            ("[upstream.x]", "[upstream.b]"),
            (":9001", ":1"),
            (":9002", ":9001"),
            (":1\"", ":9002\""),
        ],
        &[],
    );
}

#[test]
fn listeners_on_any_port_are_compared_in_their_order() {
    let text = |second: u32| {
        format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.1:0\"\nrequests = {second}"
        )
    };
    let changed =
        |old: u32, new: u32| difference(&load(&text(old)).config, &load(&text(new)).config).listeners;
    assert!(changed(5, 5).is_empty());
    assert_eq!(changed(5, 6).changed, ["127.0.0.1:0"]);
}

#[test]
fn what_needs_a_restart_is_named() {
    check_difference(
        &[(
            "[[listener]]",
            "[admin]\naddress = \"127.0.0.1:1\"\n[workers]\ncount = 3\n[data]\nring = \"2MiB\"\n[[listener]]",
        )],
        &[
            "! admin.address takes effect after a restart",
            "! data.ring takes effect after a restart",
            "! workers.count takes effect after a restart",
        ],
    );
    check_difference(
        &[("[[listener]]", "[limits]\ndrain = \"5s\"\n[log]\naccess = \"json\"\n[[listener]]")],
        &["~ limits.drain", "~ log.access"],
    );
    check_difference(
        &[(
            "[[listener]]",
            "[data]\ndatabase = \"postgres://h/d\"\nrings = \"data-dir\"\n[limits]\nlimited_keys = 2000\n[[listener]]",
        )],
        &[
            "! data.database takes effect after a restart",
            "! data.rings takes effect after a restart",
            "! limits.limited_keys takes effect after a restart",
        ],
    );
}

#[test]
fn problems_as_json_have_place_and_hint() {
    let text = SMALL.replace("upstream = \"a\"", "upstream = \"aa\"");
    let problems = load_text("x.toml", Path::new(""), &text, &environment()).unwrap_err();
    let expected = serde_json::json!([{
        "severity": "error",
        "message": "there is no upstream `aa`",
        "file": "x.toml",
        "line": 10,
        "column": 12,
        "text": "\"aa\"",
        "label": "not defined",
        "hint": "did you mean `a`?",
    }]);
    assert_eq!(problems.to_json(), expected);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    assert!(load(&format!("\u{feff}{SMALL}")).warnings.is_empty());
}

#[test]
fn color_is_escapes_around_the_same_text() {
    let problems = load_text("x.toml", Path::new(""), "[admin]\nadress = 1", &environment()).unwrap_err();
    assert!(problems.render(true).contains("\u{1b}["));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockgate.toml");
    let message =
        |path: &Path| load_file(path, &environment()).unwrap_err().iter().next().unwrap().message.clone();
    assert!(message(&path).starts_with("the configuration cannot be read: "));
    assert!(message(folder.path()).starts_with("the configuration cannot be read: "));
    std::fs::write(&path, b"\xff").unwrap();
    assert_eq!(message(&path), "the configuration is not UTF-8 text: byte 0 in line 1");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(config::FILE_BYTES_MAX as u64 + 1).unwrap();
    assert_eq!(message(&path), "the configuration is larger than 16 MiB");
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lockgate.toml");
    std::fs::write(&path, SMALL).unwrap();
    let loaded = load_file(&path, &environment()).unwrap();
    assert_eq!(loaded.config.data.dir, folder.path().join("lockgate-data"));
}
