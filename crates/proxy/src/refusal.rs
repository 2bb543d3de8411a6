//! Answers the gateway makes when it cannot, or may not, pass a request on.

use std::borrow::Cow;

use message::{Body, Known, Method, Request, Response};

/// Why a request is not answered by a route's target; `reason` is the token in the journal and in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status sent.
    pub status: u16,
    /// Stable token, such as `no_route`.
    pub reason: &'static str,
    /// One sentence for whoever reads the body.
    pub message: Cow<'static, str>,
    /// What the client may do instead.
    pub instead: Option<Instead>,
    /// Value of `Retry-After`, seconds; with 503 at least 1.
    pub retry_after_s: Option<u64>,
    /// Whether the connection is closed behind the answer.
    pub close: bool,
}

/// What a refused client may do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Ask by one of these methods: value of `Allow`, with 405.
    Methods(Box<str>),
    /// Ask there: value of `Location`, with 308.
    Url(Box<str>),
}

macro_rules! refusals {
    ($($name:ident = $status:literal $reason:literal $close:literal $message:literal;)*) => {
        impl Refusal {
            $(#[doc = $message] pub const $name: Self = Self {
                status: $status, reason: $reason, message: Cow::Borrowed($message), instead: None,
                retry_after_s: None, close: $close,
            };)*

            /// Every refusal with a fixed status, for the reference.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

refusals! {
    MISDIRECTED = 421 "misdirected" false "The connection was made for another host, whose certificate is another.";
    NO_ROUTE = 404 "no_route" false "No route matches this host and path.";
    ENCODED_SLASH = 400 "encoded_slash" false "The path holds an encoded slash, which this route does not take.";
    ADDRESS_DENIED = 403 "address_denied" false "This address may not use this route.";
    KEY_MISSING = 401 "key_missing" false "This route asks for a key.";
    KEY_AMBIGUOUS = 401 "key_ambiguous" false "The request comes with more than one key.";
    KEY_UNKNOWN = 401 "key_unknown" false "The key is not known.";
    KEY_EXPIRED = 401 "key_expired" false "The key has expired.";
    KEY_SCOPE = 403 "key_scope" false "The key is not for this route.";
    KEYS_UNAVAILABLE = 503 "keys_unavailable" false "The gateway does not know any keys yet.";
    BODY_TOO_LARGE = 413 "body_too_large" true "The request body is larger than this route takes.";
    BODY_MALFORMED = 400 "body_malformed" true "The framing of the request body is broken.";
    BODY_TIMEOUT = 408 "body_timeout" true "The request body did not come in time.";
    HEAD_TIMEOUT = 408 "head_timeout" true "The request head did not come in time.";
    CLIENT_GONE = 400 "client_gone" true "The client closed the connection before its request was complete.";
    LOOP = 508 "loop" false "The request has come through this gateway too often.";
    LIMITER_FULL = 503 "limiter_full" false "The gateway counts the limits of as many clients as it may.";
    JOURNAL_FULL = 503 "journal_full" false "The gateway cannot record requests at the moment.";
    CONNECTIONS = 503 "too_many_connections" true "The gateway has as many connections as it may.";
    NO_ENDPOINT = 503 "no_endpoint" false "The upstream has no known endpoint.";
    UPSTREAM_CONNECTIONS = 503 "upstream_connections" false "The upstream has as many connections as it may.";
    CONNECT_FAILED = 502 "connect_failed" false "No connection to the upstream could be made.";
    CONNECT_TIMEOUT = 504 "connect_timeout" false "The upstream did not accept a connection in time.";
    UPSTREAM_CLOSED = 502 "upstream_closed" false "The upstream closed the connection without an answer.";
    UPSTREAM_FAILED = 502 "upstream_failed" false "The connection to the upstream failed.";
    UPSTREAM_MALFORMED = 502 "upstream_malformed" false "The upstream's answer is not acceptable HTTP.";
    NOT_SWITCHED = 502 "not_switched" false "A WebSocket was asked for, and what answered does not speak that here.";
    UPSTREAM_TIMEOUT = 504 "upstream_timeout" false "The upstream did not answer in time.";
    ADDRESS_PROHIBITED = 403 "address_prohibited" false "The name leads to an address that functions may not call.";
    FUNCTION_BUSY = 503 "function_busy" false "No instance was free to run the function.";
    FUNCTION_REQUEST = 400 "function_request" false "The request has a form that functions cannot be given.";
    FUNCTION_TRAPPED = 500 "function_trapped" false "The function ended by a fault of its own.";
    FUNCTION_STACK = 500 "function_stack" false "The function used up its stack.";
    FUNCTION_MEMORY = 500 "function_memory" false "The function asked for more memory than it may have.";
    FUNCTION_CPU = 504 "function_cpu" false "The function used more time of the processor than it may.";
    FUNCTION_TIMEOUT = 504 "function_timeout" false "The function did not answer in time.";
    FUNCTION_NO_RESPONSE = 500 "function_no_response" false "The function ended without an answer.";
    FUNCTION_MALFORMED = 500 "function_malformed" false "The function's answer is not acceptable HTTP.";
    FUNCTION_TOO_LARGE = 500 "function_too_large" false "The function's answer is larger than it may be.";
    FUNCTION_FAILED = 500 "function_failed" false "The function gave an error instead of an answer.";
}

impl Refusal {
    /// The refusal of that token; one that no refusal has is the fault of whoever was asked.
    pub(crate) fn of_reason(reason: &str) -> Self {
        Self::ALL.iter().find(|refusal| refusal.reason == reason).cloned().unwrap_or(Self::UPSTREAM_FAILED)
    }
}

impl Refusal {
    /// 405 with the methods that would match (RFC 9110 §15.5.6).
    pub fn method_not_allowed(allow: String) -> Self {
        let (status, reason) = (405, "method_not_allowed");
        Self {
            status,
            reason,
            message: Cow::Borrowed("No route takes this method here."),
            instead: Some(Instead::Methods(allow.into())),
            retry_after_s: None,
            close: false,
        }
    }

    /// 308 to the same URL by TLS (RFC 9110 §15.4.9).
    pub fn https_required(port: u16, request: &Request) -> Self {
        let (status, reason) = (308, "https_required");
        let port = if port == 443 { String::new() } else { format!(":{port}") };
        let query = if request.has_query { format!("?{}", request.query()) } else { String::new() };
        let location = format!("https://{}{port}{}{query}", request.host(), request.path());
        Self {
            status,
            reason,
            message: Cow::Borrowed("Requests are answered by TLS only."),
            // Who names no host, or asks for no resource (`OPTIONS *`), cannot be sent anywhere.
            instead: (!request.host().is_empty() && !request.asterisk).then(|| Instead::Url(location.into())),
            retry_after_s: None,
            close: false,
        }
    }

    /// 429 by a limit of the route, with when to try again (RFC 6585 §4).
    pub fn limited(reason: &'static str, message: Cow<'static, str>, retry_after_s: u64) -> Self {
        let retry_after_s = Some(retry_after_s);
        Self { status: 429, reason, message, instead: None, retry_after_s, close: false }
    }

    /// The refusal of a head that was not understood; the connection cannot be used further.
    pub fn head(error: http1::HeadError) -> Self {
        // What is wrong is said of the head as a kind; nothing of the head itself is repeated.
        let message = Cow::Owned(format!("The request is not acceptable: {error}."));
        Self {
            status: error.status(),
            reason: error.reason(),
            message,
            instead: None,
            retry_after_s: None,
            close: true,
        }
    }

    /// What to do about a key, for the client (RFC 6750 §3). What is missing is no error; what is unknown is not told from what was
    /// revoked.
    fn challenge(&self) -> Option<&'static str> {
        Some(match self.reason {
            "key_missing" => "Bearer realm=\"lockgate\"",
            "key_ambiguous" => "Bearer realm=\"lockgate\", error=\"invalid_request\"",
            "key_unknown" | "key_expired" => "Bearer realm=\"lockgate\", error=\"invalid_token\"",
            "key_scope" => "Bearer realm=\"lockgate\", error=\"insufficient_scope\"",
            _ => return None,
        })
    }

    /// Makes the response and its body, in the form the client asked for.
    pub(crate) fn write(&self, request: &Request, id: &str, response: &mut Response) -> Vec<u8> {
        if is_grpc(request) {
            self.write_grpc(response);
            return Vec::new();
        }
        self.write_status(request, id, response)
    }

    /// The same with a status that says what it is whatever the client is, for one to whom every success is a tunnel.
    pub(crate) fn write_status(&self, request: &Request, id: &str, response: &mut Response) -> Vec<u8> {
        let form = Form::of(request.fields.get_known(Known::Accept).unwrap_or_default());
        let body = form.body(self, id).into_owned().into_bytes();
        response.start(self.status, Body::Length(body.len() as u64));
        response.fields.append_known(Known::ContentType, "content-type", form.content_type().as_bytes());
        response.fields.append("cache-control", b"no-store");
        match &self.instead {
            Some(Instead::Methods(methods)) => response.fields.append("allow", methods.as_bytes()),
            Some(Instead::Url(url)) => response.fields.append("location", url.as_bytes()),
            None => {}
        }
        if let Some(challenge) = self.challenge() {
            response.fields.append("www-authenticate", challenge.as_bytes());
        }
        if let Some(seconds) = self.retry_after_s.or((self.status == 503).then_some(1)) {
            response.fields.append("retry-after", itoa::Buffer::new().format(seconds).as_bytes());
        }
        if request.method == Method::Head {
            response.answers_head = true;
            response.announced_length = Some(body.len() as u64);
            response.body = Body::Empty;
            return Vec::new();
        }
        body
    }
}

impl Refusal {
    /// Makes the response for a client of gRPC: a success of HTTP whose trailers, here its head, say that it is none ("Trailers-Only" of gRPC
    /// over HTTP/2).
    fn write_grpc(&self, response: &mut Response) {
        response.start(200, Body::Empty);
        response.fields.append_known(Known::ContentType, "content-type", b"application/grpc");
        let status = itoa::Buffer::new().format(self.grpc_status()).to_owned();
        response.fields.append("grpc-status", status.as_bytes());
        // Of printable characters, only this one is escaped there.
        let message = format!("{}: {}", self.reason, self.message).replace('%', "%25");
        response.fields.append("grpc-message", message.as_bytes());
    }

    /// What a status of HTTP means to a client of gRPC (its codes and their mapping from HTTP).
    fn grpc_status(&self) -> u8 {
        const DEADLINE_EXCEEDED: u8 = 4;
        const PERMISSION_DENIED: u8 = 7;
        const RESOURCE_EXHAUSTED: u8 = 8;
        const UNIMPLEMENTED: u8 = 12;
        const INTERNAL: u8 = 13;
        const UNAVAILABLE: u8 = 14;
        const UNAUTHENTICATED: u8 = 16;
        match self.status {
            401 => UNAUTHENTICATED,
            403 => PERMISSION_DENIED,
            404 | 405 | 501 => UNIMPLEMENTED,
            408 | 504 => DEADLINE_EXCEEDED,
            413 | 429 | 431 => RESOURCE_EXHAUSTED,
            502 | 503 => UNAVAILABLE,
            _ => INTERNAL,
        }
    }
}

/// Whether a request is one of gRPC, by its content type.
fn is_grpc(request: &Request) -> bool {
    let content_type = request.fields.get_known(Known::ContentType).unwrap_or_default();
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
}

/// The forms an error body comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Html,
    Text,
}

