//! HTTP/1.1 by TLS is what it is without.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use testkit::websocket::open_request;
use testkit::{Answer, Origin, RawClient, Step};

use crate::{Client, Folder, Trust, get, listener, site};

#[test]
fn upstreams_and_browsers_are_told_of_tls() {
    let origin = Origin::echo();
    let (gateway, site) = site("hsts = { max_age = \"1h\", subdomains = true }", &origin);
    let mut client = Client::connect(gateway.address(), "site.example", &Trust::in_all(&[&site])).unwrap();
    for _ in 0..3 {
        let answer = client.ask(&get("site.example", "/a")).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            answer.contains("strict-transport-security: max-age=3600; includeSubDomains\r\n"),
            "{answer}"
        );
    }
    let forwarded = &origin.requests()[0].fields;
    assert_eq!(forwarded.all("x-forwarded-proto"), ["https"]);
    assert_eq!(origin.connections().len(), 1);
}

#[test]
fn another_host_needs_another_connection() {
    let folder = Folder::new();
    let both = folder.certificate("both", &["a.example", "*.b.example"]);
    let other = folder.certificate("other", &["c.example"]);
    let origin = Origin::echo();
    let gateway = folder.start(&listener(&["both", "other"], ""), &origin);
    let mut client =
        Client::connect(gateway.address(), "a.example", &Trust::in_all(&[&both, &other])).unwrap();
    for (host, status) in [
        ("a.example", 200),
        ("A.Example:8443", 200),
        ("x.b.example", 200),
        ("x.y.b.example", 421),
        ("c.example", 421),
        ("d.example", 421),
        ("a.example", 200),
    ] {
        let answer = client.ask(&get(host, "/")).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer}");
    }
}

#[test]
fn bodies_stream_both_ways() {
    let origin = Origin::start(|request| {
        let length: usize = request.fields.all("content-length")[0].parse().unwrap();
        Answer::ok("y".repeat(length))
    });
    let (gateway, site) = site("", &origin);
    let mut client = Client::connect(gateway.address(), "site.example", &Trust::in_all(&[&site])).unwrap();
    for (at, size) in [0, 1, 16_384, 16_385, 5_000_000].into_iter().enumerate() {
        let body = "0123456789abcdef".repeat(size / 16 + 1)[..size].to_owned();
        let head = format!("POST / HTTP/1.1\r\nHost: site.example\r\nContent-Length: {size}\r\n\r\n");
        let answer = client.ask(&(head + &body)).unwrap();
        let (_, answered) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!((answered.len(), answered.trim_matches('y')), (size, ""));
        assert!(origin.requests()[at].body.content == body.as_bytes(), "{size} bytes came as they were sent");
    }
}

#[test]
fn requests_in_one_record_are_answered_one_by_one() {
    let origin = Origin::answering(Answer::ok("ok"));
    let (gateway, site) = site("", &origin);
    let mut client = Client::connect(gateway.address(), "site.example", &Trust::in_all(&[&site])).unwrap();
    client.stream().write_all(get("site.example", "/").repeat(20).as_bytes()).unwrap();
    for at in 0..20 {
        assert!(client.answer().unwrap().ends_with("ok"), "answer {at}");
    }
}

#[test]
fn a_tunnel_goes_through_tls() {
    let folder = Folder::new();
    let site = folder.certificate("site", &["test"]);
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::new().send(switch).then(Step::Tunnel));
    let gateway = folder.start(&listener(&["site"], ""), &origin);
    let mut client = Client::connect(gateway.address(), "test", &Trust::in_all(&[&site])).unwrap();
    assert!(client.ask(&open_request("/ws", "test")).unwrap().starts_with("HTTP/1.1 101"));
    for size in [1, 100, 200_000, 3] {
        let bytes = vec![size as u8; size];
        client.stream().write_all(&bytes).unwrap();
        let mut back = vec![0; size];
        client.stream().read_exact(&mut back).unwrap();
        assert_eq!(back, bytes);
    }
    drop(client);
    origin.wait_until_closed();
}

