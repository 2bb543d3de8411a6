//! Requests, to guests and from them.

use http::header;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http_body::Body as _;
use message::{Body, Method, Request, is_token, to_header_map};

use crate::{HttpError, WasiBody};

use super::fields::{announced_length, append_end_to_end};

/// Why a request cannot be put to a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unspeakable {
    /// Path and query together are longer than 65,534 bytes: a 414.
    #[error("the request's target is too long for a function")]
    TargetTooLong,
    /// The authority is not one (RFC 3986 §3.2): a 400.
    #[error("the request's host is malformed")]
    Authority,
    /// The method is no token: a 400.
    #[error("the request's method is malformed")]
    Method,
}

/// A request's head for a guest. A request that names no host is for `localhost`.
///
/// # Errors
///
/// See [`Unspeakable`].
pub fn request_to_guest(request: &Request, scheme: Scheme) -> Result<Parts, Unspeakable> {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method =
        http::Method::from_bytes(request.method_text().as_bytes()).map_err(|_| Unspeakable::Method)?;
    let authority = if request.authority.is_empty() { "localhost" } else { request.authority() };
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(scheme);
    uri.authority = Some(authority.parse::<Authority>().map_err(|_| Unspeakable::Authority)?);
    let target = PathAndQuery::try_from(request.uri_target().into_owned());
    uri.path_and_query = Some(target.map_err(|_| Unspeakable::TargetTooLong)?);
    parts.uri = Uri::from_parts(uri).map_err(|_| Unspeakable::TargetTooLong)?;
    parts.headers = to_header_map(&request.fields, request.body.length());
    Ok(parts)
}

/// A guest's outgoing request as a message: its path in the one normal form, its authority without credentials, and the framing
/// that its body will keep. `request` is cleared first.
///
/// # Errors
///
/// What the guest is to be told.
pub fn request_from_guest(parts: &Parts, body: &WasiBody, request: &mut Request) -> Result<(), HttpError> {
    request.clear();
    let method = parts.method.as_str().as_bytes();
    request.method = Method::of(method);
    if !is_token(method) || request.method == Method::Connect {
        return Err(HttpError::HttpRequestMethodInvalid);
    }
    request.method_text = request.fields.store(method);
    set_target(&parts.uri, request)?;
    let te = parts.headers.get_all(header::TE).iter();
    request.takes_trailers = te.into_iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
    request.keep_alive = true;
    append_end_to_end(&parts.headers, &mut request.fields);
    let announced = announced_length(&parts.headers).map_err(|_| HttpError::HttpRequestBodySize(None))?;
    request.body = match announced {
        Some(bytes) => Body::Length(bytes),
        None if body.is_end_stream() => Body::Empty,
        None => Body::Streamed,
    };
    Ok(())
}

fn set_target(uri: &Uri, request: &mut Request) -> Result<(), HttpError> {
    let invalid = HttpError::HttpRequestUriInvalid;
    let Some(authority) = uri.authority() else { return Err(invalid) };
    let (host, written) = (authority.host(), authority.as_str());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
    if host.is_empty() || !written.bytes().all(fits) {
        return Err(invalid);
    }
    request.authority = request.fields.store(written.as_bytes());
    request.host = request.fields.store(host.to_ascii_lowercase().as_bytes());
    let mut path = Vec::with_capacity(uri.path().len());
    let Ok(facts) = policy::normalize_path(uri.path().as_bytes(), &mut path) else { return Err(invalid) };
    request.encoded_slash = facts.encoded_slash;
    request.path = request.fields.store(&path);
    if let Some(query) = uri.query() {
        if !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(invalid);
        }
        request.has_query = true;
        request.query = request.fields.store(query.as_bytes());
    }
    Ok(())
}
