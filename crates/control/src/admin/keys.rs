//! Keys: made, listed, shown, changed, revoked, rotated. A key's text is in one answer, and nowhere else.

mod fields;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use policy::KeySecret;
use store::{Key, KeyChange, KeyId, Made, NewKey, Page, Rotation, StoreError, UserId};

use self::fields::{environment, expires, scopes};
use super::Shared;
use super::id::{Id, IdInPath};
use super::idempotency::{OnceHeader, OnceKey, REPLAYED};
use super::json::{JsonBody, text};
use super::precondition::{IfMatch, IfMatchHeader, IfNoneMatch, IfNoneMatchHeader, etag};
use super::problem::Problem;
use super::time::{now_us, read_span, read_time};
use super::users::name;
use super::words::{PageWords, Words};

pub(super) use self::fields::{ChangeKey, CreateKey, RotateKey};
pub(super) use self::view::{KeyView, NewKeyView};

const NAME_DEFAULT: &str = "default";
const ENVIRONMENT_DEFAULT: &str = "live";
const OVERLAP_US_DEFAULT: u64 = 24 * 3600 * 1_000_000;

/// Make a key for a user
///
/// Its text, `secret`, is in this answer and in no other.
#[utoipa::path(
    post, path = "/users/{id}/keys", tag = "keys", params(IdInPath, OnceHeader), request_body = CreateKey,
    responses((status = 201, description = "It is made.", body = NewKeyView<'_>, headers(
        ("Location" = String, description = "Where it is."),
        ("ETag" = String, description = "Its version."),
    )))
)]
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Id(user): Id,
    once: OnceKey,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields_if_any()?;
    let (once, now_us) = (once.of(&fields), now_us());
    let name = fields.optional("name", name);
    let environment = fields.optional("environment", environment);
    let scopes = fields.nullable("scopes", scopes).flatten().unwrap_or_default();
    let expires_us = expires(&mut fields, now_us);
    fields.finish()?;
    let secret = secret(environment.as_deref().unwrap_or(ENVIRONMENT_DEFAULT))?;
    let key = NewKey {
        user_id: UserId(user),
        name: name.unwrap_or_else(|| NAME_DEFAULT.into()),
        prefix: secret.prefix().into(),
        hash: secret.hash(),
        scopes,
        expires_us,
    };
    let made = shared.store()?.create_key(&key, once.as_ref(), now_us).await?;
    Ok(created(&shared, made, &secret))
}

/// List the keys of a user
///
/// By growing id, revoked ones included.
#[utoipa::path(
    get, path = "/users/{id}/keys", tag = "keys", params(IdInPath, PageWords),
    responses((status = 200, description = "A page of keys.", body = [KeyView<'_>],
        headers(("Link" = String, description = "The next page, if there is one."))))
)]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Id(user): Id,
    mut words: Words,
) -> Result<Response, Problem> {
    let (limit, after) = (words.limit(), words.after_id().map(KeyId));
    words.finish()?;
    let mut keys = shared.store()?.keys(UserId(user), Page { after, limit: limit + 1 }).await?;
    let next = words.page(&mut keys, limit, |key| key.id.0.to_string());
    let views: Vec<KeyView<'_>> = keys.iter().map(Into::into).collect();
    Ok((next.map(|next| [next]), Json(views)).into_response())
}

/// Show a key
#[utoipa::path(
    get, path = "/keys/{id}", tag = "keys", params(IdInPath, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The key, without its text.", body = KeyView<'_>,
            headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is at the version of `If-None-Match`; being used is no change."),
    )
)]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let key = shared.store()?.key(KeyId(id)).await?;
    Ok(known.answer(key.version, || Json(KeyView::from(&key)).into_response()))
}

