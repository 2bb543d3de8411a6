//! What the gateway answers by itself: refusals, redirects, fixed responses, preflights, hooks.

use lockgate_event::Value;
use testkit::{Answer, Origin};

use super::{Afterwards, Asked, Gateway, Kind, check};
use crate::memory::{BodyEnd, WriteFault};

const ROUTES: &str = r#"
upstream.unasked = { endpoints = ["127.0.0.1:9"] }
[[route]]
name    = "fixed"
path    = "/fixed"
respond = { status = 201, body = "fixed", content_type = "text/x" }
[[route]]
path    = "/empty"
respond = { status = 204 }
[[route]]
path     = "/moved/*"
redirect = { to = "https://new.example{path}{query}", status = 307 }
[[route]]
path     = "/there"
redirect = { to = "/here" }
[[route]]
path     = "/written"
methods  = ["POST", "PUT"]
upstream = "unasked"
[[route]]
path     = "/small"
body     = 8
upstream = "unasked"
[[route]]
path    = "/inside"
allow   = ["10.0.0.0/8", "2001:db8::/32"]
deny    = ["10.0.0.66"]
respond = { status = 200, body = "in" }
[[route]]
path             = "/edited"
respond          = { status = 200, body = "e" }
response_headers = { remove = ["content-type"], set = { x-frame-options = "DENY" }, add = { x-n = ["1", "2"] } }
[[route]]
path    = "/shared"
methods = ["PUT"]
deny    = ["10.0.0.66"]
respond = { status = 200, body = "s" }
cors    = { origins = ["https://app.example"], credentials = true, expose = ["x-a", "x-b"], max_age = "1h" }
[[route]]
path    = "/public"
respond = { status = 200, body = "p" }
cors    = { origins = ["*"], methods = ["GET", "PUT"], headers = ["x-c"] }
"#;

#[test]
fn a_request_that_may_not_pass_is_refused() {
    let gateway = Gateway::new(ROUTES);
    for (what, fields, address, status, reason, allow) in [
        ("GET /nowhere", &[][..], "10.0.0.1", 404, "no_route", None),
        ("GET /fixed/more", &[], "10.0.0.1", 404, "no_route", None),
        ("GET /written", &[], "10.0.0.1", 405, "method_not_allowed", Some("POST, PUT")),
        ("BREW /written", &[], "10.0.0.1", 405, "method_not_allowed", Some("POST, PUT")),
        ("GET /moved/a%2Fb", &[], "10.0.0.1", 400, "encoded_slash", None),
        ("GET /moved/a%5cb", &[], "10.0.0.1", 400, "encoded_slash", None),
        ("GET /inside", &[], "192.0.2.1", 403, "address_denied", None),
        ("GET /inside", &[], "10.0.0.66", 403, "address_denied", None),
        ("GET /inside", &[], "2001:db9::1", 403, "address_denied", None),
        ("POST /small", &["Content-Length: 9"], "10.0.0.1", 413, "body_too_large", None),
    ] {
        let asked = Asked::new(what, fields).from(address);
        let served = check(&gateway, &asked, status, Some(reason), &[("allow", allow)]);
        assert_eq!(served.done().value, None, "a refusal is not metered");
        assert_eq!(served.done().attempts, 0);
        let id = served.done().id.to_string();
        assert!(served.text().contains(reason) && served.text().contains(&id), "{}", served.text());
        let expected = if status == 413 { Afterwards::Close } else { Afterwards::Keep };
        assert_eq!((served.afterwards, served.taken.closes), (expected, status == 413), "{what}");
    }
}

#[test]
fn an_answer_of_the_routes_own_is_metered() {
    let gateway = Gateway::new(ROUTES);
    for (what, address, status, body, fields) in [
        ("GET /fixed", "10.0.0.1", 201, "fixed", &[("content-type", Some("text/x")), ("location", None)][..]),
        ("HEAD /fixed", "10.0.0.1", 201, "", &[("content-type", Some("text/x"))]),
        ("GET /empty", "10.0.0.1", 204, "", &[]),
        ("GET /inside", "10.0.0.65", 200, "in", &[]),
        ("GET /inside", "2001:db8::7", 200, "in", &[]),
        (
            "GET /moved/a/../b?c=d",
            "10.0.0.1",
            307,
            "",
            &[("location", Some("https://new.example/moved/b?c=d"))],
        ),
        ("GET /moved/b?", "10.0.0.1", 307, "", &[("location", Some("https://new.example/moved/b?"))]),
        ("GET /moved", "10.0.0.1", 307, "", &[("location", Some("https://new.example/moved"))]),
        ("POST /there?x", "10.0.0.1", 308, "", &[("location", Some("/here"))]),
        (
            "GET /edited",
            "10.0.0.1",
            200,
            "e",
            &[("content-type", None), ("x-frame-options", Some("DENY")), ("x-n", Some("1, 2"))],
        ),
    ] {
        let served = check(&gateway, &Asked::new(what, &[]).from(address), status, None, fields);
        assert_eq!((served.text().as_str(), served.afterwards), (body, Afterwards::Keep), "{what}");
        assert!(served.field("date").is_some_and(|date| date.ends_with(" GMT")), "{what}");
        let done = served.done();
        assert_eq!((done.value, done.bytes_out), (Some(Value::ONE), body.len() as u64), "{what}");
    }
}

