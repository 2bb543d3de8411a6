//! Checks of a head's lines that `httparse` leaves out, and the connection-level fields that are read and never passed on.

use message::{Body, Fields, Known, Span};

use crate::HeadError;

/// Most options in all `Connection` fields of a head: each is compared with each field.
const CONNECTION_OPTIONS_MAX: usize = 100;

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
    /// Reads all fields of a head: end-to-end ones go into `fields`, whose arena already begins with the head's bytes.
    pub(crate) fn read(
        headers: &[httparse::Header<'_>],
        head: &[u8],
        fields: &mut Fields,
    ) -> Result<Self, HeadError> {
        let mut lines = Self::default();
        for header in headers {
            let name = span_in(head, header.name.as_bytes());
            let value = span_in(head, header.value);
            check_line(head, name)?;
            let known = Known::of(header.name.as_bytes());
            if lines.take(known, header.value, value)? {
                fields.push(name, value, known);
            }
        }
        if lines.names_listed {
            remove_listed(headers, fields)?;
        }
        Ok(lines)
    }

    /// Reads one field; answers whether it is end to end.
    fn take(&mut self, known: Known, value: &[u8], span: Span) -> Result<bool, HeadError> {
        match known {
            Known::Other => return Ok(true),
            Known::ContentLength => self.take_length(value)?,
            Known::TransferEncoding => self.take_encoding(value)?,
            Known::FramingLookalike => return Err(HeadError::FieldName),
            Known::Connection => self.take_connection(value),
            Known::Host if self.host.is_some() => return Err(HeadError::HostRepeated),
            Known::Host => self.host = Some(span),
            // Of several, none: which of them the other side would take is not for certain.
            Known::Upgrade => {
                self.upgrade = Some(if self.upgrade.is_none() { span } else { Span::default() })
            }
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
                Known::Other if option.eq_ignore_ascii_case(b"close") => self.close = true,
                Known::Other => self.names_listed = true,
                _ => {}
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

/// Where a part of a head lies in it.
fn span_in(head: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr() - head.as_ptr().addr();
    Span::new(start, start + part.len())
}

/// Takes away the fields that `Connection` names (RFC 9110 §7.6.1), but none that the gateway itself goes by: a client that could
/// name X-Forwarded-For away would choose what it is taken for.
fn remove_listed(headers: &[httparse::Header<'_>], fields: &mut Fields) -> Result<(), HeadError> {
    let listed = headers
        .iter()
        .filter(|header| Known::of(header.name.as_bytes()) == Known::Connection)
        .flat_map(|header| elements(header.value));
    for (at, name) in listed.enumerate() {
        if at == CONNECTION_OPTIONS_MAX {
            return Err(HeadError::TooManyFields);
        }
        fields.remove_where(|known, other| known == Known::Other && other.eq_ignore_ascii_case(name));
    }
    Ok(())
}

/// Checks what surrounds a field: the colon follows the name at once, and the line before it ended in CR LF (RFC 9112 §2.2, §5.1).
fn check_line(head: &[u8], name: Span) -> Result<(), HeadError> {
    let (start, end) = (name.start as usize, name.end as usize);
    if head.get(end) != Some(&b':') {
        return Err(HeadError::FieldName);
    }
    match head.get(..start) {
        Some([.., b'\r', b'\n']) => Ok(()),
        _ => Err(HeadError::LineEnd),
    }
}

/// Whether every line feed of a complete head is preceded by a carriage return, and every carriage return followed by one.
pub(crate) fn ends_are_strict(head: &[u8]) -> bool {
    memchr::memchr2_iter(b'\r', b'\n', head).all(|at| match head[at] {
        b'\r' => head.get(at + 1) == Some(&b'\n'),
        _ => at > 0 && head[at - 1] == b'\r',
    })
}

/// A Content-Length: digits only, no sign, no list (RFC 9110 §8.6).
pub fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// The elements of a comma list (RFC 9110 §5.6.1).
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}
