//! TLS to upstreams in a configuration: what each key means, and whatever is wrong is said where it is written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use config::{Diagnostics, Loaded, UpstreamTls, difference, load_text};
use tls::{Trust, server_name};

fn write_pair(folder: &Path, stem: &str) {
    let made = tls::self_signed(&[format!("{stem}.example")], 2).unwrap();
    fs::write(folder.join(format!("{stem}.pem")), made.certificate).unwrap();
    fs::write(folder.join(format!("{stem}.key")), made.key).unwrap();
}

/// Line 6 has the endpoints, line 7 and those behind it the keys.
fn load(folder: &Path, endpoints: &str, keys: &str) -> Result<Loaded, Diagnostics> {
    let text = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\nupstream = \"orders\"\n\
         [upstream.orders]\nendpoints = [{endpoints}]\n{keys}\n"
    );
    load_text("lockgate.toml", folder, &text, &BTreeMap::<String, String>::new())
}

fn tls_of(loaded: &Loaded) -> &UpstreamTls {
    loaded.config.upstreams[0].tls.as_ref().unwrap()
}

const HOST: &str = "\"orders.internal:9001\"";

#[test]
fn keys_reach_their_fields() {
    let folder = tempfile::tempdir().unwrap();
    for stem in ["ca", "client"] {
        write_pair(folder.path(), stem);
    }
    let loaded = load(folder.path(), HOST, "tls = { authority = \"ca.pem\" }").unwrap();
    let tls = tls_of(&loaded);
    assert!(matches!(tls.connector.terms().trust, Trust::Authority(_)), "{tls:?}");
    assert!(tls.connector.terms().identity.is_none() && tls.name.is_none());
    let keys = "tls = { authority = \"ca.pem\", name = \"Orders.Example.\", certificate = \"client.pem\", key = \"client.key\" }";
    let loaded = load(folder.path(), "\"unix:orders.sock\", \"127.0.0.1:1\"", keys).unwrap();
    let tls = tls_of(&loaded);
    assert_eq!(tls.connector.terms().identity.as_ref().unwrap().names().next(), Some("client.example"));
    assert_eq!(tls.name, server_name("orders.example"));
    let files: Vec<_> = tls.files.iter().map(|file| file.path.strip_prefix(folder.path()).unwrap()).collect();
    assert_eq!(files, ["ca.pem", "client.pem", "client.key"].map(Path::new));
    assert!(load(folder.path(), HOST, "").unwrap().config.upstreams[0].tls.is_none());
}

#[test]
fn an_address_is_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "ca");
    let loaded =
        load(folder.path(), "\"127.0.0.1:9001\", \"[::1]:9001\"", "tls = { authority = \"ca.pem\" }")
            .unwrap();
    assert!(tls_of(&loaded).name.is_none() && loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn who_verifies_nobody_is_warned() {
    let loaded = load(Path::new(""), HOST, "tls = { verify = false }").unwrap();
    assert_eq!(tls_of(&loaded).connector.terms().trust, Trust::Anyone);
    let told = loaded.warnings.render(false);
    for text in ["lockgate.toml:7:18", "nobody verifies that it is the upstream `orders` that answers"] {
        assert!(told.contains(text), "{told}");
    }
}

#[test]
fn another_content_of_a_file_is_another_upstream() {
    let folder = tempfile::tempdir().unwrap();
    for stem in ["ca", "client"] {
        write_pair(folder.path(), stem);
    }
    let keys = "tls = { authority = \"ca.pem\", certificate = \"client.pem\", key = \"client.key\" }";
    let load = || load(folder.path(), HOST, keys).unwrap().config;
    let mut before = load();
    assert!(difference(&before, &load()).is_empty());
    for stem in ["ca", "client"] {
        write_pair(folder.path(), stem);
        let now = load();
        assert_eq!(difference(&before, &now).upstreams.changed, ["orders"], "{stem}");
        before = now;
    }
}

#[test]
fn every_fault_of_an_upstream_is_said_where_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for stem in ["ca", "client", "other"] {
        write_pair(folder.path(), stem);
    }
    let table = |keys: &str| format!("[upstream.orders.tls]\n{}", keys.replace("; ", "\n"));
    for (endpoints, keys, told) in [
        (
            HOST,
            "authority = \"missing.pem\"",
            &["8:13", "no authority: the file cannot be read: No such file or directory"][..],
        ),
        (HOST, "authority = \"ca.key\"", &["8:13", "no authority: the file has no certificate in PEM"]),
        (
            HOST,
            "authority = \"ca.pem\"; certificate = \"client.pem\"; key = \"other.key\"",
            &["10:7", "the key does not belong to the certificate"],
        ),
        (
            HOST,
            "authority = \"missing.pem\"; certificate = \"missing.pem\"; key = \"client.key\"",
            &["8:13", "9:15", "the certificate cannot be read"],
        ),
        (
            HOST,
            "authority = \"ca.pem\"; certificate = \"client.pem\"",
            &["9:15", "`certificate` means nothing without `key`", "write both"],
        ),
        (
            HOST,
            "authority = \"ca.pem\"; key = \"client.key\"",
            &["9:7", "`key` means nothing without `certificate`"],
        ),
        (
            HOST,
            "authority = \"ca.pem\"; verify = false",
            &["8:13", "`authority` means nothing with `verify = false`", "because of this"],
        ),
        (
            HOST,
            "authority = \"ca.pem\"; name = \"https://orders\"",
            &["9:8", "invalid server name in `name`", "neither a host name nor an IP address"],
        ),
        (HOST, "autority = \"ca.pem\"", &["8:1", "unknown key `autority`", "authority"]),
        (
            "\"127.0.0.1:1\", \"unix:orders.sock\"",
            "authority = \"ca.pem\"",
            &[
                "6:29",
                "the endpoint has no name that a certificate could prove",
                "a Unix socket has none",
                "name = \"orders.internal\"",
            ],
        ),
    ] {
        let problems = load(folder.path(), endpoints, &table(keys)).map(|loaded| loaded.config).unwrap_err();
        let rendered = problems.render(false);
        for text in told {
            assert!(rendered.contains(text), "{keys}: {text}\n{rendered}");
        }
    }
    let wrong = load(folder.path(), HOST, "tls = true").map(|loaded| loaded.config).unwrap_err();
    assert!(wrong.render(false).contains("lockgate.toml:7:7"), "{wrong}");
}