impl Form {
    /// The form an `Accept` asks for; browsers name HTML, programs mostly nothing in particular.
    fn of(accept: &[u8]) -> Self {
        let accept = String::from_utf8_lossy(accept).to_ascii_lowercase();
        let place = |what: &str| accept.find(what).unwrap_or(usize::MAX);
        let (json, html, text) = (place("json"), place("text/html"), place("text/plain"));
        if html < json && html < text {
            Self::Html
        } else if text < json {
            Self::Text
        } else {
            Self::Json
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/problem+json",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// The body. None of its parts comes from the client, so nothing has to be escaped.
    fn body(self, refusal: &Refusal, id: &str) -> Cow<'static, str> {
        let Refusal { status, reason, message, .. } = refusal;
        let title = message::reason_phrase(*status);
        Cow::Owned(match self {
            Self::Json => format!(
                "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"reason\":\"{reason}\",\"detail\":\"{message}\",\"request_id\":\"{id}\"}}\n"
            ),
            Self::Html => format!(
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{status} {title}</title></head>\n<body><h1>{status} {title}</h1><p>{message}</p><p><small>{reason} &middot; {id}</small></p></body></html>\n"
            ),
            Self::Text => format!("{status} {title}\n{message}\nreason: {reason}\nrequest: {id}\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_follows_accept() {
        for (accept, form) in [
            ("", Form::Json),
            ("*/*", Form::Json),
            ("application/json", Form::Json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Form::Html),
            ("text/plain", Form::Text),
            ("text/plain, application/json", Form::Text),
        ] {
            assert_eq!(Form::of(accept.as_bytes()), form, "{accept}");
        }
    }

    #[test]
    fn a_refused_head_request_gets_the_length_but_no_body() {
        let mut request = Request { method: Method::Head, ..Request::default() };
        request.fields.append("accept", b"text/plain");
        let mut response = Response::default();
        assert!(Refusal::NO_ROUTE.write(&request, "id", &mut response).is_empty());
        assert!(response.announced_length.is_some_and(|length| length > 20));
    }

    #[test]
    fn a_client_of_grpc_is_told_in_its_own_terms() {
        for (content_type, refusal, status) in [
            ("application/grpc", Refusal::NO_ROUTE, Some("12")),
            ("application/grpc+proto", Refusal::UPSTREAM_TIMEOUT, Some("4")),
            ("application/grpc;x=y", Refusal::CONNECT_FAILED, Some("14")),
            ("application/grpc", Refusal::KEY_MISSING, Some("16")),
            ("application/grpc-web", Refusal::NO_ROUTE, None),
            ("application/json", Refusal::NO_ROUTE, None),
        ] {
            let mut request = Request { method: Method::Post, ..Request::default() };
            request.fields.append("content-type", content_type.as_bytes());
            let mut response = Response::default();
            let body = refusal.write(&request, "id", &mut response);
            let told =
                response.fields.get("grpc-status").map(|told| String::from_utf8_lossy(told).into_owned());
            assert_eq!(told.as_deref(), status, "{content_type}");
            assert_eq!((response.status == 200, body.is_empty()), (status.is_some(), status.is_some()));
        }
    }

    #[test]
    fn a_status_is_one_whoever_the_client_is() {
        let mut request = Request::default();
        request.fields.append("content-type", b"application/grpc");
        let mut response = Response::default();
        let body = Refusal::NO_ROUTE.write_status(&request, "id", &mut response);
        assert_eq!((response.status, body.is_empty()), (404, false));
    }

    #[cfg(feature = "functions")]
    #[test]
    fn each_failure_of_a_function_has_its_refusal() {
        for reason in functions::FAILURE_REASONS {
            assert_eq!(Refusal::of_reason(reason).reason, reason);
        }
    }
}