#[test]
fn a_head_request_learns_the_length() {
    let served = Gateway::new(ROUTES).serve(&Asked::new("HEAD /fixed", &[]));
    let head = served.taken.head.expect("a head has gone out");
    assert_eq!((head.answers_head, head.announced_length), (true, Some(5)));
}

#[test]
fn a_record_says_what_was_asked() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let field = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01");
    let served = Gateway::new(ROUTES).serve(&Asked::new("GET /x/../fixed?q=secret", &[&field]));
    let done = served.done();
    let said = [&*done.route, &*done.method, &*done.host, &*done.path, &*done.trace, &*done.upstream];
    assert_eq!(said, ["fixed", "GET", "shop.example", "/fixed", trace, ""]);
    assert_eq!((done.client.to_string().as_str(), done.upstream_us), ("203.0.113.9", None));
}

#[test]
fn a_preflight_is_answered_and_not_forwarded() {
    let gateway = Gateway::new(ROUTES);
    let asks = [
        "Origin: https://app.example",
        "Access-Control-Request-Method: PUT",
        "Access-Control-Request-Headers: x-d",
    ];
    for (path, origin, methods, headers, age, credentials) in [
        ("/shared", "https://app.example", "PUT", "x-d", "3600", Some("true")),
        ("/public", "*", "GET, PUT", "x-c", "300", None),
    ] {
        let fields = [
            ("access-control-allow-origin", Some(origin)),
            ("access-control-allow-methods", Some(methods)),
            ("access-control-allow-headers", Some(headers)),
            ("access-control-max-age", Some(age)),
            ("access-control-allow-credentials", credentials),
        ];
        let served = check(&gateway, &Asked::new(&format!("OPTIONS {path}"), &asks), 204, None, &fields);
        assert_eq!(served.text(), "");
    }
    // Without the method it asks about it is a request like any other.
    let plain = Asked::new("OPTIONS /shared", &asks[..1]);
    check(&gateway, &plain, 405, Some("method_not_allowed"), &[("allow", Some("PUT"))]);
}

#[test]
fn what_looks_like_a_preflight_is_one_only_where_the_gateway_answers_it() {
    let origin = Origin::answering(Answer::ok("own"));
    let gateway = Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n\
         [[route]]\npath = \"/listed\"\nmethods = [\"GET\"]\nupstream = \"origin\"\n\
         [[route]]\npath = \"/own\"\nmethods = [\"GET\", \"OPTIONS\"]\nupstream = \"origin\"\n\
         [[route]]\npath = \"/parted\"\nmethods = [\"PUT\"]\nupstream = \"origin\"\ncors = {{ origins = [\"*\"] }}\n\
         [[route]]\npath = \"/parted\"\nmethods = [\"GET\", \"OPTIONS\"]\nupstream = \"origin\"\n",
        origin.address()
    ));
    for (path, method, status, allow, forwarded) in [
        ("/listed", "GET", 405, Some("GET"), 0),
        ("/listed", "PUT", 405, Some("GET"), 0),
        ("/own", "GET", 200, None, 1),
        ("/own", "PUT", 200, None, 1),
        ("/parted", "PUT", 204, None, 0),
        ("/parted", "GET", 200, None, 1),
    ] {
        let asks = format!("Access-Control-Request-Method: {method}");
        let fields = ["Origin: https://app.example", &asks, "Content-Length: 2"];
        let asked = Asked::new(&format!("OPTIONS {path}"), &fields).with_body(&["{}"], BodyEnd::Whole);
        let (before, reason) = (origin.hits(), (status == 405).then_some("method_not_allowed"));
        check(&gateway, &asked, status, reason, &[("allow", allow)]);
        assert_eq!(origin.hits() - before, forwarded, "{method} of {path}");
    }
}

