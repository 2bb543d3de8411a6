//! Certificates that clients show.

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
