//! Which upstreams are believed, what they are shown, and what becomes of a handshake that fails.

use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{GatewayProcess, Porter};
use tls::SelfSigned;

use crate::secured_origin::{SecuredOrigin, Then, always_ok, ok};
use crate::{Folder, LOCKGATE, write_certificate};

/// A gateway without TLS to clients, before `[upstream.a]` and others; `/a` leads to `a`.
pub(crate) fn before(upstreams: &[(&str, String)]) -> String {
    let mut text = "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n".to_owned();
    for (name, keys) in upstreams {
        text += &format!(
            "[upstream.{name}]\n{keys}\n[[route]]\npath = \"/{name}/*\"\nupstream = \"{name}\"\nstrip = \"/{name}\"\n"
        );
    }
    text
}

/// Keys of an upstream at this endpoint.
pub(crate) fn at(endpoint: &str, tls: &str) -> String {
    format!("endpoints = [\"{endpoint}\"]\ntls = {{ {tls} }}")
}

#[track_caller]
fn expect(gateway: &GatewayProcess, target: &str, expected: Result<&str, &str>) {
    let answer = gateway.get(target).unwrap();
    let found = match answer.status() {
        200 => Ok(answer.text()),
        502 | 504 => Err(answer.json()["reason"].as_str().unwrap_or_default().to_owned()),
        other => panic!("{target}: {other} {}", answer.text()),
    };
    assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{target}\n{}", gateway.log());
}

#[test]
fn an_upstream_is_believed_when_somebody_vouches_for_its_name() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal", "localhost"]);
    folder.certificate("other", &["orders.internal", "localhost"]);
    let addressed = folder.certificate("addressed", &["127.0.0.1"]);
    let origin = SecuredOrigin::start(&own, always_ok);
    let by_address = SecuredOrigin::start(&addressed, always_ok);
    let socket = SecuredOrigin::unix(&folder.path().join("orders.sock"), &own, always_ok);
    let host = format!("localhost:{}", origin.port());
    let config = before(&[
        ("host", at(&host, "authority = \"own.pem\"")),
        ("named", at(origin.address(), "authority = \"own.pem\", name = \"orders.internal\"")),
        ("address", at(by_address.address(), "authority = \"addressed.pem\"")),
        ("socket", at(socket.address(), "authority = \"own.pem\", name = \"orders.internal\"")),
        ("wrong-address", at(origin.address(), "authority = \"own.pem\"")),
        ("wrong-name", at(origin.address(), "authority = \"own.pem\", name = \"users.internal\"")),
        ("wrong-authority", at(&host, "authority = \"other.pem\"")),
        ("strange", at(&host, "")),
        ("unverified", at(origin.address(), "verify = false")),
        ("cleartext", format!("endpoints = [\"{host}\"]")),
    ]);
    // The machine's own authorities are not the test's to rely on.
    let trusted = folder.path().join("other.pem");
    let gateway = folder.run(&config, &[("SSL_CERT_FILE", trusted.to_str().unwrap())]);
    for believed in ["/host/", "/named/", "/address/", "/socket/", "/unverified/"] {
        expect(&gateway, believed, Ok("ok"));
    }
    for refused in ["/wrong-address/", "/wrong-name/", "/wrong-authority/", "/strange/"] {
        expect(&gateway, refused, Err("connect_failed"));
    }
    assert_ne!(gateway.get("/cleartext/").unwrap().status(), 200);
    let names: Vec<_> = origin.visits().into_iter().map(|visit| visit.name).collect();
    let [localhost, orders] = ["localhost", "orders.internal"].map(|name| Some(name.to_owned()));
    assert_eq!(names, [localhost, orders, None], "an address is not asked for by SNI");
    assert!(origin.visits().iter().all(|visit| visit.protocol.as_deref() == Some(b"http/1.1")));
    let log = gateway.log();
    assert!(log.contains("nobody verifies that it is the upstream `unverified` that answers"), "{log}");
    assert!(log.contains("a TLS handshake with an upstream failed") && log.contains("wrong-name"), "{log}");
}

#[test]
fn whom_the_operating_system_trusts_is_believed() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    let origin = SecuredOrigin::start(&own, always_ok);
    let config = before(&[("a", at(origin.address(), "name = \"orders.internal\""))]);
    let trusted = folder.path().join("own.pem");
    let gateway = folder.run(&config, &[("SSL_CERT_FILE", trusted.to_str().unwrap())]);
    expect(&gateway, "/a/", Ok("ok"));
}

