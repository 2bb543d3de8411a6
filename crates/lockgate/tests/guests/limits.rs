//! A hostile guest for each limit: one request fails with its cause, and nothing else does.

use std::time::Duration;

use testkit::{GatewayProcess, RawClient, component};

use crate::{answering, reason, records};

/// Limits that a test reaches soon.
const TIGHT: &str = "memory = \"16MiB\"\ntime = \"2s\"\ncpu = \"100ms\"\nresponse_body = \"1MiB\"\n\
    request_body = \"64KiB\"\ncalls = 3\nlog = \"2KiB\"";

fn check(gateway: &GatewayProcess, target: &str, status: u16, expected: &str) {
    let response = gateway.get(target).unwrap_or_else(|error| panic!("{target}: {error}\n{}", gateway.log()));
    assert_eq!(
        (response.status(), reason(&response).as_str()),
        (status, expected),
        "{target}: {}\n{}",
        response.text(),
        gateway.log()
    );
    assert_eq!(gateway.get("/env").unwrap().status(), 200, "after {target} the gateway serves on");
}

#[test]
fn each_limit_fails_the_one_request_with_its_cause() {
    let Some(hostile) = component("hostile") else { return };
    let mut gateway = answering(&hostile, TIGHT);
    for (target, status, expected) in [
        ("/spin", 504, "function_cpu"),
        ("/hold", 504, "function_timeout"),
        ("/recurse", 500, "function_stack"),
        ("/trap-before-head", 500, "function_trapped"),
        ("/panic", 500, "function_trapped"),
        ("/exit", 500, "function_trapped"),
        ("/no-answer", 500, "function_no_response"),
        ("/error-code", 500, "function_failed"),
    ] {
        check(&gateway, target, status, expected);
    }
    let seen: Vec<_> = records(&mut gateway)
        .iter()
        .filter_map(|record| record["reason"].as_str().map(str::to_owned))
        .collect();
    for expected in ["function_cpu", "function_timeout", "function_stack", "function_trapped"] {
        assert!(seen.iter().any(|reason| reason == expected), "{expected} is in the journal: {seen:?}");
    }
}

#[test]
fn memory_is_bounded_in_total() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, TIGHT);
    assert_eq!(gateway.get("/allocate?mib=4").unwrap().status(), 200, "{}", gateway.log());
    let before = gateway.figures().unwrap();
    for _ in 0..20 {
        let response = gateway.get("/allocate?mib=1024").unwrap();
        assert!(
            response.status() == 500 && reason(&response) == "function_memory"
                || response.text().contains("refused"),
            "{} {}",
            response.status(),
            response.text()
        );
    }
    let after = gateway.figures().unwrap();
    let grown = after.rss_bytes.saturating_sub(before.rss_bytes);
    assert!(grown < 64 << 20, "the process grew by {grown} bytes");
}

#[test]
fn a_panic_shows_message_and_guest_backtrace_in_the_log() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, TIGHT);
    check(&gateway, "/panic", 500, "function_trapped");
    gateway.wait_for_log("this guest panics when it is asked to");
    gateway.wait_for_log("wasm backtrace");
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    let Some(hostile) = component("hostile") else { return };
    let mut gateway = answering(&hostile, TIGHT);
    for target in ["/trap-after-head", "/trap-in-body", "/stream"] {
        let response = gateway.get(target);
        let looks_whole = response.as_ref().is_ok_and(|response| response.status() == 200);
        assert!(!looks_whole, "{target}: {} bytes", response.unwrap().text().len());
    }
    assert_eq!(gateway.get("/env").unwrap().status(), 200);
    let records = records(&mut gateway);
    let broken = records
        .iter()
        .filter(|record| record["reason"].as_str().is_some_and(|reason| reason.starts_with("function_")));
    assert_eq!(broken.count(), 3, "{records:#?}");
    let endless = records.iter().find(|record| record["path"] == "/stream").unwrap();
    assert_eq!(endless["reason"], "function_too_large");
}

