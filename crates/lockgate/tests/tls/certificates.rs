//! Which certificate is shown, and what becomes of another one under the same name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Answer, GatewayProcess, Origin};
use tls::SelfSigned;

use crate::{Client, Folder, Trust, get, listener, site, write_certificate};

#[test]
fn the_certificate_follows_the_name() {
    let folder = Folder::new();
    let first = folder.certificate("first", &["first.example"]);
    let wild = folder.certificate("wild", &["*.wild.example"]);
    let exact = folder.certificate("exact", &["exact.wild.example", "other.example"]);
    let origin = Origin::echo();
    let gateway = folder.start(&listener(&["first", "wild", "exact"], ""), &origin);
    let trust = Trust::in_all(&[&first, &wild, &exact]);
    for (name, shown) in [
        ("first.example", &first),
        ("a.wild.example", &wild),
        ("exact.wild.example", &exact),
        ("OTHER.example", &exact),
    ] {
        let client = Client::connect(gateway.address(), name, &trust).unwrap();
        assert!(client.was_shown(shown), "{name}");
    }
    // The first one is shown for a name that none is made out to, and the client does not take it.
    for name in ["a.b.wild.example", "wild.example", "nobody.example", "127.0.0.1"] {
        assert!(Client::connect(gateway.address(), name, &trust).is_err(), "{name}");
    }
}

/// Writes another certificate over the one before, and waits until it is shown.
#[track_caller]
fn renew(gateway: &GatewayProcess, old: &SelfSigned) {
    let new = write_certificate(gateway.directory(), "site", &["site.example"]);
    let trust = Trust::in_all(&[old, &new]);
    let end = Instant::now() + Duration::from_secs(20);
    while !Client::connect(gateway.address(), "site.example", &trust).unwrap().was_shown(&new) {
        assert!(Instant::now() < end, "{}", gateway.log());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_renewed_certificate_is_noticed() {
    let origin = Origin::echo();
    let (gateway, old) = site("", &origin);
    renew(&gateway, &old);
}

#[cfg(feature = "functions")]
#[test]
fn a_renewed_certificate_is_noticed_beside_a_broken_component() {
    let Some(hello) = testkit::component("hello") else { return };
    let folder = Folder::new();
    let old = folder.certificate("site", &["site.example"]);
    std::fs::copy(&hello, folder.path().join("guest.wasm")).unwrap();
    let config = format!(
        "{}\n[function.guest]\ncomponent = \"guest.wasm\"\n[[route]]\npath = \"/*\"\nfunction = \"guest\"\n",
        listener(&["site"], "")
    );
    let gateway = folder.run(&config, &[]);
    std::fs::write(gateway.directory().join("guest.wasm"), "this is no component").unwrap();
    gateway.wait_for_log("the component before stays in force");
    renew(&gateway, &old);
}

/// How often certificates are swapped; `LOCKGATE_SWAPS` says another number.
fn swaps() -> usize {
    std::env::var("LOCKGATE_SWAPS").map_or(50, |text| text.parse().unwrap())
}

#[test]
fn certificates_are_swapped_under_load_without_a_failed_handshake() {
    let folder = Folder::new();
    let versions: Vec<SelfSigned> = (0..2).map(|_| folder.certificate("site", &["site.example"])).collect();
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = folder.start(&listener(&["site"], ""), &origin);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, done, address) = (stop.clone(), done.clone(), gateway.address().to_owned());
            let trust: Vec<SelfSigned> = versions.clone();
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // New each time, so that each handshake is a whole one.
                    let trust = Trust::in_all(&trust.iter().collect::<Vec<_>>());
                    let mut client = Client::connect(&address, "site.example", &trust).expect("a handshake");
                    assert!(client.ask(&get("site.example", "/")).expect("an answer").ends_with("ok"));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for swap in 0..swaps() {
        let made = &versions[swap % 2];
        std::fs::write(gateway.directory().join("site.key"), &made.key).unwrap();
        std::fs::write(gateway.directory().join("site.pem"), &made.certificate).unwrap();
        assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
        let trust = Trust::in_all(&[&versions[0], &versions[1]]);
        let shown = Client::connect(gateway.address(), "site.example", &trust).unwrap();
        assert!(shown.was_shown(made), "swap {swap}");
    }
    stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().expect("no handshake failed"));
    assert!(done.load(Ordering::Relaxed) >= 20, "{done:?}");
}
