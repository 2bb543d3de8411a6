//! Refusals as problem documents (RFC 9457), and the headers every answer of the admin API has.

use axum::Json;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Headers that say something the problem document does not.
const KEPT: [HeaderName; 2] = [ALLOW, RETRY_AFTER];

/// A refusal on its way to the client. It says what the client can act on and nothing of the inside.
pub(super) struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
}

impl Problem {
    /// Makes a problem; `detail` is one sentence for a person.
    pub(super) fn new(status: StatusCode, detail: &str) -> Self {
        let mut members = Map::new();
        members.insert("type".into(), "about:blank".into());
        members.insert("title".into(), status.canonical_reason().unwrap_or("Unknown").into());
        members.insert("status".into(), status.as_u16().into());
        members.insert("detail".into(), detail.into());
        Self { status, members }
    }

    /// Adds an extension member (RFC 9457, section 3.2).
    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.into(), value.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, MEDIA_TYPE)], Json(self.members)).into_response()
    }
}

/// Turns the bare refusals of routing, extractors and layers into problem documents, and adds the common headers.
pub(super) async fn finish(response: Response) -> Response {
    let mut response = if is_bare_refusal(&response) { dressed(&response) } else { response };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn is_bare_refusal(response: &Response) -> bool {
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    refused && response.headers().get(CONTENT_TYPE) != Some(&MEDIA_TYPE)
}

fn dressed(bare: &Response) -> Response {
    let mut response = Problem::new(bare.status(), detail_of(bare.status())).into_response();
    for name in KEPT {
        if let Some(value) = bare.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn detail_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => "This path does not offer the method; `Allow` lists those it does.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is larger than the admin API takes.",
        StatusCode::SERVICE_UNAVAILABLE => "The answer took too long; what was asked for may still happen.",
        status if status.is_server_error() => "The gateway could not answer; its log says why.",
        _ => "The request cannot be understood.",
    }
}