#[test]
fn a_page_may_read_what_its_origin_is_allowed_to() {
    let gateway = Gateway::new(ROUTES);
    let read = "access-control-allow-origin";
    for (what, address, origin, status, reason, fields) in [
        (
            "PUT /shared",
            "10.0.0.1",
            "https://app.example",
            200,
            None,
            &[
                (read, Some("https://app.example")),
                ("access-control-allow-credentials", Some("true")),
                ("access-control-expose-headers", Some("x-a, x-b")),
                ("vary", Some("origin")),
            ][..],
        ),
        // A refusal can be read too, so that the page learns why.
        (
            "PUT /shared",
            "10.0.0.66",
            "https://app.example",
            403,
            Some("address_denied"),
            &[(read, Some("https://app.example"))],
        ),
        (
            "PUT /shared",
            "10.0.0.1",
            "https://evil.example",
            200,
            None,
            &[(read, None), ("vary", Some("origin"))],
        ),
        ("GET /public", "10.0.0.1", "https://evil.example", 200, None, &[(read, Some("*")), ("vary", None)]),
        ("GET /fixed", "10.0.0.1", "https://app.example", 201, None, &[(read, None), ("vary", None)]),
    ] {
        let asked = Asked::new(what, &[&format!("Origin: {origin}")]).from(address);
        check(&gateway, &asked, status, reason, fields);
    }
}

#[test]
fn a_hook_may_answer() {
    let served = check(
        &Gateway::new(ROUTES),
        &Asked::new("POST /written", &["x-answer: 1"]),
        418,
        None,
        &[("content-type", Some("text/plain"))],
    );
    assert_eq!((served.text().as_str(), served.done().attempts), ("by the hook", 0));
}

#[test]
fn a_refusal_comes_in_the_form_asked_for() {
    let gateway = Gateway::new(ROUTES);
    for (accept, form, start) in [
        (
            "*/*",
            "application/problem+json",
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,",
        ),
        ("text/html, */*;q=0.5", "text/html; charset=utf-8", "<!doctype html>"),
        ("text/plain", "text/plain; charset=utf-8", "404 Not Found\n"),
    ] {
        let asked = Asked::new("GET /nowhere", &[&format!("Accept: {accept}")]);
        let fields = [("content-type", Some(form)), ("cache-control", Some("no-store"))];
        let served = check(&gateway, &asked, 404, Some("no_route"), &fields);
        assert!(served.text().starts_with(start), "{}", served.text());
    }
}

#[test]
fn a_client_that_waits_for_a_100_hears_of_the_close() {
    let gateway = Gateway::new(ROUTES);
    for (what, closes) in [("POST /fixed", true), ("POST /nowhere", true)] {
        let served = gateway.serve(&Asked::new(what, &["Content-Length: 5", "Expect: 100-continue"]));
        assert_eq!(served.taken.closes, closes, "{what}");
        assert!(served.taken.interim.is_empty(), "{what}");
    }
}

#[test]
fn a_failed_last_write_takes_the_record_back() {
    let gateway = Gateway::new(ROUTES);
    for fault in [WriteFault::Reset, WriteFault::TimedOut] {
        for (path, value, bytes) in
            [("/fixed", Some(Value(-Value::ONE.0)), 5), ("/empty", Some(Value(-Value::ONE.0)), 0)]
        {
            let mut asked = Asked::new(&format!("GET {path}"), &[]);
            asked.memory.taken.fault = Some((0, fault));
            let served = gateway.serve(&asked);
            let kinds: Vec<_> = served.events.iter().map(|event| event.kind).collect();
            assert_eq!(kinds, [Kind::Done, Kind::Cut], "{path}");
            let cut = served.cut().expect("it was just seen");
            assert_eq!((cut.value, cut.bytes_out, cut.bytes_in), (value, bytes, 0), "{path}");
            assert_eq!(cut.reason.as_deref(), Some("client_gone"), "{path}");
            assert_eq!(served.afterwards, Afterwards::Cut, "{path}");
        }
    }
}

#[test]
fn a_refusal_that_is_not_taken_is_cut_without_a_value() {
    let mut asked = Asked::new("GET /nowhere", &[]);
    asked.memory.taken.fault = Some((0, WriteFault::Reset));
    let served = Gateway::new(ROUTES).serve(&asked);
    let cut = served.cut().expect("the write failed");
    assert_eq!((cut.value, cut.reason.as_deref()), (None, Some("no_route")));
}
