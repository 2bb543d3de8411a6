//! The line is JSON, its fields stand in their order, and every text survives.

use alloc::string::{String, ToString};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::any_event;
use crate::{Event, Tls, TlsVersion};

fn line(event: &Event) -> String {
    let mut out = Vec::new();
    write_ndjson(&event.as_ref(), &mut out);
    String::from_utf8(out).unwrap()
}

fn example() -> Event {
    EventRef::EXAMPLE.to_event()
}

#[test]
fn an_event_prints_as_the_contract_says() {
    assert_eq!(
        line(&example()),
        concat!(
            r#"{"id":"00000000000000ab-2-1-1f","ts":"2026-11-21T01:20:23.123456Z","kind":"done","route":"orders","user_id":1,"#,
            r#""key_id":3,"value":1.0,"method":"GET","host":"api.example.com","path":"/orders/7","status":200,"reason":null,"#,
            r#""bytes_in":0,"bytes_out":512,"latency_us":431,"upstream":"127.0.0.1:9001","upstream_us":380,"attempts":1,"#,
            r#""client":"203.0.113.9","http":"1.1","tls":null,"trace":"","parent":null}"#,
            "\n"
        )
    );
}

#[test]
fn what_is_not_known_is_null() {
    let event = Event {
        user_id: None,
        key_id: None,
        value: None,
        upstream_us: None,
        reason: Some("no_route".into()),
        ..example()
    };
    let read: serde_json::Value = serde_json::from_str(&line(&event)).unwrap();
    for field in ["user_id", "key_id", "value", "upstream_us"] {
        assert_eq!(read[field], serde_json::Value::Null, "{field}");
    }
    assert_eq!(read["reason"], "no_route");
}

#[test]
fn a_cut_path_is_flagged() {
    assert!(
        line(&Event { path_cut: true, ..example() })
            .contains(r#""path":"/orders/7","path_cut":true,"status""#)
    );
}

#[test]
fn a_version_of_tls_is_followed_by_what_tls_has_shown() {
    let known = Tls {
        version: TlsVersion::Tls13,
        resumed: true,
        server_name: Some("api.example.com".into()),
        client_fingerprint: Some(core::array::from_fn(|at| at as u8 * 8)),
    };
    let unknown =
        Tls { version: TlsVersion::Tls12, resumed: false, server_name: None, client_fingerprint: None };
    for (tls, expected) in [
        (
            known,
            concat!(
                r#","http":"1.1","tls":"1.3","sni":"api.example.com","resumed":true,"client_fingerprint":"#,
                r#""0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8","trace":"","#
            ),
        ),
        (
            unknown,
            r#","http":"1.1","tls":"1.2","sni":null,"resumed":false,"client_fingerprint":null,"trace":"","#,
        ),
    ] {
        let line = line(&Event { tls: Some(tls), ..example() });
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn nothing_in_a_text_reaches_a_terminal_raw() {
    let event = Event { host: "a\u{1b}[2J\"\\\n\r\t\u{7f}\u{85}\u{2028}é".into(), ..example() };
    assert!(line(&event).contains(r#""host":"a\u001b[2J\"\\\n\r\t\u007f\u0085\u2028é""#));
}

proptest! {
    #[test]
    fn a_json_parser_reads_back_what_was_written(event in any_event()) {
        let text = line(&event);
        prop_assert_eq!(text.find('\n'), Some(text.len() - 1), "one line");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read["id"], &json!(event.id.to_string()));
        prop_assert_eq!(&read["parent"], &json!(event.parent.map(|p| p.to_string())));
        prop_assert_eq!(&read["ts"], &json!(Timestamp::from_unix_us(event.ts_us).to_string()));
        prop_assert_eq!(&read["kind"], &json!(event.kind.as_str()));
        prop_assert_eq!(&read["http"], &json!(event.http.as_str()));
        prop_assert_eq!(&read["client"], &json!(event.client.to_string()));
        let texts = [
            ("route", &event.route), ("method", &event.method), ("host", &event.host),
            ("path", &event.path), ("upstream", &event.upstream), ("trace", &event.trace),
        ];
        for (field, text) in texts {
            prop_assert_eq!(&read[field], &json!(text));
        }
        prop_assert_eq!(&read["reason"], &json!(event.reason));
        let numbers = [
            ("user_id", event.user_id), ("key_id", event.key_id), ("upstream_us", event.upstream_us),
            ("status", Some(event.status.into())), ("attempts", Some(event.attempts.into())),
            ("bytes_in", Some(event.bytes_in)), ("bytes_out", Some(event.bytes_out)), ("latency_us", Some(event.latency_us)),
        ];
        for (field, number) in numbers {
            prop_assert_eq!(&read[field], &json!(number));
        }
        let tls = event.tls.as_ref();
        prop_assert_eq!(&read["tls"], &json!(tls.map(|tls| tls.version.as_str())));
        prop_assert_eq!(&read["sni"], &json!(tls.and_then(|tls| tls.server_name.as_deref())));
        prop_assert_eq!(&read["resumed"], &json!(tls.map(|tls| tls.resumed)));
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
        prop_assert_eq!(&read["client_fingerprint"], &json!(tls.and_then(|tls| tls.client_fingerprint).map(hex)));
        let value = event.value.map_or("null".to_string(), |v| v.to_string());
        let field = alloc::format!("\"value\":{value},");
        prop_assert!(text.contains(&field));
    }
}
