//! Start lines and fields, one line at a time.

use super::{Fault, Framing, Parsed};

/// Method, target and version of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// Method, case kept.
    pub method: String,
    /// Target as sent.
    pub target: String,
    /// Minor version of HTTP/1.
    pub minor: u8,
}

/// Version, status and reason of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// Minor version of HTTP/1.
    pub minor: u8,
    /// Status.
    pub status: u16,
    /// Reason phrase, possibly empty.
    pub reason: String,
}

/// Header or trailer fields in order, bytes mapped one to one to characters (Latin-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// Values of all fields of that name, case ignored.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect()
    }

    /// Value of the first field of that name.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Whether a field of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Whether a comma-separated list field holds a token, case ignored.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name).iter().flat_map(|v| v.split(',')).any(|t| t.trim().eq_ignore_ascii_case(token))
    }
}

/// Parses request line and fields, with the checks that need no body.
pub fn request_head(bytes: &[u8]) -> Parsed<(RequestLine, Fields)> {
    let lines = match head_lines(bytes) {
        Parsed::Complete(lines, used) => (lines, used),
        Parsed::Partial => return Parsed::Partial,
        Parsed::Refused(fault) => return Parsed::Refused(fault),
    };
    match parse_request(&lines.0) {
        Ok(head) => Parsed::Complete(head, lines.1),
        Err(fault) => Parsed::Refused(fault),
    }
}

/// Parses status line and fields.
pub fn response_head(bytes: &[u8]) -> Parsed<(StatusLine, Fields)> {
    let lines = match head_lines(bytes) {
        Parsed::Complete(lines, used) => (lines, used),
        Parsed::Partial => return Parsed::Partial,
        Parsed::Refused(fault) => return Parsed::Refused(fault),
    };
    let parsed = status_line(lines.0[0]).and_then(|line| Ok((line, fields(&lines.0[1..])?)));
    match parsed {
        Ok(head) => Parsed::Complete(head, lines.1),
        Err(fault) => Parsed::Refused(fault),
    }
}

/// Splits a head into its lines; the first is the start line; the empty last one is left out.
pub(super) fn head_lines(bytes: &[u8]) -> Parsed<Vec<&[u8]>> {
    let mut lines = Vec::new();
    let mut at = 0;
    loop {
        match line(&bytes[at..]) {
            Parsed::Complete(text, used) => {
                at += used;
                if text.is_empty() && !lines.is_empty() {
                    return Parsed::Complete(lines, at);
                }
                if text.is_empty() {
                    return Parsed::Refused(Fault::StartLine);
                }
                lines.push(text);
            }
            Parsed::Partial => return Parsed::Partial,
            Parsed::Refused(fault) => return Parsed::Refused(fault),
        }
    }
}

/// One line up to CR LF (RFC 9112 section 2.2); neither byte may stand alone.
pub(super) fn line(bytes: &[u8]) -> Parsed<&[u8]> {
    for (i, &b) in bytes.iter().enumerate() {
        match (b, bytes.get(i + 1)) {
            (b'\n', _) => return Parsed::Refused(Fault::BareLineFeed),
            (b'\r', None) => return Parsed::Partial,
            (b'\r', Some(b'\n')) => return Parsed::Complete(&bytes[..i], i + 2),
            (b'\r', Some(_)) => return Parsed::Refused(Fault::BareCarriageReturn),
            _ => {}
        }
    }
    Parsed::Partial
}

fn parse_request(lines: &[&[u8]]) -> Result<(RequestLine, Fields), Fault> {
    let line = request_line(lines[0])?;
    let fields = fields(&lines[1..])?;
    check_host(&line, &fields)?;
    request_framing(&line, &fields)?;
    Ok((line, fields))
}

fn request_line(line: &[u8]) -> Result<RequestLine, Fault> {
    let parts: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
    let [method, target, version] = parts[..] else { return Err(Fault::StartLine) };
    if method.is_empty() || !method.iter().all(|&b| is_token(b)) {
        return Err(Fault::Method);
    }
    let line = RequestLine { method: latin(method), target: latin(target), minor: minor(version)? };
    check_target(&line)?;
    Ok(line)
}

/// The four forms of RFC 9112 section 3.2.
fn check_target(line: &RequestLine) -> Result<(), Fault> {
    let target = line.target.as_str();
    if target.is_empty() || !target.bytes().all(|b| b.is_ascii_graphic()) || target.contains('#') {
        return Err(Fault::Target);
    }
    let fits = match line.method.as_str() {
        "CONNECT" => valid_authority(target) && target.contains(':'),
        method => {
            target.starts_with('/')
                || absolute_authority(target).is_some()
                || (target == "*" && method == "OPTIONS")
        }
    };
    if fits { Ok(()) } else { Err(Fault::Target) }
}

