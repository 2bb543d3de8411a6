//! Certificates that clients show.

#[cfg(feature = "functions")]
use std::io::{Read, Write};

use testkit::Origin;

use crate::{Client, Folder, Trust, get, listener};

const ASKED: &str = "client_certificates = { authority = \"partner.pem\", required = false }";
const DEMANDED: &str = "client_certificates = { authority = \"partner.pem\" }";

#[test]
fn upstreams_learn_who_has_connected_and_nobody_can_make_it_up() {
    let folder = Folder::new();
    let site = folder.certificate("site", &["site.example"]);
    let partner = folder.certificate("partner", &["partner.example"]);
    let origin = Origin::echo();
    // One worker keeps one connection to the origin, on which requests stand in their order.
    let more = format!("{ASKED}\n[workers]\ncount = 1");
    let gateway = folder.start(&listener(&["site"], &more), &origin);
    let forged = "GET / HTTP/1.1\r\nHost: site.example\r\nX-Lockgate-Client-Subject: CN=boss\r\n\
                  X-Lockgate-Client-Fingerprint: 00\r\n\r\n";
    for trust in [Trust::showing(&site, &partner), Trust::in_all(&[&site])] {
        let mut client = Client::connect(gateway.address(), "site.example", &trust).unwrap();
        assert!(client.ask(forged).unwrap().starts_with("HTTP/1.1 200"));
    }
    let [shown, silent] = [0, 1].map(|at| origin.requests()[at].fields.clone());
    assert_eq!(shown.all("x-lockgate-client-subject"), ["CN=partner.example"]);
    let fingerprints = shown.all("x-lockgate-client-fingerprint");
    assert!(fingerprints.len() == 1 && fingerprints[0].len() == 64, "{fingerprints:?}");
    assert!(silent.all("x-lockgate-client-subject").is_empty());
    assert!(silent.all("x-lockgate-client-fingerprint").is_empty());
}

#[test]
fn who_is_not_vouched_for_does_not_get_in() {
    let folder = Folder::new();
    let site = folder.certificate("site", &["site.example"]);
    let partner = folder.certificate("partner", &["partner.example"]);
    let stranger = folder.certificate("stranger", &["stranger.example"]);
    let listeners = format!("{}{}", listener(&["site"], DEMANDED), listener(&["site"], ASKED));
    let origin = Origin::echo();
    let gateway = folder.start(&listeners, &origin);
    for (listener, trust, expected) in [
        (0, Trust::showing(&site, &partner), true),
        (0, Trust::showing(&site, &stranger), false),
        (0, Trust::in_all(&[&site]), false),
        (1, Trust::showing(&site, &stranger), false),
        (1, Trust::in_all(&[&site]), true),
    ] {
        let address = &gateway.ports().listeners[listener];
        // By TLS 1.3 a client learns that it is refused only after its own handshake.
        let answer = Client::connect(address, "site.example", &trust)
            .and_then(|mut client| client.ask(&get("site.example", "/")));
        assert_eq!(answer.is_ok(), expected, "listener {listener}: {answer:?}");
    }
    assert_eq!(origin.hits(), 2);
}

#[test]
fn a_session_of_one_listener_opens_no_other() {
    let folder = Folder::new();
    let site = folder.certificate("site", &["site.example"]);
    folder.certificate("partner", &["partner.example"]);
    let listeners =
        [listener(&["site"], ""), listener(&["site"], ASKED), listener(&["site"], DEMANDED)].concat();
    let origin = Origin::echo();
    let gateway = folder.start(&listeners, &origin);
    let open = |listener: usize, trust: &Trust| {
        let address = &gateway.ports().listeners[listener];
        let mut client = Client::connect(address, "site.example", trust)?;
        client.ask(&get("site.example", "/")).map(|_| client.is_resumed())
    };
    for first in [0, 1] {
        let trust = Trust::in_all(&[&site]);
        assert!(!open(first, &trust).unwrap());
        assert!(open(first, &trust).unwrap(), "the session is good where it was made");
        assert!(open(2, &trust).is_err(), "and without a certificate nowhere else");
    }
    assert_eq!(origin.hits(), 4);
}

#[cfg(feature = "functions")]
#[test]
fn functions_learn_it_too_and_cannot_change_it_for_what_comes_next() {
    let Some(component) = testkit::component("hostile") else { return };
    let folder = Folder::new();
    let site = folder.certificate("site", &["site.example"]);
    let partner = folder.certificate("partner", &["partner.example"]);
    let origin = Origin::echo();
    let listeners = format!(
        "{}\n[function.guest]\ncomponent = {component:?}\n\
         [[route]]\npath = \"/whoami\"\nfunction = \"guest\"\n\
         [[route]]\npath = \"/call\"\nbefore = [\"guest\"]\nupstream = \"origin\"\n",
        listener(&["site"], ASKED)
    );
    let gateway = folder.start(&listeners, &origin);
    let trust = Trust::showing(&site, &partner);
    let mut client = Client::connect(gateway.address(), "site.example", &trust).unwrap();
    client.stream().write_all(b"GET /whoami HTTP/1.0\r\nHost: site.example\r\n\r\n").unwrap();
    let mut told = String::new();
    client.stream().read_to_string(&mut told).unwrap();
    let told = told.to_ascii_lowercase();
    for line in ["x-lockgate-client-subject: cn=partner.example\n", "x-forwarded-proto: https\n"] {
        assert_eq!(told.matches(line).count(), 1, "{line}{told}");
    }
    assert!(told.contains("scheme: some(scheme::https)"), "{told}");
    let mut client = Client::connect(gateway.address(), "site.example", &trust).unwrap();
    let called = client.ask(&get("site.example", "/call?to=http://upstream.internal/next")).unwrap();
    assert!(called.contains("200 "), "{called}");
    let next = &origin.requests()[0].fields;
    assert_eq!(next.all("x-lockgate-client-subject"), ["CN=partner.example"]);
    assert_eq!(next.all("x-lockgate-client-fingerprint").len(), 1);
    assert_eq!(next.all("x-forwarded-proto"), ["https"]);
}
