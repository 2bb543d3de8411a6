//! The OpenAPI document: made from the handlers and their types, with the refusals that follow from what an operation asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, PathItem, Ref, RefOr, Required, Schema};
use utoipa::{Modify, OpenApi};

use super::problem::ProblemView;
use super::{api, corrections, events, keys, usage, users};

/// The document as JSON.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi_document().into());

/// Writes the file `docs/reference/openapi.json`.
pub fn openapi_document() -> String {
    let mut text = Api::openapi().to_pretty_json().expect("a document of texts and numbers is always JSON");
    text.push('\n');
    text
}

/// Show the OpenAPI document
#[utoipa::path(
    get, path = "/openapi.json", tag = "process", security(()),
    responses((status = 200, description = "This document.", body = Object))
)]
pub(super) async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockgate admin API",
        description = "Users, their keys and their usage; routes, upstreams, functions, metrics and live events of one gateway.",
    ),
    paths(
        api::index, api::health, api::ready, api::metrics, api::routes, api::upstreams, api::functions, events::events,
        api::reload, document,
        users::list, users::create, users::show, users::change, users::delete,
        keys::create, keys::list, keys::show, keys::change, keys::revoke, keys::rotate,
        usage::of_all, usage::of_user, corrections::create, corrections::list,
    ),
    components(schemas(ProblemView, DateOrTime)),
    security(("token" = [])),
    modifiers(&Tokens, &Refusals, &KeyBodies),
)]
pub(super) struct Api;

/// Every operation with its method and path.
pub(super) fn operations(
    paths: &mut BTreeMap<String, PathItem>,
) -> Vec<(&'static str, &str, &mut Operation)> {
    let mut operations = Vec::new();
    for (path, item) in paths {
        let methods = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        let named = methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)));
        operations.extend(named.map(|(method, operation)| (method, &**path, operation)));
    }
    operations
}

/// Whether an operation asks for a token.
pub(super) fn is_guarded(operation: &Operation) -> bool {
    operation.security.is_none()
}

/// How tokens are sent.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The refusals that follow from what an operation asks for.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (method, path, operation) in operations(&mut document.paths.paths) {
            let refusals: Vec<_> = refusals_of(method, path, operation).collect();
            for (status, what) in refusals {
                let responses = &mut operation.responses.responses;
                responses.entry(status.into()).or_insert_with(|| RefOr::T(refusal(status, what)));
            }
        }
    }
}

/// Status and meaning of the refusals of an operation.
fn refusals_of(
    method: &str,
    path: &str,
    operation: &Operation,
) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has = |test: &dyn Fn(&Parameter) -> bool| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if test(parameter)))
    };
    let has_query = has(&|parameter| matches!(parameter.parameter_in, ParameterIn::Query));
    let has_once = has(&|parameter| parameter.name == "Idempotency-Key");
    let has_if_match = has(&|parameter| parameter.name == "If-Match");
    let has_body = operation.request_body.is_some();
    let is_guarded = is_guarded(operation);
    [
        (
            has_body || has_query || has_once,
            "400",
            "The body is not JSON, or a word or header field is wrong.",
        ),
        (is_guarded, "401", "There is no token, or it is not one of this gateway's."),
        (method != "GET", "403", "The read-only token cannot change anything."),
        (path.contains('{'), "404", "There is no such thing."),
        (has_if_match, "412", "It is at another version than `If-Match` says."),
        (has_body, "413", "The body is too large."),
        (has_body, "415", "The body does not say that it is JSON."),
        (
            has_body,
            "422",
            "A field is wrong, unknown or missing, or the idempotency key was used for another request.",
        ),
        (is_guarded, "500", "Something went wrong; the gateway's log says what."),
        (is_guarded, "503", "The database cannot be reached, or the answer took too long."),
    ]
    .into_iter()
    .filter_map(|(applies, status, what)| applies.then_some((status, what)))
}

fn refusal(status: &str, what: &str) -> utoipa::openapi::Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(what).content("application/problem+json", problem);
    match status {
        "401" => response.header("WWW-Authenticate", Header::default()).build(),
        _ => response.build(),
    }
}

/// What no attribute can say of the bodies about keys.
struct KeyBodies;

impl Modify for KeyBodies {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (method, path, operation) in operations(&mut document.paths.paths) {
            let may_be_left_out = method == "POST" && (path.ends_with("/keys") || path.ends_with("/rotate"));
            if let Some(body) = operation.request_body.as_mut().filter(|_| may_be_left_out) {
                leave_out(body);
            }
        }
        let schemas = document.components.as_mut().map(|components| &mut components.schemas);
        let schema = schemas.and_then(|schemas| schemas.get_mut("CreateKey"));
        if let Some(RefOr::T(Schema::Object(object))) = schema {
            // It names its end in one way at most.
            let both = serde_json::json!({ "required": ["expires_at", "expires_in"] });
            object.extensions.get_or_insert_default().insert("not".into(), both);
        }
    }
}

fn leave_out(body: &mut RefOr<RequestBody>) {
    if let RefOr::T(body) = body {
        body.required = Some(Required::False);
    }
}

/// A date, or a time with its offset from UTC.
pub(super) struct DateOrTime;

impl utoipa::PartialSchema for DateOrTime {
    fn schema() -> RefOr<Schema> {
        let text = |format| {
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
        };
        AnyOfBuilder::new().item(text(KnownFormat::DateTime)).item(text(KnownFormat::Date)).into()
    }
}

impl utoipa::ToSchema for DateOrTime {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_page;

    #[test]
    fn the_document_is_the_one_checked_in() {
        check_page("openapi.json", &openapi_document());
    }
}
