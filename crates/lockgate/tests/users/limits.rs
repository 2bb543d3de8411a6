//! How much may pass, over all workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::{Answer, Gate, GatewayProcess, Origin, RawClient, Step};

use crate::LOCKGATE;
use crate::api::customer;
use crate::keys::{wait_for, with_key};

fn limited(origin: &Origin, access: &str, limit: &str) -> GatewayProcess {
    let text = format!(
        "[workers]\ncount = 3\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"limited\"\npath = \"/*\"\nupstream = \"origin\"\naccess = \"{access}\"\nlimit = {limit}\n",
        origin.address()
    );
    GatewayProcess::start(LOCKGATE, &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// One request that passed: it was admitted at some time between these two.
type Admitted = (Instant, Instant);

/// Asks as fast as it can for a time, on a connection of its own.
fn hammer(address: &str, field: &str, until: Instant) -> Vec<Admitted> {
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\n{field}\r\n\r\n");
    let mut client = RawClient::connect(address).unwrap();
    let mut admitted = Vec::new();
    while Instant::now() < until {
        let sent = Instant::now();
        let response = client.ask(&request).unwrap();
        match response.status() {
            200 => admitted.push((sent, Instant::now())),
            429 => {
                let after: u64 = response.field("retry-after").parse().unwrap();
                assert!(after >= 1);
                assert!(response.field("ratelimit").contains("r=0"), "{:?}", response.fields);
            }
            other => panic!("{other}: {}", response.text()),
        }
    }
    admitted
}

#[test]
fn in_every_window_at_most_burst_and_rate_pass_over_all_workers() {
    let (rate, burst) = (200.0, 20.0);
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = limited(&origin, "key", "{ rate = \"200/s\", burst = 20, per = \"user\" }");
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/", &ada));
    let until = Instant::now() + Duration::from_secs(2);
    let field = Arc::new(format!("X-API-Key: {}", ada.secret));
    // More connections than workers, so that each worker has some.
    let threads: Vec<_> = (0..9)
        .map(|_| {
            let (address, field) = (gateway.address().to_owned(), field.clone());
            std::thread::spawn(move || hammer(&address, &field, until))
        })
        .collect();
    let mut admitted: Vec<Admitted> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    admitted.sort_unstable();
    for (first, &(start, _)) in admitted.iter().enumerate() {
        // Those whose whole interval lies in the window were surely admitted in it.
        let mut ends: Vec<Instant> = admitted[first..].iter().map(|&(_, end)| end).collect();
        ends.sort_unstable();
        for (count, end) in (1..).zip(ends) {
            let window = end.duration_since(start).as_secs_f64();
            assert!(f64::from(count) <= burst + rate * window + 1e-6, "{count} in {window} s");
        }
    }
    // The limit is no lower than it says, either: most of two seconds' worth came through.
    assert!(admitted.len() > 200, "{}", admitted.len());
}

#[test]
fn users_do_not_take_from_each_other_and_a_reload_forgives_nothing() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = limited(&origin, "key", "{ rate = \"2/h\", per = \"user\" }");
    let (ada, grace) = (customer(&gateway, "ada"), customer(&gateway, "grace"));
    wait_for(200, || with_key(&gateway, "/", &grace));
    assert_eq!([0, 1, 2].map(|_| with_key(&gateway, "/", &ada)), [200, 200, 429]);
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    gateway
        .rewrite_config(&format!("{text}\n[[route]]\npath = \"/more\"\nrespond = {{ body = \"x\" }}\n"))
        .unwrap();
    assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
    assert_eq!(with_key(&gateway, "/", &ada), 429);
    assert_eq!(with_key(&gateway, "/", &grace), 200);
}

#[test]
fn an_address_is_limited_before_its_key_is_looked_at() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = limited(&origin, "key", "{ rate = \"3/h\", per = \"address\" }");
    let statuses = [0; 4].map(|_| gateway.get("/").unwrap().status());
    assert_eq!(statuses, [401, 401, 401, 429]);
}

#[test]
fn values_of_a_header_are_limited_each_for_itself() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = limited(&origin, "open", "{ rate = \"1/h\", per = \"header:x-tenant\" }");
    let ask = |field: &str| {
        gateway.ask(format!("GET / HTTP/1.1\r\nHost: test\r\n{field}\r\n\r\n")).unwrap().status()
    };
    assert_eq!(
        ["X-Tenant: a", "X-Tenant: b", "X-Tenant: a", "Accept: */*", "Accept: x"].map(ask),
        [200, 200, 429, 200, 429]
    );
}

#[test]
fn only_so_many_pass_at_the_same_time() {
    let gates = [Gate::new(), Gate::new()];
    let origin = {
        let gates = gates.clone();
        Origin::start(move |received| {
            let gate = &gates[usize::from(received.line.target == "/second")];
            Answer::new()
                .then(Step::Wait(gate.clone()))
                .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        })
    };
    let gateway = limited(&origin, "open", "{ concurrency = 2, per = \"route\" }");
    let mut held = ["/first", "/second"].map(|path| {
        let mut client = gateway.connect().unwrap();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
        client
    });
    origin.wait("both have come", |connections| connections.iter().map(|c| c.heads).sum::<usize>() == 2);
    let refused = gateway.get("/second").unwrap();
    assert_eq!((refused.status(), refused.field("retry-after")), (429, "1"));
    // One that is answered gives its place back.
    gates[1].open();
    assert_eq!(held[1].response("GET").unwrap().status(), 200);
    wait_for(200, || gateway.get("/second").unwrap().status());
    gates[0].open();
    assert_eq!(held[0].response("GET").unwrap().status(), 200);
}
