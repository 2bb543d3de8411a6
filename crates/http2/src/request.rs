//! A request's head: from the fields of its block to a [`message::Request`].

use http1::{HeadError, HeadLimits};
use message::{Body, Known, Method, Request, Span, Version, is_field_value, is_token};

use crate::syntax::is_field_name;

/// The one protocol that extended CONNECT is offered for (RFC 8441 §5).
const WEBSOCKET: &[u8] = b"websocket";

/// Takes the fields of a head in order, and makes a request of them, or says why there is none.
///
/// The whole block has to be gone through whatever is wrong with it, since the fields of later ones may refer to it.
#[derive(Debug)]
pub struct RequestReader<'r> {
    request: &'r mut Request,
    limits: HeadLimits,
    /// What is wrong first.
    fault: Option<HeadError>,
    pseudo: Pseudo,
    /// Whether a field that is no pseudo-field has come.
    past_pseudo: bool,
    bytes: usize,
    fields: usize,
    has_host: bool,
    length: Option<u64>,
    /// Those that are not empty, joined.
    cookies: Option<Vec<u8>>,
}

/// The pseudo-fields of requests (RFC 9113 §8.3.1, RFC 8441 §4).
#[derive(Debug, Default)]
struct Pseudo {
    method: Option<Span>,
    scheme: Option<Span>,
    authority: Option<Span>,
    path: Option<Span>,
    protocol: Option<Span>,
}

impl<'r> RequestReader<'r> {
    /// Reads into `request`, which is cleared.
    pub fn new(limits: &HeadLimits, request: &'r mut Request) -> Self {
        request.clear();
        request.version = Version::Http2;
        request.keep_alive = true;
        Self {
            request,
            limits: *limits,
            fault: None,
            pseudo: Pseudo::default(),
            past_pseudo: false,
            bytes: 0,
            fields: 0,
            has_host: false,
            length: None,
            cookies: None,
        }
    }

