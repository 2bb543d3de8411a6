//! The encoding is exact, bounded, and total over any bytes.

use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;
use crate::testing::any_event;
use crate::{Event, Tls, TlsRef, TlsVersion};

fn encoded(event: &EventRef<'_>) -> Vec<u8> {
    let mut bytes = vec![0xee; RECORD_BYTES_MAX];
    let length = encode(event, &mut bytes);
    assert_eq!(length, encoded_len(event));
    assert!(bytes[length..].iter().all(|&b| b == 0xee), "nothing is written behind the record");
    bytes.truncate(length);
    bytes
}

/// What should come back: each text within its limit, by the plain definition.
fn within_limits(event: &Event) -> Event {
    fn cut(text: &str, bytes_max: usize) -> &str {
        let end = (0..=text.len().min(bytes_max)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        &text[..end]
    }
    Event {
        route: cut(&event.route, 255).into(),
        method: cut(&event.method, 255).into(),
        host: cut(&event.host, 255).into(),
        path: cut(&event.path, 1024).into(),
        path_cut: event.path_cut || event.path.len() > 1024,
        reason: event.reason.as_deref().map(|reason| cut(reason, 255).into()),
        upstream: cut(&event.upstream, 255).into(),
        trace: cut(&event.trace, 64).into(),
        tls: event.tls.as_ref().map(|tls| Tls {
            server_name: tls.server_name.as_deref().map(|name| cut(name, 255).into()),
            ..tls.clone()
        }),
        ..event.clone()
    }
}

/// Every field, each read by itself.
fn viewed<'a>(view: &RecordView<'a>) -> Result<EventRef<'a>, DecodeError> {
    Ok(EventRef {
        id: view.id(),
        parent: view.parent(),
        kind: view.kind(),
        ts_us: view.ts_us(),
        route: view.route()?,
        user_id: view.user_id(),
        key_id: view.key_id(),
        value: view.value(),
        method: view.method()?,
        host: view.host()?,
        path: view.path()?,
        path_cut: view.path_cut(),
        status: view.status(),
        reason: view.reason()?,
        bytes_in: view.bytes_in(),
        bytes_out: view.bytes_out(),
        latency_us: view.latency_us(),
        upstream: view.upstream()?,
        upstream_us: view.upstream_us(),
        attempts: view.attempts(),
        client: view.client(),
        http: view.http(),
        tls: view.tls()?,
        trace: view.trace()?,
    })
}

const TLS: TlsRef<'static> = TlsRef {
    version: TlsVersion::Tls13,
    resumed: true,
    server_name: Some("api.example.com"),
    client_fingerprint: Some(&[0xab; 32]),
};

proptest! {
    #[test]
    fn a_record_round_trips(event in any_event()) {
        let bytes = encoded(&event.as_ref());
        prop_assert_eq!(decode(&bytes).map(|e| e.to_event()), Ok(within_limits(&event)));
    }

    #[test]
    fn a_glance_agrees_with_the_record(event in any_event()) {
        let bytes = encoded(&event.as_ref());
        let whole = decode(&bytes).unwrap();
        let expected = Glance { kind: whole.kind, ts_us: whole.ts_us, user_id: whole.user_id, route: whole.route.as_bytes() };
        prop_assert_eq!(glance(&bytes), Ok(expected));
    }

    #[test]
    fn a_view_agrees_with_the_record(event in any_event(), at: prop::sample::Index, byte: Option<u8>) {
        let mut bytes = encoded(&event.as_ref());
        if let Some(byte) = byte {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let viewed = RecordView::parse(&bytes).and_then(|view| viewed(&view));
        prop_assert_eq!(viewed, decode(&bytes));
    }

    #[test]
    fn a_truncated_record_is_refused(event in any_event(), keep in 0.0..1.0_f64) {
        let bytes = encoded(&event.as_ref());
        let keep = (bytes.len() as f64 * keep) as usize;
        prop_assert!(decode(&bytes[..keep]).is_err());
        let _ = glance(&bytes[..keep]);
    }

    #[test]
    fn a_longer_record_is_refused(event in any_event(), extra: u8) {
        let mut bytes = encoded(&event.as_ref());
        bytes.push(extra);
        prop_assert_eq!(decode(&bytes), Err(DecodeError::TrailingBytes));
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), version: Option<bool>) {
        if let (Some(tls), Some(first)) = (version, bytes.first_mut()) {
            *first = if tls { FORMAT_VERSION_TLS } else { FORMAT_VERSION };
        }
        let _ = glance(&bytes);
        let _ = decode(&bytes);
    }

    #[test]
    fn a_damaged_record_is_a_record_or_an_error(event in any_event(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encoded(&event.as_ref());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = glance(&bytes);
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(encoded_len(&record), bytes.len());
        }
    }
}

