//! What the gateway adds to messages, removes from them, and leaves alone.

use testkit::{Answer, Origin, Response};

use crate::{Stand, start};

fn get(fields: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: test\r\n{fields}\r\n")
}

/// Fields of the request as the origin saw it.
fn seen(stand: &Stand, fields: &str) -> Vec<(String, String)> {
    let echo = stand.gateway.ask(get(fields)).unwrap().json();
    serde_json::from_value(echo["fields"].clone()).unwrap()
}

fn all<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect()
}

fn trusting(origin: Origin) -> Stand {
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    );
    Stand { gateway: start(&config), origin }
}

#[test]
fn end_to_end_fields_pass_unchanged_and_in_order() {
    let stand = Stand::new(Origin::echo());
    let sent = "X-B: 1\r\nx-a:   two words \t\r\nX-B: 3\r\nCookie: a=b\r\nX-Latin: caf\u{e9}\r\nX-Empty:\r\nAuthorization: Basic eA==\r\n";
    let seen = seen(&stand, sent);
    assert_eq!(all(&seen, "x-b"), ["1", "3"]);
    assert_eq!(all(&seen, "x-a"), ["two words"]);
    assert_eq!(all(&seen, "x-empty"), [""]);
    assert_eq!((all(&seen, "cookie"), all(&seen, "authorization")), (vec!["a=b"], vec!["Basic eA=="]));
    assert_eq!(all(&seen, "x-latin"), ["caf\u{c3}\u{a9}"], "bytes above 127 pass as they are");
    assert_eq!(all(&seen, "host"), ["test"]);
}

#[test]
fn hop_by_hop_fields_stay_behind() {
    let stand = Stand::new(Origin::echo());
    let sent = "Connection: keep-alive, X-Hop,x-other\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nX-Other: 2\r\n\
                Proxy-Connection: keep-alive\r\nTE: trailers, gzip\r\nProxy-Authorization: Basic eA==\r\nX-Stays: 3\r\n";
    let seen = seen(&stand, sent);
    for gone in ["keep-alive", "x-hop", "x-other", "proxy-connection", "upgrade"] {
        assert_eq!(all(&seen, gone), [] as [&str; 0], "{gone} was forwarded");
    }
    assert!(all(&seen, "te").iter().all(|te| te.eq_ignore_ascii_case("trailers")), "{seen:?}");
    assert_eq!(all(&seen, "x-stays"), ["3"]);
}

#[test]
fn connection_cannot_name_the_fields_that_frame_and_route() {
    let stand = Stand::new(Origin::echo());
    let request = "POST /x HTTP/1.1\r\nHost: test\r\nConnection: Content-Length, Host, close\r\nContent-Length: 5\r\n\r\nhello";
    let response = stand.gateway.ask(request).unwrap();
    if response.status() == 200 {
        assert_eq!(response.json()["body"], "hello");
        assert_eq!(stand.origin.requests()[0].fields.all("host").len(), 1);
    } else {
        assert_eq!(response.status(), 400);
    }
}

#[test]
fn connection_cannot_take_away_what_the_gateway_says() {
    let stand = Stand::new(Origin::echo());
    let seen = seen(&stand, "Connection: X-Forwarded-For, X-Forwarded-Proto, Via, X-Request-ID\r\n");
    for kept in ["x-forwarded-for", "x-forwarded-proto", "via", "x-request-id"] {
        assert_eq!(all(&seen, kept).len(), 1, "{kept}: {seen:?}");
    }
}

