//! The fields of events as cells: those that a question asks for, and no others.
//!
//! They are named as in the event's line of JSON, and say the same, but for the time, which is a moment here.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use core::fmt::Write as _;
use core::net::IpAddr;

#[cfg(feature = "std")]
use lockgate_event::{DecodeError, RecordView};
use lockgate_event::{EventId, EventRef, TlsRef};

use crate::{Cell, Number};

/// Rows of no more cells than this lie on the stack.
const ROW_CELLS: usize = 8;

/// The fields a question asks for, in the order of its columns.
#[derive(Clone, Debug)]
pub(crate) struct EventFields {
    fields: Box<[Field]>,
    /// Whether any of them is a text that has to be written first.
    has_texts: bool,
}

/// Texts that no event has as such.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    id: String,
    parent: Option<String>,
    client: String,
    client_fingerprint: Option<String>,
}

/// What such texts are written from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) id: EventId,
    pub(crate) parent: Option<EventId>,
    pub(crate) client: IpAddr,
    pub(crate) client_fingerprint: Option<&'a [u8; 32]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Ts,
    Kind,
    Route,
    UserId,
    KeyId,
    Value,
    Method,
    Host,
    Path,
    PathCut,
    Status,
    Reason,
    BytesIn,
    BytesOut,
    LatencyUs,
    Upstream,
    UpstreamUs,
    Attempts,
    Client,
    Http,
    Tls,
    Sni,
    Resumed,
    ClientFingerprint,
    Trace,
    Parent,
    /// No event has it.
    Unknown,
}

/// The fields of an event.
#[cfg(feature = "std")]
pub(crate) const FIELDS: [&str; 27] = [
    "id",
    "ts",
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
];

impl Field {
    fn of(name: &str) -> Self {
        match name {
            "id" => Self::Id,
            "ts" => Self::Ts,
            "kind" => Self::Kind,
            "route" => Self::Route,
            "user_id" => Self::UserId,
            "key_id" => Self::KeyId,
            "value" => Self::Value,
            "method" => Self::Method,
            "host" => Self::Host,
            "path" => Self::Path,
            "path_cut" => Self::PathCut,
            "status" => Self::Status,
            "reason" => Self::Reason,
            "bytes_in" => Self::BytesIn,
            "bytes_out" => Self::BytesOut,
            "latency_us" => Self::LatencyUs,
            "upstream" => Self::Upstream,
            "upstream_us" => Self::UpstreamUs,
            "attempts" => Self::Attempts,
            "client" => Self::Client,
            "http" => Self::Http,
            "tls" => Self::Tls,
            "sni" => Self::Sni,
            "resumed" => Self::Resumed,
            "client_fingerprint" => Self::ClientFingerprint,
            "trace" => Self::Trace,
            "parent" => Self::Parent,
            _ => Self::Unknown,
        }
    }
}

impl EventFields {
    pub(crate) fn of(names: &[Box<str>]) -> Self {
        let fields: Box<[_]> = names.iter().map(|name| Field::of(name)).collect();
        let is_text = |field: &Field| {
            matches!(field, Field::Id | Field::Parent | Field::Client | Field::ClientFingerprint)
        };
        let has_texts = fields.iter().any(is_text);
        Self { fields, has_texts }
    }

    /// Number of columns.
    #[cfg(feature = "std")]
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether any field is a text that has to be written first.
    #[cfg(feature = "std")]
    pub(crate) fn has_texts(&self) -> bool {
        self.has_texts
    }

