//! Health checks of upstreams by TLS.

use std::time::{Duration, Instant};

use testkit::GatewayProcess;

use crate::Folder;
use crate::secured_origin::{SecuredOrigin, always_ok};
use crate::upstreams::{at, before};

/// Longest wait for what checks are to find.
const WAIT: Duration = Duration::from_secs(20);

/// Waits until checks have brought the endpoint of an upstream into this state; answers why.
#[track_caller]
fn wait(gateway: &GatewayProcess, upstream: usize, state: &str) -> String {
    let end = Instant::now() + WAIT;
    loop {
        let upstreams = gateway.admin("GET", "/upstreams").unwrap().json();
        let health = &upstreams[upstream]["endpoints"][0]["health"][0];
        if health["state"] == state {
            return health["reason"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < end, "not {state}: {health}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn checks_are_made_under_the_upstreams_own_terms() {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    let gateways = folder.certificate("gateway", &["gateway.internal"]);
    folder.certificate("other", &["orders.internal"]);
    let origin = SecuredOrigin::with(&own, rustls::ALL_VERSIONS, Some(&[&gateways]), always_ok);
    let check = "\nhealth = { path = \"/\", every = \"100ms\" }";
    let tls = |authority: &str| {
        let shown = "certificate = \"gateway.pem\", key = \"gateway.key\"";
        format!("authority = \"{authority}\", name = \"orders.internal\", {shown}")
    };
    let config = before(&[
        ("a", at(origin.address(), &tls("own.pem")) + check),
        ("b", at(origin.address(), &tls("other.pem")) + check),
    ]);
    let gateway = folder.run(&config, &[]);
    assert_eq!(wait(&gateway, 0, "healthy"), "status 200");
    let reason = wait(&gateway, 1, "out");
    assert!(reason.starts_with("no connection: invalid peer certificate"), "{reason}");
    origin.wait("three checks have come and gone", |visits| {
        visits.iter().filter(|visit| visit.ended == Some(true)).count() >= 3
    });
    let visits = origin.visits();
    assert!(visits.iter().all(|visit| visit.name.as_deref() == Some("orders.internal")), "{visits:?}");
    assert!(visits.iter().all(|visit| visit.client.is_some() && visit.requests == 1), "{visits:?}");
    // The log is told of what is out, and not of each failed handshake.
    let failed = || {
        gateway.admin("GET", "/upstreams").unwrap().json()[1]["endpoints"][0]["health"][0]["failed"].as_u64()
    };
    let end = Instant::now() + WAIT;
    while failed() < Some(5) {
        assert!(Instant::now() < end, "{:?}", failed());
    }
    let log = gateway.log();
    assert_eq!(log.matches("an endpoint is out").count(), 1, "{log}");
    assert_eq!(log.matches("a TLS handshake with an upstream failed").count(), 1, "{log}");
}
