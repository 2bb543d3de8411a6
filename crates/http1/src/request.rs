//! A request head: from bytes to a [`message::Request`].

use std::mem::MaybeUninit;

use message::{Body, Method, Request, Span, Version};

use crate::lines::{Lines, elements, ends_are_strict};
use crate::{HeadError, HeadLimits};

/// Reads a request head from the front of `buffer` into `request`, which is cleared first.
///
/// Answers how many bytes the head took, or `None` when it is not complete.
///
/// # Errors
/// Any deviation from RFC 9112 that another server might read differently.
pub fn parse_request(
    buffer: &[u8],
    limits: &HeadLimits,
    request: &mut Request,
) -> Result<Option<usize>, HeadError> {
    let skipped = leading_empty_lines(buffer)?;
    let bytes = &buffer[skipped..];
    let mut slots = [const { MaybeUninit::uninit() }; HeadLimits::FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let slots = &mut slots[..limits.fields.min(HeadLimits::FIELDS_MAX)];
    match parsed.parse_with_uninit_headers(bytes, slots) {
        Ok(httparse::Status::Complete(length)) if length <= limits.head_bytes => {
            read(&parsed, &bytes[..length], limits, request)?;
            Ok(Some(skipped + length))
        }
        Ok(httparse::Status::Complete(_)) => Err(HeadError::TooLarge),
        Ok(httparse::Status::Partial) => incomplete(bytes, limits),
        Err(httparse::Error::Version) => version_fault(bytes, limits),
        Err(error) => Err(refusal(error)),
    }
}

/// A server ignores an empty line or two before a request line (RFC 9112 §2.2), but no other line end.
fn leading_empty_lines(buffer: &[u8]) -> Result<usize, HeadError> {
    let skipped =
        [0, 2].into_iter().take_while(|&at| buffer[at.min(buffer.len())..].starts_with(b"\r\n")).count() * 2;
    match buffer.get(skipped..) {
        Some([b'\n', ..] | [b'\r', _, ..]) => Err(HeadError::LineEnd),
        _ => Ok(skipped),
    }
}

fn incomplete(bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
    if bytes.len() > limits.target_bytes && memchr::memchr(b'\n', bytes).is_none() {
        return Err(HeadError::TargetTooLong);
    }
    if bytes.len() >= limits.head_bytes {
        return Err(HeadError::TooLarge);
    }
    // A lone line feed or carriage return will not get better; only the very last byte may be half of a line end.
    let whole = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if ends_are_strict(whole) { Ok(None) } else { Err(HeadError::LineEnd) }
}

/// What is wrong with a version that is not spoken here: nothing can be said before its line is whole.
fn version_fault(bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
    match memchr::memchr2(b'\r', b'\n', bytes) {
        None => incomplete(bytes, limits),
        Some(end) if names_version(&bytes[..end]) => Err(HeadError::Version),
        Some(_) => Err(HeadError::RequestLine),
    }
}

/// Whether a request line ends in `HTTP/` DIGIT `.` DIGIT (RFC 9112 §2.3), be it a version that is spoken here or not.
fn names_version(line: &[u8]) -> bool {
    let mut words = line.split(|&byte| byte == b' ').skip(2);
    let version = words.next().and_then(|word| word.strip_prefix(b"HTTP/"));
    matches!(version, Some([major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit())
        && words.next().is_none()
}

fn refusal(error: httparse::Error) -> HeadError {
    match error {
        httparse::Error::HeaderName => HeadError::FieldName,
        httparse::Error::HeaderValue => HeadError::FieldValue,
        httparse::Error::NewLine => HeadError::LineEnd,
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        httparse::Error::Version | httparse::Error::Status | httparse::Error::Token => HeadError::RequestLine,
    }
}

fn read(
    parsed: &httparse::Request<'_, '_>,
    head: &[u8],
    limits: &HeadLimits,
    request: &mut Request,
) -> Result<(), HeadError> {
    request.clear();
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(HeadError::RequestLine);
    };
    if !head.ends_with(b"\r\n\r\n") || !request_line_is_strict(head, method.len() + target.len()) {
        return Err(HeadError::LineEnd);
    }
    if target.len() > limits.target_bytes {
        return Err(HeadError::TargetTooLong);
    }
    request.version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    request.method = Method::of(method.as_bytes());
    if request.method == Method::Connect {
        return Err(HeadError::Connect);
    }
    request.fields.store(head);
    request.method_text = Span::new(0, method.len());
    let lines = Lines::read(parsed.headers, head, &mut request.fields)?;
    read_framing(&lines, request)?;
    read_target(
        Target { head, start: method.len() + 1, end: method.len() + 1 + target.len() },
        &lines,
        request,
    )
}

/// The request line is `method SP target SP HTTP/1.x CR LF`, with nothing more between (RFC 9112 §3).
fn request_line_is_strict(head: &[u8], method_and_target: usize) -> bool {
    let version = method_and_target + 2;
    head.get(version..version + 5) == Some(b"HTTP/") && head.get(version + 8..version + 10) == Some(b"\r\n")
}

fn read_framing(lines: &Lines, request: &mut Request) -> Result<(), HeadError> {
    let modern = request.version == Version::Http11;
    if lines.chunked && !modern {
        return Err(HeadError::TransferEncodingVersion);
    }
    request.body = lines.body(Body::Empty)?;
    request.keep_alive = !lines.close && (modern || lines.keep_alive);
    request.expects_continue = lines.expects_continue && modern && request.body != Body::Empty;
    request.takes_trailers = lines.takes_trailers;
    if let Some(upgrade) = lines.upgrade.filter(|_| lines.upgrade_listed && modern)
        && may_upgrade_to(request.fields.bytes(upgrade))
    {
        request.upgrade = upgrade;
    }
    Ok(())
}

/// Whether an Upgrade is a list of protocols (RFC 9110 §7.8) without `h2c`, which would let a client speak a second protocol past
/// the gateway's eyes (RFC 9113 §3.1 withdrew it).
fn may_upgrade_to(upgrade: &[u8]) -> bool {
    elements(upgrade).all(|protocol| {
        let is_h2c = protocol.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"h2c"));
        !is_h2c && protocol.split(|&byte| byte == b'/').all(message::is_token)
    })
}