#[test]
fn request_bodies_are_bounded() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, TIGHT);
    let response = gateway.ask("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 65537\r\n\r\n").unwrap();
    assert_eq!(response.status(), 413, "{}", response.text());
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let request = format!(
        "POST /sleep?ms=500 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        chunk.repeat(3)
    );
    let mut client = RawClient::connect(gateway.address()).unwrap();
    // The gateway may close while the rest is still on its way.
    let _ = client.send(request);
    let response = client.response("POST");
    assert!(response.as_ref().map_or(true, |response| response.status() == 413), "{response:?}");
}

#[test]
fn floods_of_headers_and_logs_end_somewhere() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, TIGHT);
    let response = gateway.get("/headers?bytes=1000").unwrap();
    assert!(response.status() == 500 || response.text().contains("was refused"), "{}", response.text());
    gateway.get("/log?bytes=1000000").unwrap();
    assert!(gateway.log().len() < 64 << 10, "the log grew to {} bytes", gateway.log().len());
    assert_eq!(gateway.get("/env").unwrap().status(), 200);
}

#[test]
fn instances_and_the_queue_in_front_of_them_are_bounded() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "instances = 2\nqueue = 2\nqueue_time = \"10s\"\ntime = \"10s\"");
    let mut clients: Vec<_> = (0..8)
        .map(|_| {
            let mut client = gateway.connect().unwrap();
            client.set_timeout(Duration::from_secs(20));
            client.send("GET /sleep?ms=1500 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
            client
        })
        .collect();
    let statuses: Vec<_> = clients.iter_mut().map(|client| client.response("GET").unwrap()).collect();
    let served = statuses.iter().filter(|response| response.status() == 200).count();
    let busy: Vec<_> = statuses.iter().filter(|response| response.status() == 503).collect();
    assert_eq!((served, busy.len()), (4, 4), "two at once and two behind them: {:?}", gateway.log());
    for response in busy {
        assert_eq!(reason(response), "function_busy");
        assert_eq!(response.field("retry-after"), "1");
    }
}

#[test]
fn waiting_longer_than_the_queue_time_is_refused() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "instances = 1\nqueue = 10\nqueue_time = \"100ms\"\ntime = \"10s\"");
    let mut first = gateway.connect().unwrap();
    first.send("GET /sleep?ms=2000 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut second = gateway.connect().unwrap();
    second.send("GET /sleep?ms=2000 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let statuses = [first.response("GET").unwrap().status(), second.response("GET").unwrap().status()];
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
}

#[test]
fn a_client_that_goes_away_frees_the_instance() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "instances = 1\nqueue = 0\ntime = \"30s\"\ncpu = \"30s\"");
    let mut client = gateway.connect().unwrap();
    client.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    client.head().unwrap();
    assert_eq!(gateway.get("/env").unwrap().status(), 503, "the one instance is busy");
    client.reset();
    let freed = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        gateway.get("/env").unwrap().status() == 200
    });
    assert!(freed, "{}", gateway.log());
}

#[test]
fn proxied_routes_are_served_while_guests_spin() {
    let Some(hostile) = component("hostile") else { return };
    let origin = testkit::Origin::echo();
    let gateway = crate::start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[workers]\ncount = 1\n[functions]\nthreads = 1\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n[function.guest]\ncomponent = {hostile:?}\ncpu = \"300ms\"\n\
         [[route]]\npath = \"/spin\"\nfunction = \"guest\"\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    ));
    let mut spinning: Vec<_> = (0..4)
        .map(|_| {
            let mut client = gateway.connect().unwrap();
            client.send("GET /spin HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
            client
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(gateway.get("/x").unwrap().status(), 200);
    }
    for client in &mut spinning {
        assert_eq!(client.response("GET").unwrap().status(), 504);
    }
}
