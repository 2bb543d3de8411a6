//! A record as bytes: what the ring and the segments hold.
//!
//! Little endian, no padding between texts. A record of a request in clear text is of version 1; one of a request that came by TLS is of version 2:
//! the same, and behind it what TLS has shown (see `tls`). So what was written before there was a version 2 is read as ever.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | format version |
//! | 1 | 1 | kind: 0 done, 1 part, 2 cut |
//! | 2 | 1 | protocol: 0 HTTP/1.0, 1 HTTP/1.1, 2 HTTP/2, 3 HTTP/3 |
//! | 3 | 1 | flags, see `flag` |
//! | 4 | 2 + 2 | status, worker |
//! | 8 | 8 + 4 + 4 | node, boot, attempts |
//! | 24 | 8 × 9 | sequence, ts_us, user_id, key_id, value, bytes_in, bytes_out, latency_us, upstream_us |
//! | 96 | 1 × 6 + 2 | lengths of route, method, host, upstream, reason, trace; of path |
//! | 104 | 16 | client: IPv6, or IPv4 and twelve zeros |
//! | 120 | 24 | only with a parent: its node, sequence, boot, worker, two zeros |
//! | then | … | route, method, host, upstream, reason, trace, path |
//! | then | … | only in version 2: TLS |

mod tls;
mod view;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use tls::SERVER_NAME_BYTES_MAX;
pub use view::RecordView;

use self::tls::{TLS_FIXED_BYTES_MAX, put_tls, tls_bytes};
use crate::{EventId, EventRef, HttpVersion, Kind, Value};

/// First byte of a record without TLS.
pub const FORMAT_VERSION: u8 = 1;
/// First byte of a record with TLS.
pub const FORMAT_VERSION_TLS: u8 = 2;
/// Longest route name kept, bytes; longer texts are cut at a character.
pub const ROUTE_BYTES_MAX: usize = 255;
/// Longest method kept, bytes.
pub const METHOD_BYTES_MAX: usize = 255;
/// Longest host kept, bytes.
pub const HOST_BYTES_MAX: usize = 255;
/// Longest upstream endpoint kept, bytes.
pub const UPSTREAM_BYTES_MAX: usize = 255;
/// Longest reason kept, bytes.
pub const REASON_BYTES_MAX: usize = 255;
/// Longest trace id kept, bytes.
pub const TRACE_BYTES_MAX: usize = 64;
/// Longest path kept, bytes; a longer one is cut and flagged.
pub const PATH_BYTES_MAX: usize = 1024;
/// Size of the largest possible record, bytes.
pub const RECORD_BYTES_MAX: usize = FIXED_BYTES_MAX
    + ROUTE_BYTES_MAX
    + METHOD_BYTES_MAX
    + HOST_BYTES_MAX
    + UPSTREAM_BYTES_MAX
    + REASON_BYTES_MAX
    + TRACE_BYTES_MAX
    + PATH_BYTES_MAX
    + SERVER_NAME_BYTES_MAX;

/// Size of a record without its texts, at most; bytes.
pub const FIXED_BYTES_MAX: usize = FIXED_BYTES + PARENT_BYTES + TLS_FIXED_BYTES_MAX;

const FIXED_BYTES: usize = 120;
const PARENT_BYTES: usize = 24;

/// Bits of the fourth byte.
mod flag {
    pub(super) const PARENT: u8 = 1;
    pub(super) const PATH_CUT: u8 = 1 << 1;
    pub(super) const USER: u8 = 1 << 2;
    pub(super) const KEY: u8 = 1 << 3;
    pub(super) const VALUE: u8 = 1 << 4;
    pub(super) const REASON: u8 = 1 << 5;
    pub(super) const UPSTREAM_US: u8 = 1 << 6;
    pub(super) const CLIENT_V6: u8 = 1 << 7;
}