#[test]
fn hop_by_hop_fields_of_answers_stay_behind() {
    let head = "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n\
                Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: origin\r\nContent-Length: 2\r\n\r\nok";
    let stand = Stand::new(Origin::answering(Answer::bytes(head)));
    let response = stand.gateway.get("/x").unwrap();
    for gone in ["x-hop", "keep-alive", "proxy-connection"] {
        assert!(!response.fields.has(gone), "{gone}: {:?}", response.fields);
    }
    assert_eq!(response.fields.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(response.field("server"), "origin");
}

#[test]
fn forwarded_fields_of_strangers_are_replaced() {
    let stand = Stand::new(Origin::echo());
    let sent = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n\
                X-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";
    let seen = seen(&stand, sent);
    assert_eq!(all(&seen, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(all(&seen, "x-forwarded-proto"), ["http"]);
    assert_eq!(all(&seen, "x-forwarded-host"), ["test"]);
    let text = format!("{seen:?}");
    assert!(!text.contains("evil") && !text.contains("7.7.7.7"), "{text}");
}

#[test]
fn forwarded_fields_of_trusted_peers_are_kept_and_continued() {
    let stand = trusting(Origin::echo());
    let sent = "X-Forwarded-For: 203.0.113.9, 10.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n";
    let seen = seen(&stand, sent);
    let list = all(&seen, "x-forwarded-for").join(", ");
    assert_eq!(list, "203.0.113.9, 10.1.1.1, 127.0.0.1");
    assert_eq!(all(&seen, "x-forwarded-proto"), ["https"]);
    assert_eq!(all(&seen, "x-forwarded-host"), ["shop.example"]);
}

#[test]
fn fields_for_the_gateway_alone_are_dropped() {
    for stand in [Stand::new(Origin::echo()), trusting(Origin::echo())] {
        let seen = seen(&stand, "X-Lockgate-User: 1\r\nx-lockgate-anything: 2\r\nX-Lockgate: 3\r\n");
        let leaked = seen.iter().filter(|(n, _)| n.to_ascii_lowercase().starts_with("x-lockgate-")).count();
        assert_eq!(leaked, 0, "{seen:?}");
    }
}

#[test]
fn via_names_the_gateway() {
    let stand = Stand::new(Origin::answering(Answer::bytes(
        "HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n",
    )));
    let response: Response = stand.gateway.ask(get("Via: 1.0 outer\r\n")).unwrap();
    // RFC 9110 section 7.6.3: a gateway names itself in requests and may do so in responses.
    assert!(response.fields.all("via").join(", ").starts_with("1.1 inner"), "{:?}", response.fields);
    let request = stand.origin.requests()[0].fields.all("via").join(", ");
    assert!(request.starts_with("1.0 outer, 1.1 "), "{request}");
}

#[test]
fn every_request_has_an_id_of_its_own() {
    let stand = Stand::new(Origin::echo());
    let ids: std::collections::BTreeSet<String> =
        (0..5).map(|_| all(&seen(&stand, ""), "x-request-id").concat()).collect();
    assert!(ids.len() == 5 && ids.iter().all(|id| !id.is_empty()), "{ids:?}");
}

#[test]
fn trace_context_passes_unchanged() {
    let stand = Stand::new(Origin::echo());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let seen = seen(&stand, &format!("traceparent: {parent}\r\ntracestate: a=b\r\n"));
    assert_eq!((all(&seen, "traceparent"), all(&seen, "tracestate")), (vec![parent], vec!["a=b"]));
}

#[test]
fn an_absolute_target_names_the_host() {
    let stand = Stand::new(Origin::echo());
    let echo =
        stand.gateway.ask("GET http://other.example:81/a/b?c HTTP/1.1\r\nHost: test\r\n\r\n").unwrap().json();
    assert_eq!(echo["target"], "/a/b?c");
    // RFC 9112 section 3.2.2: the target's authority replaces the Host that came.
    assert_eq!(stand.origin.requests()[0].fields.all("host"), ["other.example:81"]);
    let echo = stand.gateway.ask("GET http://other.example HTTP/1.1\r\nHost: test\r\n\r\n").unwrap().json();
    assert_eq!(echo["target"], "/");
}

#[test]
fn an_asterisk_asks_about_the_gateway_or_the_whole_origin() {
    let stand = Stand::new(Origin::echo());
    let response = stand.gateway.ask("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert!([200, 204, 404].contains(&response.status()), "{}", response.status());
    for request in stand.origin.requests() {
        assert_eq!((request.line.method.as_str(), request.line.target.as_str()), ("OPTIONS", "*"));
    }
}

#[test]
fn connect_is_refused() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    client
        .send("CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    let response = client.response("GET").unwrap();
    assert!([400, 405, 501].contains(&response.status()), "{}", response.status());
    assert!(client.is_closed());
    assert_eq!(stand.origin.hits(), 0);
}

#[test]
fn paths_are_forwarded_in_one_form() {
    let stand = Stand::new(Origin::echo());
    for (sent, forwarded) in [
        ("/a/./b/../c", "/a/c"),
        ("/%61%2Db", "/a-b"),
        ("/a//b", "/a//b"),
        ("/../../a", "/a"),
        ("/a%20b?x=%20&y=../..", "/a%20b?x=%20&y=../.."),
        ("/a/%2e%2e/b", "/b"),
        ("/", "/"),
        ("/?", "/?"),
    ] {
        assert_eq!(stand.gateway.get(sent).unwrap().json()["target"], forwarded, "{sent}");
    }
}

#[test]
fn encoded_slashes_are_refused_unless_the_route_keeps_them() {
    let origin = Origin::echo();
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/keep/*\"\nupstream = \"origin\"\nencoded_slashes = \"keep\"\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    );
    let gateway = start(&config);
    assert_eq!(gateway.get("/a%2Fb").unwrap().status(), 400);
    assert_eq!(gateway.get("/a%5cb").unwrap().status(), 400);
    let kept = gateway.get("/keep/a%2Fb%5Cc").unwrap().json();
    assert_eq!(kept["target"], "/keep/a%2Fb%5Cc");
}

#[test]
fn responses_are_told_apart_from_the_gateways_own_errors() {
    let stand = Stand::new(Origin::answering(Answer::status(404, "mine")));
    let response = stand.gateway.get("/x").unwrap();
    assert_eq!((response.status(), response.text().as_str()), (404, "mine"));
}