fn absolute_authority(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    (known && valid_authority(authority)).then_some(authority)
}

fn valid_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((inside, port)) => {
            let inside_fits =
                !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b));
            (if inside_fits { "v6" } else { "" }, port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let host_fits = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b));
    let port_fits =
        port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    host_fits && port_fits
}

fn status_line(line: &[u8]) -> Result<StatusLine, Fault> {
    let text = latin(line);
    let mut parts = text.splitn(3, ' ');
    let minor = minor(parts.next().unwrap_or("").as_bytes())?;
    let digits = parts.next().unwrap_or("");
    let reason = parts.next().ok_or(Fault::StartLine)?;
    if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) || !("100"..="599").contains(&digits)
    {
        return Err(Fault::StartLine);
    }
    if !reason.chars().all(|c| is_value(c as u8)) {
        return Err(Fault::StartLine);
    }
    Ok(StatusLine { minor, status: digits.parse().map_err(|_| Fault::StartLine)?, reason: reason.into() })
}

fn minor(version: &[u8]) -> Result<u8, Fault> {
    match version {
        b"HTTP/1.1" => Ok(1),
        b"HTTP/1.0" => Ok(0),
        _ => Err(Fault::Version),
    }
}

/// Field lines (RFC 9112 section 5), folded ones refused.
pub(super) fn fields(lines: &[&[u8]]) -> Result<Fields, Fault> {
    lines.iter().map(|line| field(line)).collect::<Result<_, _>>().map(Fields)
}

fn field(line: &[u8]) -> Result<(String, String), Fault> {
    if line.first().is_some_and(|b| b" \t".contains(b)) {
        return Err(Fault::Folding);
    }
    let colon = line.iter().position(|&b| b == b':').ok_or(Fault::FieldName)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().all(|&b| is_token(b)) {
        return Err(Fault::FieldName);
    }
    if !value.iter().all(|&b| is_value(b)) {
        return Err(Fault::FieldValue);
    }
    Ok((latin(name), latin(value).trim_matches([' ', '\t']).to_owned()))
}

/// One `Host` in HTTP/1.1, at most one before (RFC 9112 section 3.2).
fn check_host(line: &RequestLine, fields: &Fields) -> Result<(), Fault> {
    match fields.all("host")[..] {
        [] if line.minor == 1 => Err(Fault::HostMissing),
        [] => Ok(()),
        // Empty is what RFC 9112 section 3.2 asks for when the target has no authority.
        [host] if host.is_empty() || valid_authority(host) => Ok(()),
        [_] => Err(Fault::HostInvalid),
        _ => Err(Fault::HostRepeated),
    }
}

pub(super) fn request_framing(line: &RequestLine, fields: &Fields) -> Result<Framing, Fault> {
    Ok(declared_framing(line.minor, fields)?.unwrap_or(Framing::None))
}

pub(super) fn response_framing(line: &StatusLine, fields: &Fields, method: &str) -> Result<Framing, Fault> {
    let declared = declared_framing(line.minor, fields)?;
    if line.status < 200 || line.status == 204 || line.status == 304 || method == "HEAD" {
        return Ok(Framing::None);
    }
    Ok(declared.unwrap_or(Framing::Close))
}

/// Framing by fields alone; both kinds at once, or anything repeated, is refused.
fn declared_framing(minor: u8, fields: &Fields) -> Result<Option<Framing>, Fault> {
    let lengths = fields.all("content-length");
    match (&fields.all("transfer-encoding")[..], &lengths[..]) {
        ([], []) => Ok(None),
        ([], [length]) => length_of(length).map(|n| Some(Framing::Length(n))),
        ([], _) => Err(Fault::LengthRepeated),
        ([_, ..], [_, ..]) => Err(Fault::LengthWithCoding),
        ([_, ..], []) if minor == 0 => Err(Fault::CodingInOldVersion),
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
        _ => Err(Fault::CodingUnknown),
    }
}

fn length_of(text: &str) -> Result<u64, Fault> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::LengthInvalid);
    }
    text.parse().map_err(|_| Fault::LengthInvalid)
}

pub(super) fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

pub(super) fn is_value(b: u8) -> bool {
    b == b'\t' || (b >= b' ' && b != 0x7f)
}

pub(super) fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}