/// Bytes that are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Written by another version of the format.
    Version(u8),
    /// Fewer bytes than the record says it has.
    Truncated,
    /// More bytes than the record says it has.
    TrailingBytes,
    /// A field holds a number that means nothing.
    Field(&'static str),
    /// The texts are not UTF-8.
    Text,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "record format {version} is not known here"),
            Self::Truncated => f.write_str("record ends too early"),
            Self::TrailingBytes => f.write_str("bytes follow the end of the record"),
            Self::Field(name) => write!(f, "record has an impossible `{name}`"),
            Self::Text => f.write_str("record holds texts that are not UTF-8"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// The texts of a record as they are written: each within its limit.
struct Texts<'a> {
    route: &'a str,
    method: &'a str,
    host: &'a str,
    upstream: &'a str,
    reason: &'a str,
    trace: &'a str,
    path: &'a str,
}

impl<'a> Texts<'a> {
    #[inline]
    fn of(event: &EventRef<'a>) -> Self {
        Self {
            route: cut(event.route, ROUTE_BYTES_MAX),
            method: cut(event.method, METHOD_BYTES_MAX),
            host: cut(event.host, HOST_BYTES_MAX),
            upstream: cut(event.upstream, UPSTREAM_BYTES_MAX),
            reason: cut(event.reason.unwrap_or(""), REASON_BYTES_MAX),
            trace: cut(event.trace, TRACE_BYTES_MAX),
            path: cut(event.path, PATH_BYTES_MAX),
        }
    }

    #[inline]
    fn bytes(&self) -> usize {
        self.route.len()
            + self.method.len()
            + self.host.len()
            + self.upstream.len()
            + self.reason.len()
            + self.trace.len()
            + self.path.len()
    }
}

#[inline]
fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max { text } else { cut_long(text, bytes_max) }
}

