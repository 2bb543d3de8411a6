//! Moment 2 for HTTP/2: a head that `h2` has decoded becomes a request.
//!
//! `h2` has seen to pseudo-fields, lower-case names and connection-specific fields (RFC 9113 §8.2, §8.3), and sees to it that a body
//! is as long as it says. What is left is what could become another request in HTTP/1.

use http::header::COOKIE;
use http::request::Parts;
use http1::{HeadError, HeadLimits};
use message::{Body, Known, Method, Request, Version};

/// The one protocol that extended CONNECT is offered for (RFC 8441 §5).
const WEBSOCKET: &str = "websocket";

/// Reads a head into `request`, which is cleared first; `is_whole`: nothing follows it.
///
/// # Errors
/// Any deviation that another server might read differently.
pub(crate) fn read(
    parts: &Parts,
    is_whole: bool,
    limits: &HeadLimits,
    request: &mut Request,
) -> Result<(), HeadError> {
    request.clear();
    request.version = Version::Http2;
    request.keep_alive = true;
    if parts.uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return Err(HeadError::Target);
    }
    read_method(parts, request)?;
    let said = read_fields(parts, limits, request)?;
    read_authority(parts, said.has_host, request)?;
    read_target(parts, limits, request)?;
    request.body = match said.length {
        // The client's side of a tunnel is no body.
        _ if is_whole || !request.upgrade.is_empty() => Body::Empty,
        Some(0) => Body::Empty,
        Some(length) => Body::Length(length),
        None => Body::Streamed,
    };
    request.expects_continue &= request.body != Body::Empty;
    if !request.upgrade.is_empty() {
        request.fields.set("sec-websocket-key", &websocket_key());
    }
    Ok(())
}

/// A key for the handshake of HTTP/1, which HTTP/2 does without (RFC 8441 §5): 16 random bytes in base64 (RFC 6455 §4.1).
fn websocket_key() -> [u8; 24] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut key = [0; 24];
    // Should there be no randomness, the key is still one: it only tells caches apart.
    let _ = getrandom::fill(&mut key);
    let mut key = key.map(|byte| DIGITS[usize::from(byte & 63)]);
    // The last digit has two bits, and two are missing.
    key[21] = DIGITS[usize::from(key[21] & 3) << 4];
    key[22..].fill(b'=');
    key
}

/// The method; a CONNECT for a WebSocket (RFC 8441 §4) is what a GET with `Upgrade` is in HTTP/1.
fn read_method(parts: &Parts, request: &mut Request) -> Result<(), HeadError> {
    let method = parts.method.as_str().as_bytes();
    request.method = Method::of(method);
    request.method_text = request.fields.store(method);
    if request.method == Method::Connect {
        let protocol = parts.extensions.get::<h2::ext::Protocol>();
        if parts.uri.authority().is_none() {
            return Err(HeadError::HostMissing);
        }
        if protocol.is_none_or(|protocol| protocol.as_str() != WEBSOCKET) {
            return Err(HeadError::Connect);
        }
        request.method = Method::Get;
        request.method_text = request.fields.store(b"GET");
        request.upgrade = request.fields.store(WEBSOCKET.as_bytes());
    }
    Ok(())
}

/// What the fields say that do not go on as fields.
struct Said {
    has_host: bool,
    length: Option<u64>,
}

fn read_fields(parts: &Parts, limits: &HeadLimits, request: &mut Request) -> Result<Said, HeadError> {
    let mut said = Said { has_host: false, length: None };
    if parts.headers.len() > limits.fields {
        return Err(HeadError::TooManyFields);
    }
    let (mut bytes, mut cookies) = (0, 0);
    for (name, value) in &parts.headers {
        let (name, value) = (name.as_str(), value.as_bytes());
        bytes += name.len() + value.len() + 4;
        if bytes > limits.head_bytes {
            return Err(HeadError::TooLarge);
        }
        // RFC 9113 §8.2.1
        if value.trim_ascii().len() != value.len() {
            return Err(HeadError::FieldValue);
        }
        let known = Known::of(name.as_bytes());
        match known {
            Known::Host if said.has_host => return Err(HeadError::HostRepeated),
            Known::Host => {
                said.has_host = true;
                request.authority = request.fields.store(value);
            }
            Known::ContentLength if said.length.is_some() => return Err(HeadError::ContentLengthRepeated),
            Known::ContentLength => {
                said.length = Some(http1::parse_length(value).ok_or(HeadError::ContentLength)?)
            }
            Known::Te => request.takes_trailers = value.eq_ignore_ascii_case(b"trailers"),
            Known::FramingLookalike => return Err(HeadError::FieldName),
            // RFC 9113 §8.2.2
            Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade => return Err(HeadError::FieldName),
            // Between a client and its proxy, or what looks like a field of the gateway's: dropped, as in HTTP/1.
            _ if known.is_connection_level() => {}
            _ if name == COOKIE.as_str() => cookies += 1,
            _ => {
                request.expects_continue |=
                    known == Known::Expect && value.eq_ignore_ascii_case(b"100-continue");
                request.fields.append_known(known, name, value);
            }
        }
    }
    if cookies > 0 {
        // Whoever reads them may know of one field only (RFC 9113 §8.2.3).
        let crumbs = parts.headers.get_all(COOKIE).iter().map(|crumb| crumb.as_bytes());
        // One that is empty would leave a space at an end of the value.
        let crumbs: Vec<_> = crumbs.filter(|crumb| !crumb.is_empty()).collect();
        request.fields.append_known(Known::Other, COOKIE.as_str(), &crumbs.join(&b"; "[..]));
    }
    Ok(said)
}

/// `:authority`, or `Host` where there is none; where both are, they agree (RFC 9113 §8.3.1).
fn read_authority(parts: &Parts, has_host: bool, request: &mut Request) -> Result<(), HeadError> {
    let authority = match parts.uri.authority() {
        Some(authority) => {
            let authority = authority.as_str().as_bytes();
            if has_host && !request.fields.bytes(request.authority).eq_ignore_ascii_case(authority) {
                return Err(HeadError::HostMalformed);
            }
            request.fields.store(authority)
        }
        None if has_host => request.authority,
        None => return Err(HeadError::HostMissing),
    };
    if request.read_authority(authority) { Ok(()) } else { Err(HeadError::HostMalformed) }
}

fn read_target(parts: &Parts, limits: &HeadLimits, request: &mut Request) -> Result<(), HeadError> {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    if target.len() > limits.target_bytes {
        return Err(HeadError::TargetTooLong);
    }
    let span = request.fields.store(target.as_bytes());
    http1::read_origin_form(target.as_bytes(), span.start as usize, request)
}
