//! What the journal says of a request's way by TLS.

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::version::TLS12;
use serde_json::{Value, json};
use testkit::{GatewayProcess, Origin, RawClient};

use crate::client::certificate;
use crate::{Client, Folder, Trust, get, listener, site};

const ASKED: &str = "client_certificates = { authority = \"partner.pem\", required = false }";

/// A listener that asks for certificates and one without TLS, asked in every way; and the partner's fingerprint.
fn asked_in_every_way() -> (GatewayProcess, String) {
    let folder = Folder::new();
    let site = folder.certificate("site", &["site.example", "127.0.0.1"]);
    let partner = folder.certificate("partner", &["partner.example"]);
    let cleartext = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let origin = Origin::echo();
    let gateway = folder.start(&format!("{}{cleartext}", listener(&["site"], ASKED)), &origin);
    let (known, unknown) = (Trust::showing(&site, &partner), Trust::in_all(&[&site]));
    let old = Trust::with_version(&site, &TLS12);
    for (path, name, trust) in [
        ("/known", "site.example", &known),
        ("/known-again", "site.example", &known),
        ("/old", "site.example", &old),
        ("/old-again", "site.example", &old),
        // An address is not asked for by name.
        ("/nameless", "127.0.0.1", &unknown),
    ] {
        let mut client = Client::connect(gateway.address(), name, trust).unwrap();
        assert!(client.ask(&get(name, path)).unwrap().starts_with("HTTP/1.1 200"), "{path}");
    }
    let mut plain = RawClient::connect(&gateway.ports().listeners[1]).unwrap();
    assert_eq!(plain.ask(get("site.example", "/plain")).unwrap().status(), 200);
    // By another library than the gateway does it.
    let sha256 = TLS13_AES_128_GCM_SHA256.tls13().unwrap().common.hash_provider.hash(&certificate(&partner));
    let fingerprint = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (gateway, fingerprint)
}

#[track_caller]
fn said(gateway: &GatewayProcess, arguments: &[&str]) -> String {
    let output = gateway.command(arguments).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_record_says_what_tls_has_shown() {
    let (gateway, fingerprint) = asked_in_every_way();
    let lines = said(&gateway, &["tail", "--json"]);
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 6, "{lines}");
    let name = Some("site.example");
    for (path, version, sni, resumed, client) in [
        ("/known", "1.3", name, false, Some(&fingerprint)),
        ("/known-again", "1.3", name, true, Some(&fingerprint)),
        ("/old", "1.2", name, false, None),
        ("/old-again", "1.2", name, true, None),
        ("/nameless", "1.3", None, false, None),
    ] {
        let event = events.iter().find(|event| event["path"] == path).unwrap();
        assert_eq!(event["tls"], version, "{event}");
        assert_eq!(event["sni"], json!(sni), "{event}");
        assert_eq!(event["resumed"], resumed, "{event}");
        assert_eq!(event["client_fingerprint"], json!(client), "{event}");
    }
    let plain = events.iter().find(|event| event["path"] == "/plain").unwrap().as_object().unwrap();
    assert_eq!(plain["tls"], Value::Null);
    for field in ["sni", "resumed", "client_fingerprint"] {
        assert!(!plain.contains_key(field), "{field} in {plain:?}");
    }
}

#[test]
fn a_request_that_was_not_understood_is_recorded_as_one_by_tls_too() {
    let (gateway, site) = site("", &Origin::echo());
    let mut client = Client::connect(gateway.address(), "site.example", &Trust::in_all(&[&site])).unwrap();
    let answer = client.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let event: Value = serde_json::from_str(&said(&gateway, &["tail", "--json"])).unwrap();
    assert_eq!(
        (&event["status"], &event["tls"], &event["sni"]),
        (&json!(400), &json!("1.3"), &json!("site.example"))
    );
}

#[test]
fn questions_to_the_journal_may_be_about_tls() {
    let (mut gateway, fingerprint) = asked_in_every_way();
    gateway.terminate().unwrap();
    let process = ["process", "data", "--by", "tls,sni,resumed,client_fingerprint", "--measure", "count"];
    let answer = said(&gateway, &[&process[..], &["--format", "csv"]].concat());
    let mut rows: Vec<_> = answer.lines().collect();
    assert_eq!(rows.remove(0), "tls,sni,resumed,client_fingerprint,count");
    rows.sort_unstable();
    let known = |resumed| format!("1.3,site.example,{resumed},{fingerprint},1");
    let expected = [
        ",,,,1",
        "1.2,site.example,false,,1",
        "1.2,site.example,true,,1",
        "1.3,,false,,1",
        &known("false"),
        &known("true"),
    ];
    assert_eq!(rows, expected);
    for (condition, expected) in [
        ("tls = '1.2'".to_owned(), 2),
        ("tls is null".to_owned(), 1),
        ("sni = 'site.example' and resumed = true".to_owned(), 2),
        (format!("client_fingerprint = '{fingerprint}'"), 2),
    ] {
        let count = said(&gateway, &["search", "", "-c", "-p", "data", "--where", &condition]);
        assert_eq!(count.trim(), expected.to_string(), "{condition}");
        let all = ["process", "data", "--by", "none", "--measure", "count", "--format", "csv", "--where"];
        let count = said(&gateway, &[&all[..], &[&condition]].concat());
        assert_eq!(count.lines().last(), Some(expected.to_string().as_str()), "{condition}");
    }
}