#[test]
fn the_longest_record_has_the_documented_size() {
    let long = "x".repeat(5000);
    let event = EventRef {
        parent: Some(EventRef::EXAMPLE.id),
        route: &long,
        method: &long,
        host: &long,
        path: &long,
        reason: Some(&long),
        upstream: &long,
        trace: &long,
        tls: Some(TlsRef { server_name: Some(&long), ..TLS }),
        ..EventRef::EXAMPLE
    };
    assert_eq!(encoded(&event).len(), RECORD_BYTES_MAX);
    assert!(decode(&encoded(&event)).unwrap().path_cut);
}

#[test]
fn another_version_is_named() {
    assert_eq!(decode(&[9; 200]), Err(DecodeError::Version(9)));
    assert_eq!(decode(&[]), Err(DecodeError::Truncated));
}

/// [`EventRef::EXAMPLE`] as it was written before a record could say anything of TLS; in hexadecimal digits.
const WRITTEN_BEFORE_TLS: &str = "\
    0100015cc8000100ab0000000000000002000000010000001f0000000000000000c6302abf600600\
    0100000000000000030000000000000040420f000000000000000000000000000002000000000000\
    af010000000000007c0100000000000006030f0e00000900cb007109000000000000000000000000\
    6f72646572734745546170692e6578616d706c652e636f6d3132372e302e302e313a393030312f6f\
    72646572732f37";

#[test]
fn a_record_of_before_there_was_tls_is_read_and_one_without_it_is_written_the_same() {
    let byte = |at: usize| u8::from_str_radix(&WRITTEN_BEFORE_TLS[at..at + 2], 16).unwrap();
    let written: Vec<u8> = (0..WRITTEN_BEFORE_TLS.len()).step_by(2).map(byte).collect();
    assert_eq!(decode(&written), Ok(EventRef::EXAMPLE));
    assert_eq!(encoded(&EventRef::EXAMPLE), written);
}

#[test]
fn tls_adds_its_end_and_changes_nothing_in_front() {
    let plain = encoded(&EventRef::EXAMPLE);
    let nothing = TlsRef { server_name: None, client_fingerprint: None, ..TLS };
    let name = TlsRef { client_fingerprint: None, ..TLS };
    for (tls, bytes) in [(nothing, 2), (name, 17), (TLS, 49)] {
        let record = encoded(&EventRef { tls: Some(tls), ..EventRef::EXAMPLE });
        assert_eq!(record.len(), plain.len() + bytes, "{tls:?}");
        assert_eq!(record[0], FORMAT_VERSION_TLS);
        assert_eq!(record[1..plain.len()], plain[1..]);
    }
}

#[test]
fn an_end_that_means_nothing_is_refused() {
    let record = |end: &[u8]| {
        let mut bytes = encoded(&EventRef::EXAMPLE);
        bytes[0] = FORMAT_VERSION_TLS;
        bytes.extend(end);
        decode(&bytes).map(|event| event.tls.is_some())
    };
    for (end, expected) in [
        (&[0, 0][..], Ok(true)),
        (&[4, 1, b'a'], Ok(true)),
        (&[], Err(DecodeError::Truncated)),
        (&[0], Err(DecodeError::Truncated)),
        (&[8, 0], Err(DecodeError::Truncated)),
        (&[4, 1], Err(DecodeError::Truncated)),
        (&[0, 0, 0], Err(DecodeError::TrailingBytes)),
        (&[16, 0], Err(DecodeError::Field("tls"))),
        (&[0, 1, b'a'], Err(DecodeError::Field("server_name"))),
        (&[4, 1, 0xff], Err(DecodeError::Text)),
    ] {
        assert_eq!(record(end), expected, "{end:?}");
    }
}
