//! `grpc.health.v1.Health/Check`, the bytes of it: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.

use crate::upstream::Finding;

/// Path of the call.
pub(super) const PATH: &str = "/grpc.health.v1.Health/Check";
/// What is said of a server without the health service. By gRPC's own rule for clients it counts as healthy, as if nobody had asked
/// (<https://github.com/grpc/proposal/blob/master/A17-client-side-health-checking.md>).
pub(super) const UNIMPLEMENTED: &str = "UNIMPLEMENTED: the server has no health service";

/// Length of what stands before each message: whether it is compressed, and how long it is.
const PREFIX_BYTES: usize = 5;

/// A `HealthCheckRequest` for a service, with its prefix.
pub(super) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        // Field 1, of a length.
        message.push(0x0a);
        put_varint(service.len() as u64, &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let mut framed = vec![0];
    // A service has at most some hundred bytes.
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.append(&mut message);
    framed
}

/// What an answer says, by its `grpc-status` and the bytes of its body.
pub(super) fn judge(status: Option<&[u8]>, body: &[u8]) -> Finding {
    let status =
        match status.map(|status| std::str::from_utf8(status).ok().and_then(|text| text.parse().ok())) {
            Some(Some(status)) => status,
            Some(None) => return Finding::failed("a grpc-status that is no number"),
            None => return Finding::failed("no grpc-status"),
        };
    match status {
        0 => match serving_status(body) {
            Some(1) => Finding::passed("SERVING"),
            Some(0) => Finding::failed("UNKNOWN"),
            Some(2) => Finding::failed("NOT_SERVING"),
            Some(3) => Finding::failed("SERVICE_UNKNOWN"),
            Some(other) => Finding::failed(format!("serving status {other}")),
            None => Finding::failed("a malformed HealthCheckResponse"),
        },
        5 => Finding::failed("NOT_FOUND: the server does not know the service"),
        12 => Finding::passed(UNIMPLEMENTED),
        other => Finding::failed(format!("grpc-status {other}{}", NAMES.get(other as usize).unwrap_or(&""))),
    }
}

/// Names of the statuses that are met here: <https://grpc.github.io/grpc/core/md_doc_statuscodes.html>.
const NAMES: [&str; 17] = [
    "",
    " CANCELLED",
    " UNKNOWN",
    " INVALID_ARGUMENT",
    " DEADLINE_EXCEEDED",
    "",
    " ALREADY_EXISTS",
    " PERMISSION_DENIED",
    " RESOURCE_EXHAUSTED",
    " FAILED_PRECONDITION",
    " ABORTED",
    " OUT_OF_RANGE",
    "",
    " INTERNAL",
    " UNAVAILABLE",
    " DATA_LOSS",
    " UNAUTHENTICATED",
];

/// `status` of the one `HealthCheckResponse` in a body; 0 where it is left out. `None`: there is no such message.
fn serving_status(body: &[u8]) -> Option<u64> {
    let (prefix, mut message) = body.split_at_checked(PREFIX_BYTES)?;
    let (compressed, length) = prefix.split_first()?;
    // No compression was offered.
    if *compressed != 0 || u32::from_be_bytes(length.try_into().ok()?) as usize != message.len() {
        return None;
    }
    let mut status = 0;
    while !message.is_empty() {
        // Of several values the last one holds; fields of later versions are passed over.
        match take_varint(&mut message)? {
            0x08 => status = take_varint(&mut message)?,
            // Field 1 as anything but a number, or field 0.
            0..=0x0f => return None,
            other => match other & 7 {
                0 => {
                    take_varint(&mut message)?;
                }
                length_type => {
                    let length = match length_type {
                        1 => 8,
                        2 => usize::try_from(take_varint(&mut message)?).ok()?,
                        5 => 4,
                        _ => return None,
                    };
                    take(&mut message, length)?;
                }
            },
        }
    }
    Some(status)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// Seven bits in each byte, the lowest first.
fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests;