#[test]
fn a_machine_that_trusts_nobody_is_said_to_before_anything_starts() {
    let folder = Folder::new();
    let (file, text) = (folder.path().join("nobody.pem"), before(&[("a", at("orders.internal:443", ""))]));
    std::fs::write(&file, "").unwrap();
    let config = folder.path().join("lockgate.toml");
    std::fs::write(&config, text).unwrap();
    let mut check = Command::new(LOCKGATE);
    check.arg("check").arg(&config).env("SSL_CERT_FILE", &file).env("SSL_CERT_DIR", folder.path());
    let output = check.output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for text in
        ["the operating system has no certificates of authorities", "lockgate.toml:7:7", "ca-certificates"]
    {
        assert!(told.contains(text), "{text}\n{told}");
    }
}

#[test]
fn an_upstream_that_asks_for_a_certificate_is_shown_it() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let folder = Folder::new();
        let own = folder.certificate("own", &["orders.internal"]);
        let client = folder.certificate("client", &["gateway.internal"]);
        folder.certificate("stranger", &["gateway.internal"]);
        let origin = SecuredOrigin::with(&own, &[version], Some(&[&client]), always_ok);
        let tls = "authority = \"own.pem\", name = \"orders.internal\"";
        let shows = |stem: &str| {
            at(origin.address(), &format!("{tls}, certificate = \"{stem}.pem\", key = \"{stem}.key\""))
        };
        let nothing = at(origin.address(), tls);
        let config =
            before(&[("client", shows("client")), ("stranger", shows("stranger")), ("nothing", nothing)]);
        let gateway = folder.run(&config, &[]);
        expect(&gateway, "/client/", Ok("ok"));
        for refused in ["/stranger/", "/nothing/"] {
            assert_eq!(gateway.get(refused).unwrap().status(), 502, "{version:?} {refused}");
        }
        let visits = origin.visits();
        assert_eq!(visits.iter().map(|visit| visit.requests).sum::<usize>(), 1, "{visits:?}");
        assert_eq!(visits[0].client.as_deref(), Some("CN=gateway.internal"));
    }
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    let client = folder.certificate("client", &["old.internal"]);
    let new = tls::self_signed(&["new.internal".to_owned()], 2).unwrap();
    let clients: [&SelfSigned; 2] = [&client, &new];
    let origin = SecuredOrigin::with(&own, rustls::ALL_VERSIONS, Some(&clients), always_ok);
    let tls = "authority = \"own.pem\", name = \"orders.internal\", certificate = \"client.pem\", key = \"client.key\"";
    let gateway = folder.run(&before(&[("a", at(origin.address(), tls))]), &[]);
    expect(&gateway, "/a/", Ok("ok"));
    std::fs::write(gateway.directory().join("client.key"), &new.key).unwrap();
    std::fs::write(gateway.directory().join("client.pem"), &new.certificate).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    let shown = |subject: &str| {
        origin.visits().iter().any(|visit| visit.client.as_deref() == Some(subject) && visit.requests > 0)
    };
    assert!(shown("CN=old.internal"));
    while !shown("CN=new.internal") {
        assert!(Instant::now() < end, "{}", gateway.log());
        expect(&gateway, "/a/", Ok("ok"));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_authority_that_is_taken_back_ends_connections_made_by_its_word() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    folder.certificate("ca", &["orders.internal"]);
    std::fs::write(folder.path().join("ca.pem"), &own.certificate).unwrap();
    let origin = SecuredOrigin::start(&own, always_ok);
    let tls = "authority = \"ca.pem\", name = \"orders.internal\"";
    let gateway = folder.run(&before(&[("a", at(origin.address(), tls))]), &[]);
    expect(&gateway, "/a/", Ok("ok"));
    // The same file, another authority: neither the pool nor a session of before is good any more.
    write_certificate(gateway.directory(), "ca", &["orders.internal"]);
    assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
    expect(&gateway, "/a/", Err("connect_failed"));
}

