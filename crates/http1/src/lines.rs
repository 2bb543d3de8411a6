//! Checks of a head's lines that `httparse` leaves out, and the connection-level fields that are read and never passed on.

use message::{Body, Fields, Known, Span};

use crate::HeadError;

/// What the connection-level fields of a head say (RFC 9110 §7.6.1, RFC 9112 §6).
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) length: Option<u64>,
    pub(crate) chunked: bool,
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade_listed: bool,
    pub(crate) upgrade: Option<Span>,
    pub(crate) takes_trailers: bool,
    pub(crate) expects_continue: bool,
    pub(crate) host: Option<Span>,
    /// Whether `Connection` names fields of this message.
    names_listed: bool,
}

impl Lines {
    /// Reads all fields of a head: end-to-end ones go into `fields`, which already holds the head's bytes from `base` on.
    pub(crate) fn read(
        headers: &[httparse::Header<'_>],
        head: &[u8],
        base: usize,
        fields: &mut Fields,
    ) -> Result<Self, HeadError> {
        let mut lines = Self::default();
        let origin = head.as_ptr().addr();
        for header in headers {
            let name_start = header.name.as_ptr().addr() - origin;
            let value_start = header.value.as_ptr().addr() - origin;
            check_line(head, name_start, name_start + header.name.len(), value_start, header.value.len())?;
            let name = Span::new(base + name_start, base + name_start + header.name.len());
            let value = Span::new(base + value_start, base + value_start + header.value.len());
            let known = Known::of(header.name.as_bytes());
            if lines.take(known, header.value, value)? {
                fields.push(name, value, known);
            }
        }
        if lines.names_listed {
            remove_listed(headers, fields);
        }
        Ok(lines)
    }

    /// Reads one field; answers whether it is end to end.
    fn take(&mut self, known: Known, value: &[u8], span: Span) -> Result<bool, HeadError> {
        match known {
            Known::Other => return Ok(true),
            Known::ContentLength => self.take_length(value)?,
            Known::TransferEncoding => self.take_encoding(value)?,
            Known::Connection => self.take_connection(value),
            Known::Host if self.host.is_some() => return Err(HeadError::HostRepeated),
            Known::Host => self.host = Some(span),
            Known::Upgrade => self.upgrade = Some(span),
            Known::Te => self.takes_trailers |= elements(value).any(|e| e.eq_ignore_ascii_case(b"trailers")),
            Known::Expect => {
                self.expects_continue |= value.eq_ignore_ascii_case(b"100-continue");
                return Ok(true);
            }
            _ => return Ok(!known.is_connection_level()),
        }
        Ok(false)
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), HeadError> {
        if self.length.is_some() {
            return Err(HeadError::ContentLengthRepeated);
        }
        self.length = Some(parse_length(value).ok_or(HeadError::ContentLength)?);
        Ok(())
    }

    fn take_encoding(&mut self, value: &[u8]) -> Result<(), HeadError> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(HeadError::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    fn take_connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            match Known::of(option) {
                Known::Upgrade => self.upgrade_listed = true,
                Known::KeepAlive => self.keep_alive = true,
                Known::Te => {}
                _ if option.eq_ignore_ascii_case(b"close") => self.close = true,
                _ => self.names_listed = true,
            }
        }
    }

    /// How the body is framed, the same for both kinds of message up to what an absent length means (RFC 9112 §6.3).
    pub(crate) fn body(&self, without_length: Body) -> Result<Body, HeadError> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(HeadError::FramingConflict),
            (true, None) => Ok(Body::Streamed),
            (false, Some(0)) => Ok(Body::Empty),
            (false, Some(length)) => Ok(Body::Length(length)),
            (false, None) => Ok(without_length),
        }
    }
}

/// Takes away the fields that `Connection` names (RFC 9110 §7.6.1). Host stays: it is not a field of one hop, and a client that
/// lists it would choose another host than the one that was routed.
fn remove_listed(headers: &[httparse::Header<'_>], fields: &mut Fields) {
    let listed = headers
        .iter()
        .filter(|header| Known::of(header.name.as_bytes()) == Known::Connection)
        .flat_map(|header| elements(header.value));
    for name in listed {
        fields.remove_where(|known, other| known != Known::Host && other.eq_ignore_ascii_case(name));
    }
}

/// Checks what surrounds a field: the colon follows the name at once, and the line before it ended in CR LF (RFC 9112 §2.2, §5.1).
fn check_line(
    head: &[u8],
    name: usize,
    name_end: usize,
    value: usize,
    value_len: usize,
) -> Result<(), HeadError> {
    if head.get(name_end) != Some(&b':') {
        return Err(HeadError::FieldName);
    }
    if name < 2 || head[name - 2] != b'\r' || head[name - 1] != b'\n' {
        return Err(HeadError::LineEnd);
    }
    // An empty value may be reported as lying anywhere; only a value with bytes has to lie behind its colon.
    if value_len > 0 && value <= name_end {
        return Err(HeadError::FieldValue);
    }
    Ok(())
}

/// Whether every line feed of a complete head is preceded by a carriage return, and every carriage return followed by one.
pub(crate) fn ends_are_strict(head: &[u8]) -> bool {
    memchr::memchr2_iter(b'\r', b'\n', head).all(|at| match head[at] {
        b'\r' => head.get(at + 1) == Some(&b'\n'),
        _ => at > 0 && head[at - 1] == b'\r',
    })
}

/// A Content-Length: digits only, no sign, no list (RFC 9110 §8.6).
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// The elements of a comma list (RFC 9110 §5.6.1).
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}
