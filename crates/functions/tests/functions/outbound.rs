//! A guest's own requests.

use std::sync::{Arc, Mutex};

use functions::{Destination, Function, HttpError, Outbound, SentResponse, Timeouts, WasiBody, body, bridge};
use http::{Request, Response};
use http_body_util::BodyExt;

use crate::support::{Outcome, block_on, call, function, get};

/// Remembers what was asked and answers with a text.
#[derive(Default)]
struct Answering(Arc<Mutex<Vec<(Destination, String)>>>);

impl Outbound for Answering {
    fn send(&self, to: Destination, request: Request<WasiBody>, _: Timeouts) -> SentResponse {
        let asked = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let mut message = message::Request::default();
            bridge::request_from_guest(&head, &body, &mut message)?;
            let bytes = body.collect().await?.to_bytes().len();
            let line =
                format!("{} {} {} {bytes}", message.method_text(), message.authority(), message.path());
            asked.lock().expect("a lock").push((to, line));
            Ok(Response::new(body::full("answer".into())))
        })
    }
}

fn asks(function: &Arc<Function>, path: &str, next: bool) -> (Outcome, Vec<(Destination, String)>) {
    let outbound = Answering::default();
    let asked = outbound.0.clone();
    let outcome = block_on(call(function, get(path), Arc::new(outbound), next));
    let asked = asked.lock().expect("a lock").clone();
    (outcome, asked)
}

#[test]
fn only_what_is_listed_can_be_asked() {
    let listed = ["orders.internal", "api.example.com:8080", "https://secure.example.com"].map(str::to_owned);
    let Some(function) = function("hostile", |settings| settings.outbound = listed.to_vec()) else { return };
    for (to, next, expected) in [
        ("http://orders.internal/a", false, Some((Destination::Listed(0), "GET orders.internal /a 0"))),
        (
            "http://ORDERS.internal:80/a/../b",
            false,
            Some((Destination::Listed(0), "GET ORDERS.internal:80 /b 0")),
        ),
        (
            "http://api.example.com:8080/",
            false,
            Some((Destination::Listed(1), "GET api.example.com:8080 / 0")),
        ),
        ("http://upstream.internal/a", true, Some((Destination::Next, "GET upstream.internal /a 0"))),
        ("http://upstream.internal/a", false, None),
        ("http://api.example.com/", false, None),
        ("http://api.example.com:8081/", false, None),
        ("https://orders.internal/", false, None),
        ("https://upstream.internal/", true, None),
        (
            "https://secure.example.com:443/",
            false,
            Some((Destination::Listed(2), "GET secure.example.com:443 / 0")),
        ),
        ("http://secure.example.com/", false, None),
        ("http://secure.example.com:443/", false, None),
        ("http://orders.internal.evil.example/", false, None),
        ("http://user@orders.internal/", false, None),
        ("http://127.0.0.1:9180/", false, None),
        ("http://[::1]/", false, None),
    ] {
        let (outcome, asked) = asks(&function, &format!("/call?to={to}"), next);
        let expected: Vec<_> = expected.map(|(to, line)| (to, line.to_owned())).into_iter().collect();
        assert_eq!(asked, expected, "{to}: {}", outcome.text());
        assert_eq!(outcome.text() == "200 6 bytes\n", !expected.is_empty(), "{to}: {}", outcome.text());
    }
}

#[test]
fn outgoing_requests_are_counted() {
    let Some(function) = function("hostile", |settings| settings.calls = 3) else { return };
    let (outcome, asked) = asks(&function, "/call?n=5&to=http://upstream.internal/", true);
    assert_eq!(asked.len(), 3);
    assert_eq!(outcome.text().lines().filter(|line| line.contains("HttpRequestDenied")).count(), 2);
}

#[test]
fn an_error_of_the_gateway_reaches_the_guest() {
    struct Failing;
    impl Outbound for Failing {
        fn send(&self, _: Destination, _: Request<WasiBody>, _: Timeouts) -> SentResponse {
            Box::pin(std::future::ready(Err(HttpError::ConnectionTimeout)))
        }
    }
    let Some(function) = function("hostile", |_| ()) else { return };
    let asked = get("/call?to=http://upstream.internal/");
    let outcome = block_on(call(&function, asked, Arc::new(Failing), true));
    assert!(outcome.text().contains("ConnectionTimeout"), "{}", outcome.text());
}