#[test]
fn a_handshake_that_does_not_go_on_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let folder = Folder::new();
    folder.certificate("own", &["orders.internal"]);
    let tls = "authority = \"own.pem\", name = \"orders.internal\"";
    let keys = format!("{}\ntimeout = {{ connect = \"300ms\" }}", at(&address, tls));
    let gateway = folder.run(&before(&[("a", keys)]), &[]);
    let started = Instant::now();
    expect(&gateway, "/a/", Err("connect_timeout"));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_endpoint_that_is_not_believed_rests_and_another_is_asked() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    let strange = folder.certificate("strange", &["orders.internal"]);
    let good = SecuredOrigin::start(&own, |asked| (ok(&asked.body), Then::Keep));
    let bad = SecuredOrigin::start(&strange, always_ok);
    let keys = format!(
        "endpoints = [\"{}\", \"{}\"]\nrest = \"1h\"\ntls = {{ authority = \"own.pem\", name = \"orders.internal\" }}",
        bad.address(),
        good.address()
    );
    let gateway = folder.run(&before(&[("a", keys)]), &[]);
    for _ in 0..6 {
        // Nothing of the request was sent, so that a POST may go on as well.
        let post = "POST /a/ HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(gateway.ask(post).unwrap().text(), "hello");
    }
    assert_eq!(bad.accepted(), 1);
    assert!(bad.visits().is_empty());
}

#[test]
fn a_fault_that_every_request_meets_does_not_fill_the_log() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    folder.certificate("other", &["orders.internal"]);
    let origin = SecuredOrigin::start(&own, always_ok);
    let tls = "authority = \"other.pem\", name = \"orders.internal\"";
    let gateway = folder.run(&before(&[("a", at(origin.address(), tls))]), &[]);
    let started = Instant::now();
    for _ in 0..30 {
        expect(&gateway, "/a/", Err("connect_failed"));
    }
    let told = gateway.log().matches("a TLS handshake with an upstream failed").count();
    let periods = started.elapsed().as_secs() / 10 + 1;
    assert!(told >= 1 && told as u64 <= periods, "{}", gateway.log());
}

#[cfg(feature = "functions")]
#[test]
fn a_function_asks_an_origin_by_tls_if_somebody_vouches_for_it() {
    let Some(component) = testkit::component("hostile") else { return };
    let folder = Folder::new();
    let own = folder.certificate("own", &["127.0.0.1"]);
    let strange = folder.certificate("strange", &["127.0.0.1"]);
    let origin = SecuredOrigin::start(&own, always_ok);
    let stranger = SecuredOrigin::start(&strange, always_ok);
    let [url, other] = [&origin, &stranger].map(|origin| format!("https://{}", origin.address()));
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [function.guest]\ncomponent = {component:?}\noutbound = [\"{url}\", \"{other}\"]\n\
         [[route]]\npath = \"/call\"\nfunction = \"guest\"\n"
    );
    let trusted = folder.path().join("own.pem");
    let gateway = folder.run(&config, &[("SSL_CERT_FILE", trusted.to_str().unwrap())]);
    let called = |to: &str| gateway.get(&format!("/call?to={to}/x")).unwrap().text();
    assert_eq!(called(&url), "200 2 bytes\n");
    assert!(!called(&other).starts_with("200"));
    assert!(!called(&url.replace("https", "http")).starts_with("200"), "another scheme is another origin");
    assert_eq!((origin.visits()[0].requests, origin.accepted(), stranger.visits().len()), (1, 1, 0));
}

#[test]
fn an_upstream_is_told_of_the_client_before_the_handshake() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    let origin = SecuredOrigin::start(&own, always_ok);
    let porter = Porter::before(origin.address());
    let tls = at(porter.address(), "authority = \"own.pem\", name = \"orders.internal\"");
    let gateway = folder.run(&before(&[("a", format!("proxy_protocol = \"v2\"\n{tls}"))]), &[]);
    for _ in 0..2 {
        expect(&gateway, "/a/", Ok("ok"));
    }
    let local = [127, 0, 0, 1, 127, 0, 0, 1];
    let begin = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"[..], &local].concat();
    assert!(porter.headers().len() == 2 && porter.headers().iter().all(|header| header.starts_with(&begin)));
    origin.wait("both have ended", |visits| visits.iter().all(|visit| visit.ended == Some(true)));
    assert!(origin.visits()[1].resumed, "sessions are taken up again all the same");
}