    /// Takes the next field.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        if self.fault.is_none() {
            self.fault = self.take(name, value).err();
        }
    }

    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        self.bytes += name.len() + value.len() + 4;
        if self.bytes > self.limits.head_bytes {
            return Err(HeadError::TooLarge);
        }
        if let Some(pseudo) = name.strip_prefix(b":") {
            return self.take_pseudo(pseudo, value);
        }
        self.past_pseudo = true;
        self.fields += 1;
        if self.fields > self.limits.fields {
            return Err(HeadError::TooManyFields);
        }
        if !is_field_name(name) {
            return Err(HeadError::FieldName);
        }
        if !is_field_value(value) {
            return Err(HeadError::FieldValue);
        }
        self.take_field(name, value)
    }

    fn take_pseudo(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        let place = match name {
            b"method" => &mut self.pseudo.method,
            b"scheme" => &mut self.pseudo.scheme,
            b"authority" => &mut self.pseudo.authority,
            b"path" => &mut self.pseudo.path,
            b"protocol" => &mut self.pseudo.protocol,
            _ => return Err(HeadError::FieldName),
        };
        if place.is_some() || self.past_pseudo {
            return Err(HeadError::FieldName);
        }
        if name == b"path" && value.len() > self.limits.target_bytes {
            return Err(HeadError::TargetTooLong);
        }
        let span = self.request.fields.store(value);
        *place = Some(span);
        if name == b"method" {
            // HEAD is answered without a body, whatever is wrong with the rest.
            self.request.method = Method::of(value);
        }
        // An asterisk is for one method, which may not be known yet.
        if name == b"path" && value != b"*" {
            http1::read_origin_form(value, span.start as usize, self.request)?;
        }
        Ok(())
    }

    fn take_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        let known = Known::of(name);
        let request = &mut *self.request;
        match known {
            Known::Host if self.has_host => return Err(HeadError::HostRepeated),
            Known::Host => {
                self.has_host = true;
                request.authority = request.fields.store(value);
            }
            Known::ContentLength if self.length.is_some() => return Err(HeadError::ContentLengthRepeated),
            Known::ContentLength => {
                self.length = Some(http1::parse_length(value).ok_or(HeadError::ContentLength)?);
            }
            // RFC 9113 §8.2.2
            Known::Te if !value.eq_ignore_ascii_case(b"trailers") => return Err(HeadError::FieldValue),
            Known::Te => request.takes_trailers = true,
            Known::FramingLookalike
            | Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade => return Err(HeadError::FieldName),
            // Between a client and its proxy, or what looks like a field of the gateway's: dropped, as in HTTP/1.
            _ if known.is_connection_level() => {}
            _ if name == b"cookie" => self.take_crumb(value),
            _ => {
                request.expects_continue |=
                    known == Known::Expect && value.eq_ignore_ascii_case(b"100-continue");
                request.fields.append_checked(known, name, value);
            }
        }
        Ok(())
    }

    /// Whoever reads cookies may know of one field only (RFC 9113 §8.2.3).
    fn take_crumb(&mut self, crumb: &[u8]) {
        let cookies = self.cookies.get_or_insert_default();
        if !cookies.is_empty() && !crumb.is_empty() {
            cookies.extend_from_slice(b"; ");
        }
        cookies.extend_from_slice(crumb);
    }

    /// Looks at the head as a whole; `is_whole`: nothing follows it. Answers with the length its body has to have.
    ///
    /// # Errors
    /// Any deviation that another server might read differently.
    pub fn finish(mut self, is_whole: bool) -> Result<Option<u64>, HeadError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Some(cookies) = self.cookies.take() {
            self.request.fields.append_checked(Known::Other, b"cookie", &cookies);
        }
        self.read_method()?;
        self.read_scheme()?;
        self.read_authority()?;
        let path = self.pseudo.path.ok_or(HeadError::Target)?;
        if self.request.fields.bytes(path) == b"*" {
            http1::read_origin_form(b"*", path.start as usize, self.request)?;
        }
        let request = self.request;
        let is_tunnel = !request.upgrade.is_empty();
        if is_whole && self.length.is_some_and(|length| length > 0) {
            return Err(HeadError::ContentLength);
        }
        request.body = match self.length {
            // The client's side of a tunnel is no body.
            _ if is_whole || is_tunnel => Body::Empty,
            Some(0) => Body::Empty,
            Some(length) => Body::Length(length),
            None => Body::Streamed,
        };
        request.expects_continue &= request.body != Body::Empty;
        Ok(self.length.filter(|_| !is_tunnel))
    }

    /// The method; a CONNECT for a WebSocket (RFC 8441 §4) is what a GET with `Upgrade` is in HTTP/1.
    fn read_method(&mut self) -> Result<(), HeadError> {
        let span = self.pseudo.method.ok_or(HeadError::RequestLine)?;
        let request = &mut *self.request;
        let method = request.fields.bytes(span);
        if !is_token(method) {
            return Err(HeadError::RequestLine);
        }
        request.method = Method::of(method);
        request.method_text = span;
        if request.method != Method::Connect {
            return if self.pseudo.protocol.is_none() { Ok(()) } else { Err(HeadError::FieldName) };
        }
        if self.pseudo.authority.is_none() {
            return Err(HeadError::HostMissing);
        }
        let Some(protocol) = self.pseudo.protocol else {
            // RFC 9113 §8.5
            let says_too_much = self.pseudo.scheme.is_some() || self.pseudo.path.is_some();
            return Err(if says_too_much { HeadError::FieldName } else { HeadError::Connect });
        };
        if request.fields.bytes(protocol) != WEBSOCKET {
            return Err(HeadError::Connect);
        }
        request.method = Method::Get;
        request.method_text = request.fields.store(b"GET");
        request.upgrade = protocol;
        Ok(())
    }

    fn read_scheme(&self) -> Result<(), HeadError> {
        let scheme = self.pseudo.scheme.ok_or(HeadError::Target)?;
        let scheme = self.request.fields.bytes(scheme);
        let is_http = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
        if is_http { Ok(()) } else { Err(HeadError::Target) }
    }

    /// `:authority`, or `Host` where there is none; where both are, they agree (RFC 9113 §8.3.1).
    fn read_authority(&mut self) -> Result<(), HeadError> {
        let request = &mut *self.request;
        let authority = match self.pseudo.authority {
            Some(authority) => {
                let (said, host) = (request.fields.bytes(authority), request.fields.bytes(request.authority));
                if self.has_host && !host.eq_ignore_ascii_case(said) {
                    return Err(HeadError::HostMalformed);
                }
                authority
            }
            None if self.has_host => request.authority,
            None => return Err(HeadError::HostMissing),
        };
        if request.read_authority(authority) { Ok(()) } else { Err(HeadError::HostMalformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: [(&str, &str); 4] =
        [(":method", "GET"), (":scheme", "http"), (":authority", "a.example:80"), (":path", "/x?y")];

    fn read(fields: &[(&str, &str)], is_whole: bool) -> (Result<Option<u64>, HeadError>, Request) {
        let mut request = Request::default();
        let mut reader = RequestReader::new(&HeadLimits::default(), &mut request);
        for (name, value) in fields {
            reader.field(name.as_bytes(), value.as_bytes());
        }
        let finished = reader.finish(is_whole);
        (finished, request)
    }

    fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&GET, more].concat()
    }

    #[test]
    fn a_head_says_what_one_of_http_1_says() {
        let (read, request) =
            read(&with(&[("content-length", "5"), ("te", "trailers"), ("x-a", "1")]), false);
        assert_eq!(read, Ok(Some(5)));
        assert_eq!((request.method_text(), request.path(), request.query()), ("GET", "/x", "y"));
        assert_eq!((request.authority(), request.host()), ("a.example:80", "a.example"));
        assert_eq!((request.body, request.takes_trailers), (Body::Length(5), true));
        assert_eq!(request.fields.iter().collect::<Vec<_>>(), [(&b"x-a"[..], &b"1"[..])]);
    }

    #[test]
    fn crumbs_of_cookies_become_one_field() {
        let crumbs = [("cookie", "a=1"), ("x-a", "1"), ("cookie", ""), ("cookie", "b=2")];
        let (_, request) = read(&with(&crumbs), true);
        let cookies: Vec<&[u8]> = request.fields.values("cookie").collect();
        assert_eq!(cookies, [&b"a=1; b=2"[..]]);
    }

    #[test]
    fn connect_is_for_websockets() {
        let head = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":path", "/chat"),
            (":authority", "a"),
        ];
        let (read_as, request) = read(&head, false);
        assert_eq!(read_as, Ok(None));
        assert_eq!(
            (request.method, request.upgrade(), request.body),
            (Method::Get, "websocket", Body::Empty)
        );
        assert_eq!(read(&[(":method", "CONNECT"), (":authority", "a:1")], false).0, Err(HeadError::Connect));
        let crowded = [(":method", "CONNECT"), (":authority", "a:1"), (":path", "/")];
        assert_eq!(read(&crowded, false).0, Err(HeadError::FieldName));
        assert_eq!(read(&with(&[]), true).0, Ok(None));
        let lone = [&[(":protocol", "websocket")], &GET[..]].concat();
        assert_eq!(read(&lone, true).0, Err(HeadError::FieldName));
    }

    #[test]
    fn the_first_fault_counts() {
        for (more, fault) in [
            (&[("X-A", "1")][..], HeadError::FieldName),
            (&[("x a", "1")], HeadError::FieldName),
            (&[("", "1")], HeadError::FieldName),
            (&[("x-a", "1\r\nb: 2")], HeadError::FieldValue),
            (&[("x-a", " 1")], HeadError::FieldValue),
            (&[("x-a", "1\0")], HeadError::FieldValue),
            (&[("te", "gzip")], HeadError::FieldValue),
            (&[("connection", "close")], HeadError::FieldName),
            (&[("transfer-encoding", "chunked")], HeadError::FieldName),
            (&[("content_length", "1")], HeadError::FieldName),
            (&[("content-length", "1"), ("content-length", "1")], HeadError::ContentLengthRepeated),
            (&[("content-length", "+1")], HeadError::ContentLength),
            (&[("host", "b")], HeadError::HostMalformed),
            (&[("host", "a.example:80"), ("host", "a.example:80")], HeadError::HostRepeated),
            (&[(":path", "/")], HeadError::FieldName),
            (&[("x-a", "1"), (":protocol", "websocket")], HeadError::FieldName),
            (&[(":status", "200")], HeadError::FieldName),
        ] {
            assert_eq!(read(&with(more), true).0, Err(fault), "{more:?}");
        }
        for (missing, fault) in [
            (":method", HeadError::RequestLine),
            (":scheme", HeadError::Target),
            (":authority", HeadError::HostMissing),
            (":path", HeadError::Target),
        ] {
            let rest: Vec<_> = GET.into_iter().filter(|(name, _)| *name != missing).collect();
            assert_eq!(read(&rest, true).0, Err(fault), "without {missing}");
        }
    }

    #[test]
    fn a_head_is_held_to_its_limits() {
        let long = "x".repeat(33 << 10);
        let (read_large, request) = read(&with(&[("x-a", &long)]), true);
        assert_eq!(read_large, Err(HeadError::TooLarge));
        assert_eq!(request.method, Method::Get, "what has been read is known");
        let many = vec![("x-a", "1"); 101];
        assert_eq!(read(&with(&many), true).0, Err(HeadError::TooManyFields));
        let path = ["/", &long[..9_000]].concat();
        let head = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", &path)];
        assert_eq!(read(&head, true).0, Err(HeadError::TargetTooLong));
    }
}
