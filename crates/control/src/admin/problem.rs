//! Refusals as problem documents (RFC 9457), and the headers every answer of the admin API has.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use store::StoreError;
use utoipa::ToSchema;

use crate::chain::chain_of;
use crate::limits::RETRY_AFTER_SECONDS;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Headers that say something the problem document does not.
const KEPT: [HeaderName; 2] = [ALLOW, RETRY_AFTER];

/// A refusal on its way to the client. It says what the client can act on and nothing of the inside.
pub(super) struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
    /// Whether coming again later may help.
    is_passing: bool,
}

/// A problem document (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "described; documents are written by `Problem`")]
pub(super) struct ProblemView {
    /// What kind of problem it is; `about:blank`: what the status says.
    #[schema(example = "about:blank")]
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, for a person.
    detail: String,
    /// What is wrong with which field of the body or word of the query.
    #[schema(required = false, nullable = false)]
    errors: Option<Vec<FieldError>>,
}

/// What is wrong with one field of a body, or one word of a query.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// Its name.
    #[schema(value_type = String)]
    pub(super) field: Cow<'static, str>,
    /// What is wrong, for a person.
    #[schema(value_type = String)]
    pub(super) detail: Cow<'static, str>,
}

impl FieldError {
    pub(super) fn new(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

impl Problem {
    /// Makes a problem; `detail` is one sentence for a person.
    pub(super) fn new(status: StatusCode, detail: &str) -> Self {
        let mut members = Map::new();
        members.insert("type".into(), "about:blank".into());
        members.insert("title".into(), status.canonical_reason().unwrap_or("Unknown").into());
        members.insert("status".into(), status.as_u16().into());
        members.insert("detail".into(), detail.into());
        Self { status, members, is_passing: false }
    }

    /// Adds an extension member (RFC 9457, section 3.2).
    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.into(), value.into());
        self
    }

    /// Says of each field what is wrong with it.
    pub(super) fn of_fields(status: StatusCode, detail: &str, errors: &[FieldError]) -> Self {
        // A list of texts is always JSON.
        Self::new(status, detail).with("errors", serde_json::to_value(errors).unwrap_or_default())
    }

    /// Says that something went wrong inside, and not what: the log says that.
    pub(super) fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, detail_of(status))
    }

    /// Its status.
    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its members.
    #[cfg(test)]
    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Says that the answer may be another one later: 503 with `Retry-After`.
    pub(super) fn passing(detail: &str) -> Self {
        Self { is_passing: true, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(CONTENT_TYPE, MEDIA_TYPE)], Json(self.members)).into_response();
        if self.is_passing {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let refuse = Self::new;
        match error {
            StoreError::NotFound(what) => refuse(StatusCode::NOT_FOUND, &format!("There is no such {what}.")),
            StoreError::EmailTaken => refuse(StatusCode::CONFLICT, "Another user has this e-mail address."),
            StoreError::Changed { version } => refuse(
                StatusCode::PRECONDITION_FAILED,
                "It was changed meanwhile; look at it again before changing it.",
            )
            .with("version", version),
            StoreError::OnceReused => refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This `Idempotency-Key` was used for another request; a new request needs a new one.",
            ),
            StoreError::Unavailable(_) | StoreError::Full(_) => {
                tracing::warn!(error = %chain_of(&error), "the admin API cannot reach the database");
                Self::passing("The database does not take the request at present; known keys go on working.")
            }
            StoreError::Folded | StoreError::Newer { .. } | StoreError::Failed(_) => {
                tracing::error!(error = %chain_of(&error), "the database failed under the admin API");
                Self::internal()
            }
        }
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