    /// Writes the texts that are asked for.
    #[inline]
    pub(crate) fn write_texts<'e>(&self, texts: &mut Texts, parts: impl FnOnce() -> Parts<'e>) {
        if self.has_texts {
            self.write_each(texts, parts());
        }
    }

    fn write_each(&self, texts: &mut Texts, Parts { id, parent, client, client_fingerprint }: Parts<'_>) {
        for field in &self.fields {
            // Writing to memory cannot fail.
            let _ = match field {
                Field::Id => {
                    texts.id.clear();
                    write!(texts.id, "{id}")
                }
                Field::Client => {
                    texts.client.clear();
                    write!(texts.client, "{client}")
                }
                Field::Parent => {
                    texts.parent = parent.map(|parent| alloc::format!("{parent}"));
                    Ok(())
                }
                Field::ClientFingerprint => {
                    texts.client_fingerprint = client_fingerprint.map(hex);
                    Ok(())
                }
                _ => Ok(()),
            };
        }
    }

    /// Makes an empty row.
    #[inline]
    pub(crate) fn with_row<'a, R>(&self, fill: impl FnOnce(&mut [Cell<'a>]) -> R) -> R {
        let mut cells = [Cell::Null; ROW_CELLS];
        match cells.get_mut(..self.fields.len()) {
            Some(cells) => fill(cells),
            None => fill(&mut vec![Cell::Null; self.fields.len()]),
        }
    }

    /// Fills a row from a record; only the fields asked for are looked at.
    ///
    /// # Errors
    ///
    /// When one of them is a text that is not UTF-8.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn fill_from_record<'a>(
        &self,
        row: &mut [Cell<'a>],
        record: &RecordView<'a>,
        texts: &'a Texts,
    ) -> Result<(), DecodeError> {
        for (cell, field) in row.iter_mut().zip(&self.fields) {
            *cell = match field {
                Field::Id => Cell::Text(&texts.id),
                Field::Ts => Cell::Time(record.ts_us()),
                Field::Kind => Cell::Text(record.kind().as_str()),
                Field::Route => Cell::Text(record.route()?),
                Field::UserId => optional(record.user_id()),
                Field::KeyId => optional(record.key_id()),
                Field::Value => {
                    record.value().map_or(Cell::Null, |value| Cell::Number(Number(value.0.into())))
                }
                Field::Method => Cell::Text(record.method()?),
                Field::Host => Cell::Text(record.host()?),
                Field::Path => Cell::Text(record.path()?),
                Field::PathCut => flag(record.path_cut()),
                Field::Status => whole(record.status().into()),
                Field::Reason => record.reason()?.map_or(Cell::Null, Cell::Text),
                Field::BytesIn => whole(record.bytes_in()),
                Field::BytesOut => whole(record.bytes_out()),
                Field::LatencyUs => whole(record.latency_us()),
                Field::Upstream => Cell::Text(record.upstream()?),
                Field::UpstreamUs => optional(record.upstream_us()),
                Field::Attempts => whole(record.attempts().into()),
                Field::Client => Cell::Text(&texts.client),
                Field::Http => Cell::Text(record.http().as_str()),
                Field::Tls => version(record.tls()?),
                Field::Sni => server_name(record.tls()?),
                Field::Resumed => resumed(record.tls()?),
                Field::ClientFingerprint => {
                    texts.client_fingerprint.as_deref().map_or(Cell::Null, Cell::Text)
                }
                Field::Trace => Cell::Text(record.trace()?),
                Field::Parent => texts.parent.as_deref().map_or(Cell::Null, Cell::Text),
                Field::Unknown => Cell::Null,
            };
        }
        Ok(())
    }

    /// Fills a row from an event.
    pub(crate) fn fill_from_event<'a>(&self, row: &mut [Cell<'a>], event: &EventRef<'a>, texts: &'a Texts) {
        for (cell, field) in row.iter_mut().zip(&self.fields) {
            *cell = match field {
                Field::Id => Cell::Text(&texts.id),
                Field::Ts => Cell::Time(event.ts_us),
                Field::Kind => Cell::Text(event.kind.as_str()),
                Field::Route => Cell::Text(event.route),
                Field::UserId => optional(event.user_id),
                Field::KeyId => optional(event.key_id),
                Field::Value => event.value.map_or(Cell::Null, |value| Cell::Number(Number(value.0.into()))),
                Field::Method => Cell::Text(event.method),
                Field::Host => Cell::Text(event.host),
                Field::Path => Cell::Text(event.path),
                Field::PathCut => flag(event.path_cut),
                Field::Status => whole(event.status.into()),
                Field::Reason => event.reason.map_or(Cell::Null, Cell::Text),
                Field::BytesIn => whole(event.bytes_in),
                Field::BytesOut => whole(event.bytes_out),
                Field::LatencyUs => whole(event.latency_us),
                Field::Upstream => Cell::Text(event.upstream),
                Field::UpstreamUs => optional(event.upstream_us),
                Field::Attempts => whole(event.attempts.into()),
                Field::Client => Cell::Text(&texts.client),
                Field::Http => Cell::Text(event.http.as_str()),
                Field::Tls => version(event.tls),
                Field::Sni => server_name(event.tls),
                Field::Resumed => resumed(event.tls),
                Field::ClientFingerprint => {
                    texts.client_fingerprint.as_deref().map_or(Cell::Null, Cell::Text)
                }
                Field::Trace => Cell::Text(event.trace),
                Field::Parent => texts.parent.as_deref().map_or(Cell::Null, Cell::Text),
                Field::Unknown => Cell::Null,
            };
        }
    }
}

#[inline]
fn whole(number: u64) -> Cell<'static> {
    Cell::Number(Number::whole(number))
}

#[inline]
fn optional(number: Option<u64>) -> Cell<'static> {
    number.map_or(Cell::Null, whole)
}

fn version(tls: Option<TlsRef<'_>>) -> Cell<'static> {
    tls.map_or(Cell::Null, |tls| Cell::Text(tls.version.as_str()))
}

fn server_name(tls: Option<TlsRef<'_>>) -> Cell<'_> {
    tls.and_then(|tls| tls.server_name).map_or(Cell::Null, Cell::Text)
}

fn resumed(tls: Option<TlsRef<'_>>) -> Cell<'static> {
    tls.map_or(Cell::Null, |tls| Cell::Bool(tls.resumed))
}

fn hex(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// As in the line of JSON, which says it only where it is true.
fn flag(is: bool) -> Cell<'static> {
    if is { Cell::Bool(true) } else { Cell::Null }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_told_of_is_one() {
        assert!(FIELDS.iter().all(|name| Field::of(name) != Field::Unknown));
    }
}
