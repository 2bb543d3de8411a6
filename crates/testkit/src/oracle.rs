//! A second HTTP/1.1 message parser: naive, strict, and slow, to judge the fast one and what reaches an origin.
//!
//! It works on whole byte strings and says one of three things: a complete message, not enough bytes yet, or why
//! the bytes are no message of RFC 9112. Where the RFC lets a recipient choose between repair and refusal, it refuses.

pub(crate) mod body;
mod head;

pub use body::{Body, chunked, chunked_prefix};
pub use head::{Fields, RequestLine, StatusLine, request_head, response_head};

/// What a byte string is to the oracle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<T> {
    /// A whole message, and how many bytes it took.
    Complete(T, usize),
    /// A beginning that may become a message.
    Partial,
    /// No continuation makes this a message.
    Refused(Fault),
}

impl<T> Parsed<T> {
    /// Maps the message of a complete result.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Parsed<U> {
        match self {
            Self::Complete(message, used) => Parsed::Complete(f(message), used),
            Self::Partial => Parsed::Partial,
            Self::Refused(fault) => Parsed::Refused(fault),
        }
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Fault {
    BareLineFeed,
    BareCarriageReturn,
    StartLine,
    Version,
    Method,
    Target,
    FieldName,
    FieldValue,
    Folding,
    HostMissing,
    HostRepeated,
    HostInvalid,
    LengthInvalid,
    LengthRepeated,
    LengthWithCoding,
    CodingUnknown,
    CodingInOldVersion,
    ChunkSize,
    ChunkExtension,
    ChunkEnd,
    TrailerField,
}

/// How a message's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// When the connection closes; responses only.
    Close,
}

/// One request, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method, target, version.
    pub line: RequestLine,
    /// Header fields in order.
    pub fields: Fields,
    /// Content without chunk framing, and trailers.
    pub body: Body,
}

/// One response, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseMessage {
    /// Version, status, reason.
    pub line: StatusLine,
    /// Header fields in order.
    pub fields: Fields,
    /// Content without chunk framing, and trailers.
    pub body: Body,
}

/// Parses one request from the start of `bytes`.
pub fn request(bytes: &[u8]) -> Parsed<Request> {
    let ((line, fields), used) = match request_head(bytes) {
        Parsed::Complete(head, used) => (head, used),
        Parsed::Partial => return Parsed::Partial,
        Parsed::Refused(fault) => return Parsed::Refused(fault),
    };
    let framing = match head::request_framing(&line, &fields) {
        Ok(framing) => framing,
        Err(fault) => return Parsed::Refused(fault),
    };
    body::body(&bytes[used..], framing, false).map(|body| Request { line, fields, body }).shift(used)
}

/// Parses one response to a request of `method` from the start of `bytes`; `ended`: no more bytes will come.
pub fn response(bytes: &[u8], method: &str, ended: bool) -> Parsed<ResponseMessage> {
    let ((line, fields), used) = match response_head(bytes) {
        Parsed::Complete(head, used) => (head, used),
        Parsed::Partial => return Parsed::Partial,
        Parsed::Refused(fault) => return Parsed::Refused(fault),
    };
    let framing = match head::response_framing(&line, &fields, method) {
        Ok(framing) => framing,
        Err(fault) => return Parsed::Refused(fault),
    };
    body::body(&bytes[used..], framing, ended).map(|body| ResponseMessage { line, fields, body }).shift(used)
}

/// How the body of a request with this head ends (RFC 9112 section 6.3).
///
/// # Errors
/// The fault that makes the framing ambiguous.
pub fn request_framing(line: &RequestLine, fields: &Fields) -> Result<Framing, Fault> {
    head::request_framing(line, fields)
}

/// How the body of a response with this head ends (RFC 9112 section 6.3).
///
/// # Errors
/// The fault that makes the framing ambiguous.
pub fn response_framing(line: &StatusLine, fields: &Fields, method: &str) -> Result<Framing, Fault> {
    head::response_framing(line, fields, method)
}

/// What a whole connection carried: requests in order, then why it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The complete requests.
    pub requests: Vec<Request>,
    /// What follows the last of them.
    pub rest: Rest,
}

/// What is left on a connection after its last complete request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    Nothing,
    /// So many bytes that are the beginning of one more request.
    Partial(usize),
    /// Bytes that no request begins with.
    Refused(Fault),
}

/// Parses everything a connection carried.
pub fn requests(bytes: &[u8]) -> Stream {
    let mut requests = Vec::new();
    let mut rest = bytes;
    loop {
        if rest.is_empty() {
            return Stream { requests, rest: Rest::Nothing };
        }
        match request(rest) {
            Parsed::Complete(request, used) => {
                requests.push(request);
                rest = &rest[used..];
            }
            Parsed::Partial => return Stream { requests, rest: Rest::Partial(rest.len()) },
            Parsed::Refused(fault) => return Stream { requests, rest: Rest::Refused(fault) },
        }
    }
}

impl<T> Parsed<T> {
    fn shift(self, by: usize) -> Self {
        match self {
            Self::Complete(message, used) => Self::Complete(message, used + by),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
