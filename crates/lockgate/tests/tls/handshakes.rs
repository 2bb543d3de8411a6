//! Versions, sessions that are taken up again, and handshakes that come to nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::version::{TLS12, TLS13};
use testkit::Origin;

use crate::{Client, Folder, Trust, config, get, listener, site};

#[test]
fn the_policy_says_which_versions_are_spoken() {
    let folder = Folder::new();
    let site = folder.certificate("site", &["site.example"]);
    let listeners = format!("{}{}", listener(&["site"], ""), listener(&["site"], "tls_policy = \"modern\""));
    let gateway = folder.start(&listeners, &Origin::echo());
    for (listener, version, expected) in
        [(0, &TLS12, true), (0, &TLS13, true), (1, &TLS12, false), (1, &TLS13, true)]
    {
        let address = &gateway.ports().listeners[listener];
        let client = Client::connect(address, "site.example", &Trust::with_version(&site, version));
        assert_eq!(client.is_ok(), expected, "listener {listener}, {version:?}");
    }
}

#[test]
fn sessions_are_taken_up_by_every_worker_and_after_a_reload() {
    let origin = Origin::echo();
    let (gateway, site) = site("", &origin);
    for version in [&TLS12, &TLS13] {
        let trust = Trust::with_version(&site, version);
        let resumed = || {
            let mut client = Client::connect(gateway.address(), "site.example", &trust).unwrap();
            // Tickets come with the first answer.
            client.ask(&get("site.example", "/")).unwrap();
            client.is_resumed()
        };
        assert!(!resumed(), "{version:?}");
        for at in 0..20 {
            assert!(resumed(), "{version:?}, connection {at}");
        }
        gateway.rewrite_config(&config(&listener(&["site"], "requests = 7"), &origin)).unwrap();
        assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
        assert!(resumed(), "{version:?}, after a reload");
    }
    let metrics = gateway.admin("GET", "/metrics").unwrap().text();
    let address = gateway.address();
    for line in [
        format!("lockgate_listener_handshakes_total{{address=\"{address}\"}} 2"),
        format!("lockgate_listener_handshakes_resumed_total{{address=\"{address}\"}} 42"),
    ] {
        assert!(metrics.lines().any(|found| found == line), "no `{line}` in\n{metrics}");
    }
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended() {
    let (gateway, _) = site("handshake_timeout = \"300ms\"", &Origin::echo());
    let began = Instant::now();
    let mut slow = TcpStream::connect(gateway.address()).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The beginning of a record of 512 bytes, and no more.
    slow.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    assert!(matches!(slow.read(&mut [0; 64]), Ok(0) | Err(_)));
    assert!(began.elapsed() < Duration::from_secs(10));
    let mut nonsense = TcpStream::connect(gateway.address()).unwrap();
    nonsense.write_all(&[22; 600]).unwrap();
    let mut said = Vec::new();
    // An alert, and the end.
    let _ = nonsense.read_to_end(&mut said);
    assert!(said.is_empty() || said[0] == 21, "{said:?}");
    let line = format!("lockgate_listener_handshakes_failed_total{{address=\"{}\"}} 2", gateway.address());
    // A client may see its end before it is counted.
    let end = Instant::now() + Duration::from_secs(20);
    while !gateway.admin("GET", "/metrics").unwrap().text().lines().any(|found| found == line) {
        assert!(Instant::now() < end, "no `{line}`");
    }
}