/// A request target, or the rest of one, as a part of its head. The head's bytes stand in the request's arena at the same place.
#[derive(Clone, Copy)]
struct Target<'h> {
    head: &'h [u8],
    start: usize,
    end: usize,
}

impl<'h> Target<'h> {
    fn bytes(self) -> &'h [u8] {
        self.head.get(self.start..self.end).unwrap_or_default()
    }
}

/// Splits the target into host, path and query (RFC 9112 §3.2).
fn read_target(target: Target<'_>, lines: &Lines, request: &mut Request) -> Result<(), HeadError> {
    match lines.host {
        Some(host) if request.read_authority(host) => {}
        Some(_) => return Err(HeadError::HostMalformed),
        None if request.version == Version::Http11 => return Err(HeadError::HostMissing),
        None => {}
    }
    match target.bytes() {
        bytes @ (b"*" | [b'/', ..]) => read_origin_form(bytes, target.start, request),
        _ => read_absolute(target, request),
    }
}

/// Reads a target that says no more than what is asked for at a host: a path with its query, or `*` with OPTIONS (RFC 9112 §3.2.1,
/// §3.2.4). Its bytes stand in the request's arena from `start` on.
///
/// # Errors
/// When it is another, or one that no URL has.
pub fn read_origin_form(bytes: &[u8], start: usize, request: &mut Request) -> Result<(), HeadError> {
    match bytes {
        b"*" if request.method == Method::Options => read_asterisk(request),
        [b'/', ..] => read_path(bytes, start, request),
        _ => Err(HeadError::Target),
    }
}

/// The asterisk form: the server as a whole (RFC 9112 §3.2.4).
fn read_asterisk(request: &mut Request) -> Result<(), HeadError> {
    request.asterisk = true;
    request.path = request.fields.store(b"/");
    Ok(())
}

/// The absolute form: its authority wins over Host (RFC 9112 §3.2.2).
fn read_absolute(target: Target<'_>, request: &mut Request) -> Result<(), HeadError> {
    let bytes = target.bytes();
    let scheme = match bytes {
        _ if starts_ignoring_case(bytes, b"http://") => 7,
        _ if starts_ignoring_case(bytes, b"https://") => 8,
        _ => return Err(HeadError::Target),
    };
    let rest = &bytes[scheme..];
    let length = rest.iter().position(|&b| b == b'/' || b == b'?').unwrap_or(rest.len());
    if length == 0 {
        return Err(HeadError::Target);
    }
    let at = target.start + scheme;
    if !request.read_authority(Span::new(at, at + length)) {
        return Err(HeadError::Target);
    }
    if length == rest.len() && request.method == Method::Options {
        // Without a path it asks about the server as a whole, and the last proxy says so by `*` (RFC 9112 §3.2.4).
        return read_asterisk(request);
    }
    read_path(&rest[length..], at + length, request)
}

fn starts_ignoring_case(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn read_path(bytes: &[u8], start: usize, request: &mut Request) -> Result<(), HeadError> {
    let cut = memchr::memchr(b'?', bytes);
    let raw = &bytes[..cut.unwrap_or(bytes.len())];
    if let Some(cut) = cut {
        // A query is sent on as it came, so it has to be what RFC 3986 §3.4 allows, or nearly: visible ASCII without `#`.
        if !bytes[cut + 1..].iter().all(|&byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(HeadError::Target);
        }
        request.has_query = true;
        request.query = Span::new(start + cut + 1, start + bytes.len());
    }
    let mut encoded_slash = false;
    request.path = request.fields.store_with(|arena| {
        let facts = policy::normalize_path(raw, arena).map_err(|_| HeadError::Target)?;
        encoded_slash = facts.encoded_slash;
        Ok(())
    })?;
    request.encoded_slash = encoded_slash;
    Ok(())
}
