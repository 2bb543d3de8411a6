//! Which hosts a connection is for, and which connections meet other terms.

use std::sync::Arc;

use tls::{Authority, ClientCertificates, Identity, Policy, Terminator, Terms, self_signed};

fn identity(names: &[&str]) -> Arc<Identity> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = self_signed(&names, 30).expect("the names are good");
    Arc::new(Identity::from_pem(made.certificate.as_bytes(), made.key.as_bytes()).expect("an identity"))
}

fn terms(identities: Vec<Arc<Identity>>) -> Terms {
    Terms { identities, policy: Policy::Intermediate, http1: true, http2: true, clients: None }
}

#[test]
fn a_connection_is_for_its_name_and_the_others_on_the_certificate_that_was_shown() {
    let first = identity(&["a.example", "*.b.example"]);
    let terms = terms(vec![first, identity(&["c.example"])]);
    let terminator = Terminator::new(terms).expect("the terms are good");
    for (name, host, expected) in [
        (Some("a.example"), "a.example", true),
        (Some("a.example"), "x.b.example", true),
        (Some("x.b.example"), "y.b.example", true),
        (Some("a.example"), "", true),
        (Some("a.example"), "c.example", false),
        (Some("c.example"), "a.example", false),
        (Some("c.example"), "nobody.example", false),
        // By a name that no certificate is for, the first one is shown, as to a balancer that checks and verifies nothing.
        (Some("balancer.internal"), "balancer.internal", true),
        (Some("balancer.internal"), "a.example", true),
        (Some("balancer.internal"), "c.example", false),
        (Some("balancer.internal"), "nobody.example", false),
        (None, "a.example", true),
        (None, "c.example", true),
        (None, "nobody.example", true),
    ] {
        assert_eq!(terminator.covers(name, host), expected, "{name:?} and {host}");
    }
}

#[test]
fn terms_admit_connections_that_have_shown_as_much() {
    let authority = || {
        let made = self_signed(&["partner.example".to_owned()], 30).expect("the name is good");
        Authority::from_pem(made.certificate.as_bytes()).expect("an authority")
    };
    let open = terms(vec![identity(&["a.example"])]);
    let renewed = terms(vec![identity(&["a.example"])]);
    let modern = Terms { policy: Policy::Modern, ..open.clone() };
    let http1 = Terms { http2: false, ..open.clone() };
    let asking = |authority: Authority, required| Terms {
        clients: Some(ClientCertificates { authority, required }),
        ..open.clone()
    };
    let partner = authority();
    let (asked, demanded) = (asking(partner.clone(), false), asking(partner.clone(), true));
    for (what, now, before, expected) in [
        ("a renewed certificate", &renewed, &open, true),
        ("fewer versions", &modern, &open, false),
        ("more versions", &open, &modern, true),
        ("fewer protocols", &http1, &open, false),
        ("more protocols", &open, &http1, true),
        ("certificates are asked for", &asked, &open, false),
        ("none are any more", &open, &asked, false),
        ("they are demanded", &demanded, &asked, false),
        ("by the same authority", &demanded, &asking(partner, true), true),
        ("by another authority", &demanded, &asking(authority(), true), false),
    ] {
        assert_eq!(now.admit(before), expected, "{what}");
    }
}
