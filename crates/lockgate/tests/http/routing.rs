//! Which route answers, and what routes do to messages on their way.

use testkit::{GatewayProcess, Origin, Response};

use crate::start;

fn gateway(origin: &Origin, routes: &str) -> GatewayProcess {
    start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n{routes}",
        origin.address()
    ))
}

/// A route that answers with its own name.
fn fixed(name: &str, conditions: &str) -> String {
    format!("[[route]]\nname = \"{name}\"\n{conditions}\nrespond = {{ body = \"{name}\" }}\n")
}

fn ask(gateway: &GatewayProcess, method: &str, host: &str, target: &str, fields: &str) -> Response {
    gateway.ask(format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")).unwrap()
}

#[test]
fn the_most_exact_route_answers() {
    let routes = [
        fixed("any", "path = \"/*\""),
        fixed("a", "path = \"/a/*\""),
        fixed("a-exact", "path = \"/a/b\""),
        fixed("wild", "host = \"*.example.com\"\npath = \"/*\""),
        fixed("wild-deep", "host = \"*.deep.example.com\"\npath = \"/*\""),
        fixed("host", "host = \"api.example.com\"\npath = \"/a/*\""),
        fixed("tenant", "path = \"/a/*\"\nheaders = { x-tenant = \"1\" }"),
        fixed("query", "path = \"/q/*\"\nquery = { v = \"2\", w = true }"),
    ]
    .concat();
    let origin = Origin::echo();
    let gateway = gateway(&origin, &routes);
    for (host, target, fields, name) in [
        ("x", "/", "", "any"),
        ("x", "/ab", "", "any"),
        ("x", "/a", "", "a"),
        ("x", "/a/x", "", "a"),
        ("x", "/a/b", "", "a-exact"),
        ("x", "/a/%62", "", "a-exact"),
        ("x", "/z/../a/b", "", "a-exact"),
        ("x.example.com", "/a/b", "", "wild"),
        ("X.EXAMPLE.COM:80", "/", "", "wild"),
        ("y.deep.example.com", "/", "", "wild-deep"),
        ("api.example.com", "/a/b", "", "host"),
        ("api.example.com", "/b", "", "wild"),
        ("example.com", "/b", "", "any"),
        ("x", "/a/x", "X-Tenant: 1\r\n", "tenant"),
        ("x", "/a/x", "X-Tenant: 2\r\n", "a"),
        ("x", "/q/x?v=2&w", "", "query"),
        ("x", "/q/x?v=2", "", "any"),
    ] {
        assert_eq!(ask(&gateway, "GET", host, target, fields).text(), name, "{host} {target} {fields:?}");
    }
}

#[test]
fn a_method_that_no_route_takes_is_405_with_the_others() {
    let routes = fixed("r", "path = \"/a\"\nmethods = [\"GET\", \"PUT\"]");
    let origin = Origin::echo();
    let gateway = gateway(&origin, &routes);
    assert_eq!(ask(&gateway, "GET", "x", "/a", "").status(), 200);
    let refused = ask(&gateway, "DELETE", "x", "/a", "");
    assert_eq!(refused.status(), 405);
    assert!(
        refused.fields.lists("allow", "GET") && refused.fields.lists("allow", "PUT"),
        "{:?}",
        refused.fields
    );
    assert_eq!(ask(&gateway, "DELETE", "x", "/b", "").status(), 404);
}

#[test]
fn paths_are_stripped_and_rewritten() {
    let routes = "[[route]]\npath = \"/strip/*\"\nupstream = \"origin\"\nstrip = \"/strip\"\n\
                  [[route]]\npath = \"/old/*\"\nupstream = \"origin\"\nrewrite = \"/v2/new/*\"\n\
                  [[route]]\npath = \"/one\"\nupstream = \"origin\"\nrewrite = \"/other\"\n";
    let origin = Origin::echo();
    let gateway = gateway(&origin, routes);
    for (sent, forwarded) in [
        ("/strip/a?b", "/a?b"),
        ("/strip", "/"),
        ("/strip/", "/"),
        ("/old/a/b?c=d", "/v2/new/a/b?c=d"),
        ("/one?x", "/other?x"),
    ] {
        assert_eq!(ask(&gateway, "GET", "x", sent, "").json()["target"], forwarded, "{sent}");
    }
}

#[test]
fn header_edits_remove_set_and_add() {
    let routes = "[[route]]\npath = \"/*\"\nupstream = \"origin\"\n\
        request_headers = { remove = [\"x-gone\"], set = { x-set = \"new\" }, add = { x-add = \"more\" } }\n\
        response_headers = { remove = [\"content-type\"], set = { server = \"lockgate\" }, add = { x-out = \"1\" } }\n";
    let origin = Origin::echo();
    let gateway = gateway(&origin, routes);
    let response =
        ask(&gateway, "GET", "x", "/", "X-Gone: 1\r\nX-Set: old\r\nX-Set: older\r\nX-Add: first\r\n");
    let sent = &origin.requests()[0].fields;
    assert_eq!((sent.all("x-gone"), sent.all("x-set")), (vec![], vec!["new"]));
    assert_eq!(sent.all("x-add").join(", "), "first, more");
    assert!(!response.fields.has("content-type"));
    assert_eq!((response.field("server"), response.field("x-out")), ("lockgate", "1"));
}

#[test]
fn redirects_and_fixed_responses_need_no_origin() {
    let routes = "[[route]]\npath = \"/old/*\"\nredirect = { to = \"https://new.example{path}{query}\", status = 308 }\n\
                  [[route]]\npath = \"/ok\"\nrespond = { status = 203, body = \"<b>ok</b>\", content_type = \"text/html\" }\n";
    let origin = Origin::echo();
    let gateway = gateway(&origin, routes);
    let moved = ask(&gateway, "GET", "x", "/old/a%20b?c=d", "");
    assert_eq!((moved.status(), moved.field("location")), (308, "https://new.example/old/a%20b?c=d"));
    let fixed = ask(&gateway, "GET", "x", "/ok", "");
    assert_eq!(
        (fixed.status(), fixed.text().as_str(), fixed.field("content-type")),
        (203, "<b>ok</b>", "text/html")
    );
    let head = ask(&gateway, "HEAD", "x", "/ok", "");
    assert_eq!((head.status(), head.field("content-length")), (203, "9"));
    assert_eq!(origin.hits(), 0);
}

#[test]
fn a_redirect_cannot_be_split_by_the_path() {
    let routes = "[[route]]\npath = \"/*\"\nredirect = { to = \"https://new.example{path}{query}\" }\n";
    let origin = Origin::echo();
    let gateway = gateway(&origin, routes);
    let moved = ask(&gateway, "GET", "x", "/a%0d%0aSet-Cookie:%20x=1?%0d%0aX: ".trim_end(), "");
    assert!(!moved.fields.has("set-cookie"), "{:?}", moved.fields);
}

#[test]
fn a_request_body_is_read_away_before_the_next_request() {
    let routes = fixed("ok", "path = \"/*\"");
    let origin = Origin::echo();
    let gateway = gateway(&origin, &routes);
    let mut client = gateway.connect().unwrap();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
    let post = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{smuggled}", smuggled.len());
    client.send([&post, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"].concat()).unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "ok");
    assert_eq!(client.response("GET").unwrap().text(), "ok");
    assert!(client.is_closed(), "the body was answered as a request");
}

#[test]
fn cross_origin_requests_are_told_what_they_may() {
    let routes = "[[route]]\npath = \"/*\"\nupstream = \"origin\"\n\
        cors = { origins = [\"https://app.example\"], methods = [\"GET\", \"PUT\"], headers = [\"x-a\"], expose = [\"x-b\"], \
        credentials = true, max_age = \"10m\" }\n";
    let origin = Origin::echo();
    let gateway = gateway(&origin, routes);
    let preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n";
    let allowed = ask(&gateway, "OPTIONS", "x", "/", preflight);
    assert!([200, 204].contains(&allowed.status()));
    assert_eq!(allowed.field("access-control-allow-origin"), "https://app.example");
    assert_eq!(allowed.field("access-control-max-age"), "600");
    assert_eq!(allowed.field("access-control-allow-credentials"), "true");
    assert!(allowed.fields.lists("access-control-allow-methods", "PUT"));
    assert_eq!(origin.hits(), 0, "a preflight is answered by the gateway");
    let plain = ask(&gateway, "GET", "x", "/", "Origin: https://app.example\r\n");
    assert_eq!(plain.field("access-control-allow-origin"), "https://app.example");
    assert_eq!(plain.field("access-control-expose-headers"), "x-b");
    assert!(plain.fields.lists("vary", "origin"));
    let stranger = ask(&gateway, "GET", "x", "/", "Origin: https://evil.example\r\n");
    assert!(!stranger.fields.has("access-control-allow-origin"));
}

#[test]
fn addresses_are_allowed_and_denied_by_the_true_client() {
    let origin = Origin::echo();
    let gateway = start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1/32\"]\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\nallow = [\"203.0.113.0/24\"]\ndeny = [\"203.0.113.7/32\"]\n",
        origin.address()
    ));
    for (client, status) in [
        ("203.0.113.5", 200),
        ("203.0.113.7", 403),
        ("198.51.100.1", 403),
        // The rightmost untrusted address counts; what stands left of it is hearsay.
        ("203.0.113.5, 198.51.100.1", 403),
        ("198.51.100.1, 203.0.113.5", 200),
        ("203.0.113.5, 127.0.0.1", 200),
    ] {
        let response = ask(&gateway, "GET", "x", "/", &format!("X-Forwarded-For: {client}\r\n"));
        assert_eq!(response.status(), status, "{client}");
    }
    assert_eq!(ask(&gateway, "GET", "x", "/", "").status(), 403, "without a list the peer is the client");
}

#[test]
fn another_spelling_of_a_host_is_the_same_host() {
    let routes = [
        fixed("any", "path = \"/*\""),
        fixed("host", "host = \"admin.example.com\"\npath = \"/*\""),
        fixed("wild", "host = \"*.example.com\"\npath = \"/*\""),
        fixed("address", "host = \"[2001:db8::1]\"\npath = \"/*\""),
    ]
    .concat();
    let gateway = gateway(&Origin::echo(), &routes);
    for (host, name) in [
        ("admin.example.com.", "host"),
        ("Admin.Example.COM.:8080", "host"),
        ("other.example.com.", "wild"),
        ("[2001:db8:0:0::1]", "address"),
        ("[2001:DB8::0.0.0.1]:80", "address"),
        ("admin.example.com..", "any"),
    ] {
        assert_eq!(ask(&gateway, "GET", host, "/", "").text(), name, "{host}");
    }
    assert_eq!(ask(&gateway, "GET", ".", "/", "").status(), 400);
}

#[test]
fn nobody_is_routed_by_what_a_stranger_claims() {
    let routes = [
        fixed("any", "path = \"/*\""),
        fixed("secure", "path = \"/*\"\nheaders = { x-forwarded-proto = \"https\" }"),
        fixed("known", "path = \"/known\"\nheaders = { x-lockgate-user = true }"),
    ]
    .concat();
    let gateway = gateway(&Origin::echo(), &routes);
    for (target, claim) in [("/", "X-Forwarded-Proto: https\r\n"), ("/known", "X-Lockgate-User: 1\r\n")] {
        assert_eq!(ask(&gateway, "GET", "x", target, claim).text(), "any", "{claim}");
    }
}

/// Everything goes to the origin, TRACE where a route names it.
const WITH_TRACE: &str = "[[route]]\npath = \"/*\"\nupstream = \"origin\"\n\
                          [[route]]\npath = \"/trace\"\nmethods = [\"TRACE\"]\nupstream = \"origin\"\n";

#[test]
fn what_shows_a_request_to_its_sender_is_asked_for_by_name_alone() {
    let origin = Origin::echo();
    let gateway = gateway(&origin, WITH_TRACE);
    let refused = ask(&gateway, "TRACE", "x", "/", "");
    assert_eq!(refused.status(), 405);
    assert!(refused.field("allow").contains("GET") && !refused.field("allow").contains("TRACE"));
    assert_eq!(origin.hits(), 0);
    assert_eq!(ask(&gateway, "TRACE", "x", "/trace", "").status(), 200);
}

#[test]
fn hops_are_counted_and_the_last_one_answers() {
    let origin = Origin::echo();
    let gateway = gateway(&origin, WITH_TRACE);
    let last = ask(&gateway, "OPTIONS", "x", "/", "Max-Forwards: 0\r\n");
    assert_eq!((last.status(), last.field("allow").contains("OPTIONS")), (204, true));
    assert_eq!(ask(&gateway, "TRACE", "x", "/trace", "Max-Forwards: 0\r\n").status(), 405);
    assert_eq!(origin.hits(), 0);
    for (method, given, seen) in
        [("OPTIONS", "3", "2"), ("OPTIONS", "1", "0"), ("OPTIONS", "many", "many"), ("GET", "0", "0")]
    {
        let echo = ask(&gateway, method, "x", "/", &format!("Max-Forwards: {given}\r\n")).json();
        let fields: Vec<(String, String)> = serde_json::from_value(echo["fields"].clone()).unwrap();
        let hops = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("max-forwards"));
        assert_eq!(hops.map(|(_, value)| value.as_str()), Some(seen), "{method} {given}");
    }
}