#[test]
fn the_end_of_an_idle_connection_is_said_and_that_of_a_broken_answer_is_not() {
    let broken = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").close();
    let origin =
        Origin::start(
            move |request| {
                if request.line.target == "/broken" { broken.clone() } else { Answer::ok("ok") }
            },
        );
    let (gateway, site) = site("keep_alive = \"200ms\"", &origin);
    let trust = Trust::in_all(&[&site]);
    let mut idle = Client::connect(gateway.address(), "site.example", &trust).unwrap();
    idle.ask(&get("site.example", "/")).unwrap();
    assert_eq!(idle.stream().read(&mut [0]).unwrap(), 0, "close_notify comes before the end");
    let mut cut = Client::connect(gateway.address(), "site.example", &trust).unwrap();
    cut.stream().write_all(get("site.example", "/broken").as_bytes()).unwrap();
    let mut all = Vec::new();
    assert!(cut.stream().read_to_end(&mut all).is_err(), "{}", String::from_utf8_lossy(&all));
}

#[test]
fn a_balancer_says_who_is_behind_it_before_the_handshake() {
    let origin = Origin::echo();
    let (gateway, site) = site("proxy_protocol = [\"127.0.0.1/32\"]", &origin);
    let trust = Trust::in_all(&[&site]);
    let line = "PROXY TCP4 192.0.2.1 127.0.0.1 56324 443\r\n";
    let mut client = Client::connect_behind(line, gateway.address(), "site.example", &trust).unwrap();
    assert!(client.ask(&get("site.example", "/")).unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(origin.requests()[0].fields.all("x-forwarded-for"), ["192.0.2.1"]);
    assert!(Client::connect(gateway.address(), "site.example", &trust).is_err());
}

#[test]
fn cleartext_is_told_where_to_go() {
    let folder = Folder::new();
    folder.certificate("site", &["site.example"]);
    let plain = "[[listener]]\naddress = \"127.0.0.1:0\"\nredirect_https = 8443\n";
    let listeners = format!("{}{plain}", listener(&["site"], ""));
    let origin = Origin::echo();
    let gateway = folder.start(&listeners, &origin);
    let told = gateway.get("/").unwrap();
    assert_eq!(told.status(), 400);
    assert!(told.text().starts_with("tls_expected"), "{}", told.text());
    for (host, location) in [
        ("site.example", "https://site.example:8443/a?b=c"),
        ("site.example:8080", "https://site.example:8443/a?b=c"),
        ("[::1]:8080", "https://[::1]:8443/a?b=c"),
    ] {
        let mut client = RawClient::connect(&gateway.ports().listeners[1]).unwrap();
        let answer = client.ask(get(host, "/a?b=c")).unwrap();
        assert_eq!((answer.status(), answer.fields.all("location")), (308, vec![location]));
    }
    assert_eq!(origin.hits(), 0);
}

#[test]
fn a_client_that_does_not_read_does_not_keep_its_connection_open() {
    let folder = Folder::new();
    let site = folder.certificate("site", &["test"]);
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::new().send(switch).then(Step::Generate(1 << 30)));
    let gateway = folder.start(&listener(&["site"], "body_timeout = \"300ms\""), &origin);
    let mut client = Client::connect(gateway.address(), "test", &Trust::in_all(&[&site])).unwrap();
    assert!(client.ask(&open_request("/ws", "test")).unwrap().starts_with("HTTP/1.1 101"));
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let metrics = gateway.admin("GET", "/metrics").unwrap().text();
        let open = metrics.lines().find(|line| line.starts_with("lockgate_listener_connections{")).unwrap();
        if open.ends_with(" 0") {
            break;
        }
        assert!(Instant::now() < end, "{open}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(client);
}
