//! Segments made for tests.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use lockgate_event::segment::{Footer, RingId, SegmentHeader, append_block, append_frame};
use lockgate_event::{Event, EventId, EventRef, HttpVersion, Kind, Tls, TlsVersion, Value};
use proptest::collection::vec as many;
use proptest::option;
use proptest::prelude::*;

/// The fields of an event whose cells are the same in every format.
pub(super) const FIELDS: [&str; 27] = [
    "id",
    "kind",
    "route",
    "user_id",
    "key_id",
    "value",
    "method",
    "host",
    "path",
    "path_cut",
    "status",
    "reason",
    "bytes_in",
    "bytes_out",
    "latency_us",
    "upstream",
    "upstream_us",
    "attempts",
    "client",
    "http",
    "tls",
    "sni",
    "resumed",
    "client_fingerprint",
    "trace",
    "parent",
    "no_such_field",
];

pub(super) fn ring(worker: u16) -> RingId {
    RingId { boot: 3, worker }
}

/// A usual event, all of whose numbers tell which it is.
pub(super) fn event(number: u64) -> Event {
    Event {
        id: EventId { node: 7, boot: 3, worker: 0, sequence: number },
        ts_us: 1_795_224_023_000_000 + number,
        user_id: Some(number % 4),
        value: Some(Value(number as i64 * 500_000)),
        path: std::format!("/orders/{number}").into(),
        ..EventRef::EXAMPLE.to_event()
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(&[Kind::Done, Kind::Done, Kind::Part, Kind::Cut][..]);
    let http = prop::sample::select(
        &[HttpVersion::Http10, HttpVersion::Http11, HttpVersion::Http2, HttpVersion::Http3][..],
    );
    let client = prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(bits))),
    ];
    let id = || (0..9_u64).prop_map(|sequence| EventId { node: 7, boot: 3, worker: 1, sequence });
    let text = || prop::sample::select(&["orders", "", "images", "a\"b\\ü\u{1}"][..]).prop_map(Box::from);
    let who = (id(), option::of(id()), kind, http, client, option::of(0..4_u64), option::of(any::<u64>()));
    let version = prop::sample::select(&[TlsVersion::Tls12, TlsVersion::Tls13][..]);
    let tls = (version, any::<bool>(), option::of(text()), option::of(any::<[u8; 32]>())).prop_map(
        |(version, resumed, server_name, client_fingerprint)| Tls {
            version,
            resumed,
            server_name,
            client_fingerprint,
        },
    );
    let texts = (text(), text(), text(), text(), text(), option::of(text()), text());
    let numbers = (
        0..200_000_000_u64,
        option::of(any::<i64>()),
        100..600_u16,
        any::<[u64; 3]>(),
        option::of(any::<u64>()),
    );
    (who, texts, numbers, any::<(bool, u32)>(), option::of(tls)).prop_map(|(who, texts, numbers, (path_cut, attempts), tls)| {
        let (id, parent, kind, http, client, user_id, key_id) = who;
        let (route, method, host, path, upstream, reason, trace) = texts;
        let (after_us, value, status, [bytes_in, bytes_out, latency_us], upstream_us) = numbers;
        let ts_us = 1_795_224_023_000_000 + after_us;
        #[rustfmt::skip]
        let event = Event {
            id, parent, kind, ts_us, route, user_id, key_id, value: value.map(Value), method, host, path, path_cut, status,
            reason, bytes_in, bytes_out, latency_us, upstream, upstream_us, attempts, client, http, tls, trace,
        };
        event
    })
}

pub(super) fn any_events() -> impl Strategy<Value = Vec<Event>> {
    many(any_event(), 0..12)
}

/// What goes into a segment.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) node: u64,
    pub(super) created_us: u64,
    /// The table of its header.
    pub(super) positions: Vec<(RingId, u64)>,
    pub(super) blocks: Vec<(RingId, u64, Vec<Event>)>,
}

impl Written {
    /// Events of one ring, a few per block.
    pub(super) fn of(events: &[Event]) -> Self {
        let mut written = Self { node: 7, created_us: 1, positions: Vec::new(), blocks: Vec::new() };
        for events in events.chunks(5) {
            written.append(ring(0), written.end(), events);
        }
        written
    }

