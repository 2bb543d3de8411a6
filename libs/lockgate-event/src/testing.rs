//! Generated records for the tests of this crate.

use alloc::string::String;
use core::net::IpAddr;
use proptest::prelude::*;

use crate::{Event, EventId, EventRef, HttpVersion, Kind, Tls, TlsVersion, Value};

pub(crate) fn any_id() -> impl Strategy<Value = EventId> {
    any::<(u64, u32, u16, u64)>().prop_map(|(node, boot, worker, sequence)| EventId {
        node,
        boot,
        worker,
        sequence,
    })
}

/// Texts up to twice the limit, ASCII or not.
pub(crate) fn any_text(bytes_max: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ -~]{1,40}",
        ".{0,20}",
        (0..=bytes_max * 2, "[a-é€😀]").prop_map(|(length, unit)| unit.repeat(length / unit.len())),
    ]
}

/// Whatever TLS may have shown; the name may be longer than its limit.
fn any_tls() -> impl Strategy<Value = Tls> {
    let version = prop_oneof![Just(TlsVersion::Tls12), Just(TlsVersion::Tls13)];
    (version, any::<bool>(), proptest::option::of(any_text(255)), any::<Option<[u8; 32]>>()).prop_map(
        |(version, resumed, server_name, client_fingerprint)| Tls {
            version,
            resumed,
            server_name: server_name.map(Into::into),
            client_fingerprint,
        },
    )
}

/// Records of every kind; texts may be longer than their limits.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![Just(Kind::Done), Just(Kind::Part), Just(Kind::Cut)];
    let http = prop_oneof![
        Just(HttpVersion::Http10),
        Just(HttpVersion::Http11),
        Just(HttpVersion::Http2),
        Just(HttpVersion::Http3)
    ];
    let tls = proptest::option::of(any_tls());
    let ids = (any_id(), proptest::option::of(any_id()), kind, http, tls, any::<IpAddr>());
    let texts = (any_text(255), any_text(255), any_text(255), any_text(1024), any_text(255), any_text(64));
    let numbers = any::<(u64, Option<u64>, Option<u64>, Option<i64>, u16, u64, u64, u64, Option<u64>, u32)>();
    (ids, texts, numbers, any::<bool>(), proptest::option::of(any_text(255))).prop_map(
        |(
            (id, parent, kind, http, tls, client),
            (route, method, host, path, upstream, trace),
            numbers,
            path_cut,
            reason,
        )| {
            let (
                ts_us,
                user_id,
                key_id,
                value,
                status,
                bytes_in,
                bytes_out,
                latency_us,
                upstream_us,
                attempts,
            ) = numbers;
            Event {
                id,
                parent,
                kind,
                ts_us,
                route: route.into(),
                user_id,
                key_id,
                value: value.map(Value),
                method: method.into(),
                host: host.into(),
                path: path.into(),
                path_cut,
                status,
                reason: reason.map(Into::into),
                bytes_in,
                bytes_out,
                latency_us,
                upstream: upstream.into(),
                upstream_us,
                attempts,
                client,
                http,
                tls,
                trace: trace.into(),
            }
        },
    )
}

/// A usual record.
#[cfg(feature = "segment")]
pub(crate) fn plain_event() -> Event {
    Event {
        id: EventId { node: 7, boot: 3, worker: 0, sequence: 1 },
        ts_us: 1_795_224_023_000_000,
        ..EventRef::EXAMPLE.to_event()
    }
}