#[cold]
fn cut_long(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// The number of bytes [`encode`] will write.
#[inline]
#[must_use]
pub fn encoded_len(event: &EventRef<'_>) -> usize {
    fixed_bytes(event.parent.is_some()) + Texts::of(event).bytes() + event.tls.as_ref().map_or(0, tls_bytes)
}

#[inline]
fn fixed_bytes(has_parent: bool) -> usize {
    FIXED_BYTES + if has_parent { PARENT_BYTES } else { 0 }
}

/// Writes `event` to the front of `out` and returns the number of bytes written, [`encoded_len`].
///
/// Texts beyond their limits are cut at a character; a cut path is flagged.
///
/// # Panics
///
/// When `out` is shorter than [`encoded_len`]; [`RECORD_BYTES_MAX`] is always enough.
#[inline]
pub fn encode(event: &EventRef<'_>, out: &mut [u8]) -> usize {
    let texts = Texts::of(event);
    let start = fixed_bytes(event.parent.is_some());
    let length = start + texts.bytes();
    let (plain, rest) = out.split_at_mut(length);
    put_fixed(event, &texts, plain);
    if let Some(parent) = event.parent {
        put_parent(parent, &mut plain[FIXED_BYTES..start]);
    }
    put_texts(&texts, &mut plain[start..]);
    // Once and at the end, so that a record in clear text costs one look.
    match &event.tls {
        None => length,
        Some(tls) => {
            plain[0] = FORMAT_VERSION_TLS;
            length + put_tls(tls, rest)
        }
    }
}

#[inline]
fn put_texts(texts: &Texts<'_>, mut rest: &mut [u8]) {
    for text in [texts.route, texts.method, texts.host, texts.upstream, texts.reason, texts.trace, texts.path]
    {
        let (place, after) = rest.split_at_mut(text.len());
        place.copy_from_slice(text.as_bytes());
        rest = after;
    }
}

#[inline]
fn put_fixed(event: &EventRef<'_>, texts: &Texts<'_>, out: &mut [u8]) {
    let out: &mut [u8; FIXED_BYTES] = out.first_chunk_mut().expect("the caller made room for the fixed part");
    out[0] = FORMAT_VERSION;
    out[1] = event.kind as u8;
    out[2] = event.http as u8;
    out[3] = flags(event, texts);
    out[4..6].copy_from_slice(&event.status.to_le_bytes());
    out[6..8].copy_from_slice(&event.id.worker.to_le_bytes());
    out[8..16].copy_from_slice(&event.id.node.to_le_bytes());
    out[16..20].copy_from_slice(&event.id.boot.to_le_bytes());
    out[20..24].copy_from_slice(&event.attempts.to_le_bytes());
    out[24..32].copy_from_slice(&event.id.sequence.to_le_bytes());
    out[32..40].copy_from_slice(&event.ts_us.to_le_bytes());
    out[40..48].copy_from_slice(&event.user_id.unwrap_or(0).to_le_bytes());
    out[48..56].copy_from_slice(&event.key_id.unwrap_or(0).to_le_bytes());
    out[56..64].copy_from_slice(&event.value.unwrap_or(Value::ZERO).0.to_le_bytes());
    out[64..72].copy_from_slice(&event.bytes_in.to_le_bytes());
    out[72..80].copy_from_slice(&event.bytes_out.to_le_bytes());
    out[80..88].copy_from_slice(&event.latency_us.to_le_bytes());
    out[88..96].copy_from_slice(&event.upstream_us.unwrap_or(0).to_le_bytes());
    out[96] = texts.route.len() as u8;
    out[97] = texts.method.len() as u8;
    out[98] = texts.host.len() as u8;
    out[99] = texts.upstream.len() as u8;
    out[100] = texts.reason.len() as u8;
    out[101] = texts.trace.len() as u8;
    out[102..104].copy_from_slice(&(texts.path.len() as u16).to_le_bytes());
    let client = match event.client {
        IpAddr::V4(address) => u128::from(u32::from_le_bytes(address.octets())).to_le_bytes(),
        IpAddr::V6(address) => address.octets(),
    };
    out[104..120].copy_from_slice(&client);
}

#[inline]
fn flags(event: &EventRef<'_>, texts: &Texts<'_>) -> u8 {
    let set = |bit: u8, on: bool| if on { bit } else { 0 };
    set(flag::PARENT, event.parent.is_some())
        | set(flag::PATH_CUT, event.path_cut || texts.path.len() < event.path.len())
        | set(flag::USER, event.user_id.is_some())
        | set(flag::KEY, event.key_id.is_some())
        | set(flag::VALUE, event.value.is_some())
        | set(flag::REASON, event.reason.is_some())
        | set(flag::UPSTREAM_US, event.upstream_us.is_some())
        | set(flag::CLIENT_V6, event.client.is_ipv6())
}

fn put_parent(parent: EventId, out: &mut [u8]) {
    out[..8].copy_from_slice(&parent.node.to_le_bytes());
    out[8..16].copy_from_slice(&parent.sequence.to_le_bytes());
    out[16..20].copy_from_slice(&parent.boot.to_le_bytes());
    out[20..22].copy_from_slice(&parent.worker.to_le_bytes());
    out[22..24].copy_from_slice(&[0, 0]);
}

/// Reads a record back; `bytes` holds exactly one.
///
/// # Errors
///
/// When the bytes are not a record of a version known here; nothing in them can make this panic.
pub fn decode(bytes: &[u8]) -> Result<EventRef<'_>, DecodeError> {
    let record = RecordView::parse(bytes)?;
    let [route, method, host, upstream, reason, trace, path] = texts_of(&record)?;
    Ok(EventRef {
        id: record.id(),
        parent: record.parent(),
        kind: record.kind(),
        ts_us: record.ts_us(),
        route,
        method,
        host,
        upstream,
        reason: record.has_reason().then_some(reason),
        trace,
        path,
        user_id: record.user_id(),
        key_id: record.key_id(),
        value: record.value(),
        path_cut: record.path_cut(),
        status: record.status(),
        bytes_in: record.bytes_in(),
        bytes_out: record.bytes_out(),
        latency_us: record.latency_us(),
        upstream_us: record.upstream_us(),
        attempts: record.attempts(),
        client: record.client(),
        http: record.http(),
        tls: record.tls()?,
    })
}

