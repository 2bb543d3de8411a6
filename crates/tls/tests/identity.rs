//! From PEM to what a listener proves, and what is said of files that are none.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tls::{
    Authority, AuthorityError, ClientCertificates, Identity, IdentityError, Policy, SelfSigned, Terminator,
    Terms, self_signed,
};

fn made(names: &[&str]) -> SelfSigned {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    self_signed(&names, 30).expect("the names are good")
}

fn identity(names: &[&str]) -> Arc<Identity> {
    let made = made(names);
    Arc::new(Identity::from_pem(made.certificate.as_bytes(), made.key.as_bytes()).expect("an identity"))
}

#[test]
fn an_identity_knows_its_names_and_its_end() {
    let identity = identity(&["Example.com", "*.example.org", "127.0.0.1"]);
    assert_eq!(identity.names().collect::<Vec<_>>(), ["example.com", "*.example.org"]);
    let left = identity.not_after().duration_since(SystemTime::now()).expect("it is valid");
    assert!(left > Duration::from_secs(29 * 86_400) && left < Duration::from_secs(31 * 86_400), "{left:?}");
}

#[test]
fn whatever_is_wrong_with_the_files_is_told_apart() {
    let (one, other) = (made(&["a.example"]), made(&["b.example"]));
    let error = |certificate: &str, key: &str| {
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).expect_err("it is no identity")
    };
    assert!(matches!(error(&one.certificate, &other.key), IdentityError::Mismatch));
    assert!(matches!(error(&one.key, &one.key), IdentityError::NoCertificate));
    assert!(matches!(error(&one.certificate, &one.certificate), IdentityError::NoKey));
    assert!(matches!(error("", ""), IdentityError::NoCertificate));
    let broken = one.certificate.replace("MII", "MIA");
    assert!(matches!(error(&broken, &one.key), IdentityError::CertificateMalformed));
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(matches!(error(&one.certificate, nonsense), IdentityError::KeyUnusable(_)));
    let folder = tempfile::tempdir().expect("a folder");
    let (there, missing) = (folder.path().join("there.pem"), folder.path().join("missing.pem"));
    fs::write(&there, &one.certificate).expect("writing");
    assert!(Identity::load(&there, &missing).expect_err("no key").is_of_key());
    assert!(!Identity::load(&missing, &there).expect_err("no certificate").is_of_key());
    fs::write(&there, vec![b' '; (1 << 20) + 1]).expect("writing");
    assert!(matches!(Identity::load(&there, &there), Err(IdentityError::CertificateUnreadable(_))));
}

#[test]
fn an_authority_is_one_certificate_or_more() {
    let (one, other) = (made(&["a.example"]), made(&["b.example"]));
    let both = format!("{}{}", one.certificate, other.certificate);
    let authority = Authority::from_pem(both.as_bytes()).expect("two authorities");
    assert_ne!(authority, Authority::from_pem(one.certificate.as_bytes()).expect("one"));
    assert!(matches!(Authority::from_pem(one.key.as_bytes()), Err(AuthorityError::NoCertificate)));
    assert!(matches!(
        Authority::from_pem(one.certificate.replace("MII", "MIA").as_bytes()),
        Err(AuthorityError::Malformed)
    ));
}

#[test]
fn terms_without_a_certificate_are_none() {
    let terms =
        |identities| Terms { identities, policy: Policy::Modern, http1: true, http2: true, clients: None };
    assert!(Terminator::new(terms(Vec::new())).is_err());
    let one = identity(&["a.example"]);
    let made = Terminator::new(terms(vec![one.clone()])).expect("terms that hold");
    assert_eq!(made, Terminator::new(terms(vec![one])).expect("the same"));
    assert_ne!(made, Terminator::new(terms(vec![identity(&["a.example"])])).expect("another key"));
}

#[test]
fn tickets_are_shared_only_where_nobody_is_asked_for_a_certificate() {
    let authority = Authority::from_pem(made(&["ca.example"]).certificate.as_bytes()).expect("an authority");
    let terms = |clients| Terms {
        identities: vec![identity(&["a.example"])],
        policy: Policy::Intermediate,
        http1: true,
        http2: true,
        clients,
    };
    let tickets =
        |clients| Terminator::new(terms(clients)).expect("terms that hold").config().ticketer.clone();
    assert!(Arc::ptr_eq(&tickets(None), &tickets(None)));
    let asks = || Some(ClientCertificates { authority: authority.clone(), required: false });
    assert!(!Arc::ptr_eq(&tickets(None), &tickets(asks())));
    assert!(!Arc::ptr_eq(&tickets(asks()), &tickets(asks())));
}
