//! TLS in a configuration: files are read with it, and whatever is wrong with them is said where they are named.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use config::{Config, Diagnostics, Hsts, difference, load_text};
use tls::Policy;

fn write_pair(folder: &Path, stem: &str) {
    let made = tls::self_signed(&[format!("{stem}.example")], 2).unwrap();
    fs::write(folder.join(format!("{stem}.pem")), made.certificate).unwrap();
    fs::write(folder.join(format!("{stem}.key")), made.key).unwrap();
}

fn load(folder: &Path, keys: &str) -> Result<Config, Diagnostics> {
    let text = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n{keys}\n[[route]]\nrespond = {{ body = \"ok\" }}\n"
    );
    load_text("lockgate.toml", folder, &text, &BTreeMap::<String, String>::new()).map(|loaded| loaded.config)
}

const SITE: &str = "tls = [{ certificate = \"site.pem\", key = \"site.key\" }]\n";

#[test]
fn defaults_are_those_documented() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "site");
    let config = load(folder.path(), SITE).unwrap();
    let tls = config.listeners[0].tls.as_ref().unwrap();
    assert_eq!(tls.terminator.terms().policy, Policy::Intermediate);
    assert!(tls.terminator.terms().clients.is_none() && tls.hsts.is_none());
    assert_eq!(tls.handshake_timeout, Duration::from_secs(10));
    let files: Vec<_> = tls.files.iter().map(|file| file.path.strip_prefix(folder.path()).unwrap()).collect();
    assert_eq!(files, [Path::new("site.pem"), Path::new("site.key")]);
    let keys = format!(
        "{SITE}tls_policy = \"modern\"\nhandshake_timeout = \"2s\"\nhsts = {{}}\n\
         client_certificates = {{ authority = \"site.pem\" }}"
    );
    let config = load(folder.path(), &keys).unwrap();
    let tls = config.listeners[0].tls.as_ref().unwrap();
    assert_eq!(tls.terminator.terms().policy, Policy::Modern);
    assert!(tls.terminator.terms().clients.as_ref().unwrap().required);
    assert_eq!(tls.hsts, Some(Hsts { max_age: Duration::from_secs(365 * 86_400), subdomains: false }));
    assert_eq!((tls.handshake_timeout, tls.files.len()), (Duration::from_secs(2), 3));
}

#[test]
fn another_content_of_a_file_is_another_configuration() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "site");
    let before = load(folder.path(), SITE).unwrap();
    let touched = fs::read(folder.path().join("site.pem")).unwrap();
    fs::write(folder.path().join("site.pem"), touched).unwrap();
    assert!(difference(&before, &load(folder.path(), SITE).unwrap()).is_empty());
    write_pair(folder.path(), "site");
    let changes = difference(&before, &load(folder.path(), SITE).unwrap());
    assert_eq!(changes.listeners.changed, ["127.0.0.1:0"]);
}

#[test]
fn every_fault_is_said_where_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "site");
    write_pair(folder.path(), "other");
    let keys = "tls = [\n\
                { certificate = \"missing.pem\", key = \"site.key\" },\n\
                { certificate = \"site.pem\", key = \"missing.key\" },\n\
                { certificate = \"site.pem\", key = \"other.key\" },\n\
                { certificate = \"site.key\", key = \"site.key\" },\n\
                { certificate = \"site.pem\" },\n\
                ]\n\
                client_certificates = { authority = \"site.key\" }\nredirect_https = 443\ntls_policy = \"old\"";
    let told = load(folder.path(), keys).unwrap_err().render(false);
    for (line, what) in [
        (4, "the certificate cannot be read"),
        (5, "the key cannot be read"),
        (6, "the key does not belong to the certificate"),
        (7, "the file has no certificate in PEM"),
        (8, "key"),
        (10, "no authority: the file has no certificate in PEM"),
        (11, "a listener with `tls` sends nobody to `https`"),
        (12, "tls_policy"),
    ] {
        assert!(
            told.contains(&format!("lockgate.toml:{line}:")) && told.contains(what),
            "{line}: {what}\n{told}"
        );
    }
}

#[test]
fn keys_of_tls_mean_nothing_in_cleartext() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "hsts = {}\ntls_policy = \"modern\"\nhandshake_timeout = \"1s\"\n\
                client_certificates = { authority = \"ca.pem\" }";
    let told = load(folder.path(), keys).unwrap_err().render(false);
    for key in ["hsts", "tls_policy", "handshake_timeout", "client_certificates"] {
        assert!(told.contains(&format!("`{key}` means nothing without `tls`")), "{key}\n{told}");
    }
    assert!(load(folder.path(), "redirect_https = 443").is_ok());
    assert!(load(folder.path(), "tls = []").unwrap_err().render(false).contains("`tls` is empty"));
}
