//! A record as one line of JSON, for people and tools.

use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::IpAddr;

use crate::{EventId, EventRef, HttpVersion, Kind, Timestamp, TlsRef, decimal};

impl Kind {
    /// The word of this kind: `done`, `part` or `cut`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Part => "part",
            Self::Cut => "cut",
        }
    }
}

impl HttpVersion {
    /// The number of the version: `1.0`, `1.1`, `2` or `3`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
            Self::Http3 => "3",
        }
    }
}

/// Appends `event` as one line of JSON and a line feed.
///
/// The fields come always, in one order; what is not known is `null`, or an empty string for `route`, `upstream` and `trace`. A path
/// that was cut is followed by `"path_cut":true`, a version of TLS by `sni`, `resumed` and `client_fingerprint`.
pub fn write_ndjson(event: &EventRef<'_>, out: &mut Vec<u8>) {
    out.reserve(512);
    out.extend_from_slice(b"{\"id\":");
    write_id(event.id, out);
    out.extend_from_slice(b",\"ts\":\"");
    Timestamp::from_unix_us(event.ts_us).write_rfc3339(out);
    out.extend_from_slice(b"\",\"kind\":\"");
    out.extend_from_slice(event.kind.as_str().as_bytes());
    out.push(b'"');
    text("route", event.route, out);
    optional("user_id", event.user_id, out);
    optional("key_id", event.key_id, out);
    name("value", out);
    match event.value {
        Some(value) => value.write_decimal(out),
        None => out.extend_from_slice(b"null"),
    }
    text("method", event.method, out);
    text("host", event.host, out);
    text("path", event.path, out);
    if event.path_cut {
        out.extend_from_slice(b",\"path_cut\":true");
    }
    number("status", event.status.into(), out);
    optional_text("reason", event.reason, out);
    number("bytes_in", event.bytes_in, out);
    number("bytes_out", event.bytes_out, out);
    number("latency_us", event.latency_us, out);
    text("upstream", event.upstream, out);
    optional("upstream_us", event.upstream_us, out);
    number("attempts", event.attempts.into(), out);
    name("client", out);
    write_address(event.client, out);
    text("http", event.http.as_str(), out);
    match &event.tls {
        Some(tls) => write_tls(tls, out),
        None => out.extend_from_slice(b",\"tls\":null"),
    }
    text("trace", event.trace, out);
    name("parent", out);
    match event.parent {
        Some(parent) => write_id(parent, out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b"}\n");
}

fn name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(field: &str, text: &str, out: &mut Vec<u8>) {
    name(field, out);
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

fn optional_text(field: &str, value: Option<&str>, out: &mut Vec<u8>) {
    match value {
        Some(value) => text(field, value, out),
        None => {
            name(field, out);
            out.extend_from_slice(b"null");
        }
    }
}

fn number(field: &str, number: u64, out: &mut Vec<u8>) {
    name(field, out);
    decimal::write_u64(number, out);
}

fn optional(field: &str, value: Option<u64>, out: &mut Vec<u8>) {
    match value {
        Some(value) => number(field, value, out),
        None => {
            name(field, out);
            out.extend_from_slice(b"null");
        }
    }
}

fn write_tls(tls: &TlsRef<'_>, out: &mut Vec<u8>) {
    text("tls", tls.version.as_str(), out);
    optional_text("sni", tls.server_name, out);
    name("resumed", out);
    out.extend_from_slice(if tls.resumed { b"true".as_slice() } else { b"false" });
    name("client_fingerprint", out);
    match tls.client_fingerprint {
        Some(fingerprint) => {
            out.push(b'"');
            fingerprint.iter().for_each(|&byte| decimal::write_hex(byte.into(), 2, out));
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

fn write_id(id: EventId, out: &mut Vec<u8>) {
    out.push(b'"');
    decimal::write_hex(id.node, 16, out);
    for part in [id.boot.into(), id.worker.into(), id.sequence] {
        out.push(b'-');
        decimal::write_hex(part, 1, out);
    }
    out.push(b'"');
}

fn write_address(address: IpAddr, out: &mut Vec<u8>) {
    out.push(b'"');
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                decimal::write_u64(octet.into(), out);
            }
        }
        IpAddr::V6(address) => {
            // The rules of RFC 5952 are worth more than the few nanoseconds of `fmt`; writing to memory cannot fail.
            let _ = write!(Bytes(out), "{address}");
        }
    }
    out.push(b'"');
}

/// Appends the inside of a JSON string (RFC 8259, section 7).
///
/// DEL and the two line separators of Unicode are escaped too: a terminal or a script that reads lines must not trip over them.
fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let length = match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f => 1,
            // U+2028 and U+2029, and the control characters U+0080 to U+009F.
            0xe2 if matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])) => 3,
            0xc2 if matches!(bytes.get(at + 1), Some(0x80..=0x9f)) => 2,
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..at]);
        write_escape(&bytes[at..at + length], out);
        done = at + length;
    }
    out.extend_from_slice(&bytes[done..]);
}

/// Appends the escape of one character, given in UTF-8.
fn write_escape(character: &[u8], out: &mut Vec<u8>) {
    let code: u64 = match *character {
        [b'"'] => return out.extend_from_slice(b"\\\""),
        [b'\\'] => return out.extend_from_slice(b"\\\\"),
        [b'\n'] => return out.extend_from_slice(b"\\n"),
        [b'\r'] => return out.extend_from_slice(b"\\r"),
        [b'\t'] => return out.extend_from_slice(b"\\t"),
        [control] => control.into(),
        [0xc2, low] => low.into(),
        _ => 0x2000 | u64::from(character[character.len() - 1] & 0x3f),
    };
    out.extend_from_slice(b"\\u");
    decimal::write_hex(code, 4, out);
}

/// Lets `fmt` write to the end of a vector.
struct Bytes<'a>(&'a mut Vec<u8>);

impl core::fmt::Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