    /// A block.
    pub(super) fn append(&mut self, ring: RingId, position: u64, events: &[Event]) {
        self.blocks.push((ring, position, events.to_vec()));
    }

    /// Where the events of the first ring end.
    pub(super) fn end(&self) -> u64 {
        self.ends().get(&ring(0)).copied().unwrap_or(0)
    }

    fn ends(&self) -> BTreeMap<RingId, u64> {
        let mut ends: BTreeMap<_, _> = self.positions.iter().copied().collect();
        for (ring, position, events) in &self.blocks {
            let end = ends.entry(*ring).or_insert(0);
            *end = (*end).max(position + framed(events).len() as u64);
        }
        ends
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.blocks.iter().flat_map(|(_, _, events)| events)
    }

    /// Where an event of the first ring starts, of those of [`Written::of`].
    pub(super) fn position_of(&self, number: usize) -> u64 {
        self.events().take(number).map(|event| framed(std::slice::from_ref(event)).len() as u64).sum()
    }

    /// The events by the plain rule: each whose position has not been passed.
    pub(super) fn counted_once(&self) -> Vec<&Event> {
        let mut counted = Vec::new();
        let mut ends: BTreeMap<_, _> = self.positions.iter().copied().collect();
        for (ring, position, events) in &self.blocks {
            let mut at = *position;
            for event in events {
                let end = ends.entry(*ring).or_insert(0);
                if at >= *end {
                    counted.push(event);
                }
                at += framed(std::slice::from_ref(event)).len() as u64;
                *end = (*end).max(at);
            }
        }
        counted
    }

    pub(super) fn to_live_bytes(&self) -> Vec<u8> {
        let Self { node, created_us, positions, .. } = self.clone();
        let mut bytes = SegmentHeader { node, boot: 3, created_us, positions }.to_bytes();
        for (ring, position, events) in &self.blocks {
            append_block(*ring, *position, &framed(events), &mut bytes);
        }
        bytes
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.to_live_bytes();
        let offset = bytes.len() as u64;
        bytes.extend(self.footer().to_bytes(offset));
        bytes
    }

    pub(super) fn footer(&self) -> Footer {
        let of = |kind| self.events().filter(|event| event.kind == kind).count() as u64;
        let mut routes = BTreeMap::<String, u64>::new();
        let mut users = BTreeMap::new();
        for event in self.events() {
            *routes.entry((*event.route).into()).or_default() += 1;
            event.user_id.into_iter().for_each(|user| *users.entry(user).or_default() += 1);
        }
        let times = || self.events().map(|event| event.ts_us);
        Footer {
            ts_us: times().min().zip(times().max()),
            done: of(Kind::Done),
            part: of(Kind::Part),
            cut: of(Kind::Cut),
            routes: routes.into_iter().map(|(route, records)| (route.into(), records)).collect(),
            users: users.into_iter().collect(),
            names_all_routes: true,
            names_all_users: true,
            positions: self.ends().into_iter().collect(),
            index: Vec::new(),
        }
    }
}

/// Segments of several rings, in which some records come again.
pub(super) fn any_written() -> impl Strategy<Value = Written> {
    let block = (0..3_u16, 0..4_usize, many((0..40_u64).prop_map(event), 1..5));
    (many(block, 0..8), option::of(0..600_u64)).prop_map(|(blocks, position)| {
        let mut written = Written::of(&[]);
        written.positions = position.map(|position| (ring(0), position / 8 * 8)).into_iter().collect();
        for (worker, again, events) in blocks {
            let end = written.ends().get(&ring(worker)).copied().unwrap_or(0);
            // Some records that have been written, and then new ones.
            let old: Vec<_> = written
                .blocks
                .iter()
                .rfind(|(last, _, events)| *last == ring(worker) && again > 0 && again <= events.len())
                .map(|(_, _, old)| old[old.len() - again..].to_vec())
                .unwrap_or_default();
            let position = end - framed(&old).len() as u64;
            written.append(ring(worker), position, &[old, events].concat());
        }
        written
    })
}

/// Records as they lie in a ring.
fn framed(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    events.iter().for_each(|event| append_frame(&event.as_ref(), &mut bytes));
    bytes
}