/// The texts in their order; they are checked for UTF-8 once, as one.
fn texts_of<'a>(record: &RecordView<'a>) -> Result<[&'a str; 7], DecodeError> {
    let (bytes, lengths) = record.texts();
    let mut rest = core::str::from_utf8(bytes).map_err(|_| DecodeError::Text)?;
    let mut texts = [""; 7];
    for (text, length) in texts.iter_mut().zip(lengths) {
        (*text, rest) = rest.split_at_checked(length).ok_or(DecodeError::Text)?;
    }
    Ok(texts)
}

/// The few fields that indexes are made of, read without looking at the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'a> {
    /// What the record says.
    pub kind: Kind,
    /// When the record was made, microseconds since 1970-01-01T00:00:00Z.
    pub ts_us: u64,
    /// The user asking.
    pub user_id: Option<u64>,
    /// Route name as bytes, not yet known to be UTF-8.
    pub route: &'a [u8],
}

/// Reads only what a [`Glance`] holds.
///
/// # Errors
///
/// When the fixed part of the record is damaged; the texts are not looked at.
#[inline]
pub fn glance(bytes: &[u8]) -> Result<Glance<'_>, DecodeError> {
    let fixed = fixed_part(bytes)?;
    let texts = fixed_bytes(fixed[3] & flag::PARENT != 0);
    Ok(Glance {
        kind: kind_of(fixed[1])?,
        ts_us: u64_at(fixed, 32),
        user_id: (fixed[3] & flag::USER != 0).then(|| u64_at(fixed, 40)),
        route: bytes.get(texts..texts + usize::from(fixed[96])).ok_or(DecodeError::Truncated)?,
    })
}

#[inline]
fn fixed_part(bytes: &[u8]) -> Result<&[u8; FIXED_BYTES], DecodeError> {
    match bytes.first() {
        None => Err(DecodeError::Truncated),
        Some(&(FORMAT_VERSION | FORMAT_VERSION_TLS)) => bytes.first_chunk().ok_or(DecodeError::Truncated),
        Some(&version) => Err(DecodeError::Version(version)),
    }
}

#[inline]
fn kind_of(byte: u8) -> Result<Kind, DecodeError> {
    match byte {
        0 => Ok(Kind::Done),
        1 => Ok(Kind::Part),
        2 => Ok(Kind::Cut),
        _ => Err(DecodeError::Field("kind")),
    }
}

#[inline]
fn http_of(byte: u8) -> Result<HttpVersion, DecodeError> {
    match byte {
        0 => Ok(HttpVersion::Http10),
        1 => Ok(HttpVersion::Http11),
        2 => Ok(HttpVersion::Http2),
        3 => Ok(HttpVersion::Http3),
        _ => Err(DecodeError::Field("http")),
    }
}

fn client_of(fixed: &[u8; FIXED_BYTES]) -> IpAddr {
    let octets: [u8; 16] = *fixed.last_chunk().expect("the fixed part ends with the client's sixteen bytes");
    if fixed[3] & flag::CLIENT_V6 != 0 {
        IpAddr::V6(Ipv6Addr::from(octets))
    } else {
        IpAddr::V4(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
    }
}

fn parent_of(parent: &[u8; PARENT_BYTES]) -> EventId {
    EventId {
        node: u64_at(parent, 0),
        sequence: u64_at(parent, 8),
        boot: u32_at(parent, 16),
        worker: u16_at(parent, 20),
    }
}

#[inline]
fn u16_at<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

#[inline]
fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("offsets are constants within the array"))
}

#[inline]
fn u64_at<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("offsets are constants within the array"))
}

#[cfg(test)]
mod tests;