/// Change a key
///
/// By JSON merge patch (RFC 7396): `null` takes the restriction to scopes, or the end, away. A revoked key stays as it is.
#[utoipa::path(
    patch, path = "/keys/{id}", tag = "keys", params(IdInPath, IfMatchHeader),
    request_body(content((ChangeKey = "application/json"), (ChangeKey = "application/merge-patch+json"))),
    responses((status = 200, description = "The key as it is now.", body = KeyView<'_>,
        headers(("ETag" = String, description = "Its version."))))
)]
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    condition: IfMatch,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    let change = KeyChange {
        name: fields.optional("name", name),
        scopes: fields.nullable("scopes", scopes).map(Option::unwrap_or_default),
        expires_us: fields.nullable("expires_at", |raw| read_time(&text(raw)?)),
    };
    fields.finish()?;
    let version = condition.version(version_of(&shared, id)).await?;
    let key = shared.store()?.change_key(KeyId(id), &change, version).await?;
    shared.keys_changed();
    Ok(([etag(key.version)], Json(KeyView::from(&key))).into_response())
}

/// Revoke a key
#[utoipa::path(
    delete, path = "/keys/{id}", tag = "keys", params(IdInPath, IfMatchHeader),
    responses((status = 204, description = "It is revoked."))
)]
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    condition: IfMatch,
) -> Result<Response, Problem> {
    let version = condition.version(version_of(&shared, id)).await?;
    shared.store()?.revoke_key(KeyId(id), version, now_us()).await?;
    shared.keys_changed();
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Rotate a key
///
/// Makes a key with the name, scopes and end of this one, which itself ends when the overlap is over.
#[utoipa::path(
    post, path = "/keys/{id}/rotate", tag = "keys", params(IdInPath, OnceHeader), request_body = RotateKey,
    responses((status = 201, description = "The new key.", body = NewKeyView<'_>, headers(
        ("Location" = String, description = "Where it is."),
        ("ETag" = String, description = "Its version."),
    )))
)]
pub(super) async fn rotate(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    once: OnceKey,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields_if_any()?;
    let (once, now_us) = (once.of(&fields), now_us());
    let overlap = fields.optional("overlap", |raw| read_span(&text(raw)?));
    fields.finish()?;
    let store = shared.store()?;
    let old = store.key(KeyId(id)).await?;
    let secret = secret(environment_of(&old))?;
    let rotation = Rotation {
        prefix: secret.prefix().into(),
        hash: secret.hash(),
        old_expires_us: now_us.saturating_add(overlap.unwrap_or(OVERLAP_US_DEFAULT)),
    };
    let made = store.rotate_key(KeyId(id), &rotation, once.as_ref(), now_us).await?;
    Ok(created(&shared, made, &secret))
}

/// Answers with a key that was made, and with its text if that was now.
fn created(shared: &Shared, made: Made<Key>, secret: &KeySecret) -> Response {
    let (key, secret, replayed) = match made {
        Made::Now(key) => (key, Some(secret.expose()), None),
        Made::Before(key) => (key, None, Some([REPLAYED])),
    };
    if secret.is_some() {
        shared.keys_changed();
    }
    let head = [etag(key.version), (LOCATION, super::location("/keys/", key.id.0))];
    let view = NewKeyView { key: KeyView::from(&key), secret };
    (StatusCode::CREATED, head, replayed, Json(view)).into_response()
}

fn secret(environment: &str) -> Result<KeySecret, Problem> {
    let mut random = [0; 32];
    let made = getrandom::fill(&mut random).ok().and_then(|()| KeySecret::make(environment, random));
    made.ok_or_else(|| {
        tracing::error!("cannot make a key: no random bytes, or an environment of another form");
        Problem::internal()
    })
}

/// The environment in a key's prefix, `lg_<environment>_<digits>`.
fn environment_of(key: &Key) -> &str {
    key.prefix.split('_').nth(1).unwrap_or(ENVIRONMENT_DEFAULT)
}

async fn version_of(shared: &Shared, id: u64) -> Result<u64, StoreError> {
    match shared.store() {
        Ok(store) => store.key(KeyId(id)).await.map(|key| key.version),
        // The write that follows says so.
        Err(_) => Ok(0),
    }
}
