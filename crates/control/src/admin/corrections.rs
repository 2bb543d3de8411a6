//! Corrections of usage: new rows, never edits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use store::{Correction, KeyId, Made, NewCorrection, Once, Page, Store, StoreError, UserId};
use utoipa::ToSchema;

use super::Shared;
use super::amount::{Amount, read_amount, read_whole};
use super::id::{Id, IdInPath};
use super::idempotency::{OnceHeader, OnceKey, REPLAYED};
use super::json::{Fields, JsonBody, Read, line, text};
use super::problem::Problem;
use super::time::{Time, hour_of, now_us, read_time};
use super::users::name;
use super::words::{PageWords, Words};
use crate::limits::{CORRECTION_MAX, NOTE_CHARACTERS};

/// A correction. It is never changed; another one takes it back.
#[derive(Serialize, ToSchema)]
#[schema(as = Correction)]
pub(super) struct CorrectionView<'a> {
    /// Its number.
    #[schema(minimum = 1)]
    id: u64,
    /// Whose usage.
    #[schema(minimum = 1)]
    user_id: u64,
    /// Of which key; `null`: of none.
    #[schema(required = true)]
    key_id: Option<u64>,
    /// On which route; `null`: on none.
    #[schema(required = true)]
    route: Option<&'a str>,
    /// Beginning of the hour it belongs to.
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    /// Exchanges added; negative: taken away.
    count: i64,
    /// Amount added: an exact decimal; negative: taken away.
    #[schema(value_type = f64)]
    value: Amount,
    /// Why.
    note: &'a str,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl<'a> From<&'a Correction> for CorrectionView<'a> {
    fn from(correction: &'a Correction) -> Self {
        let NewCorrection { user_id, key_id, route, hour, count, total, note } = &correction.what;
        Self {
            id: correction.id,
            user_id: user_id.0,
            key_id: key_id.map(|id| id.0),
            route: Some(&**route).filter(|route| !route.is_empty()),
            at: Time::of_hour(*hour),
            count: *count,
            value: Amount(*total),
            note,
            created_at: Time(correction.created_us),
        }
    }
}

/// A correction to be added.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described; read field by field")]
pub(super) struct CreateCorrection {
    /// Amount to add, rounded half to even at a millionth; negative: to take away.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = -12.5)]
    value: f64,
    /// Exchanges to add; negative: to take away.
    #[schema(
        required = false, nullable = false, default = 0,
        minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64
    )]
    count: Option<i64>,
    /// Of which key of the user; left out: of none.
    #[schema(required = false, nullable = false, minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    key_id: Option<u64>,
    /// On which route; left out: on none.
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"
    )]
    route: Option<String>,
    /// When; left out: now. It counts in its whole hour. Times before 1970 are taken for its beginning.
    #[schema(required = false, nullable = false, format = DateTime)]
    at: Option<String>,
    /// Why, for whoever reads the books: 1 to 1000 characters, none of them a control character.
    #[schema(min_length = 1, max_length = 1000, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    note: String,
}

/// Correct the usage of a user
///
/// As long as the user is there: the books of one who was deleted are closed.
#[utoipa::path(
    post, path = "/users/{id}/corrections", tag = "usage", params(IdInPath, OnceHeader),
    request_body = CreateCorrection,
    responses((status = 201, description = "It is added.", body = CorrectionView<'_>))
)]
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Id(user): Id,
    once: OnceKey,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    let (once, now_us) = (once.of(&fields), now_us());
    let mut correction = read(&mut fields, UserId(user), now_us);
    let store = shared.store()?;
    if let Err(error) = store.user(correction.user_id).await {
        // The user may be gone since the same request was made for the first time.
        let before = before(&**store, &error, once.as_ref()).await?;
        return Ok(answer(&before.ok_or(error)?, Some([REPLAYED])));
    }
    if let Some(key) = correction.key_id
        && !is_key_of(&**store, key, UserId(user)).await?
    {
        fields.refuse("key_id", "must be a key of this user");
        correction.key_id = None;
    }
    fields.finish()?;
    Ok(match store.correct(&correction, once.as_ref(), now_us).await? {
        Made::Now(made) => answer(&made, None),
        Made::Before(made) => answer(&made, Some([REPLAYED])),
    })
}

fn answer(made: &Correction, replayed: Option<[(HeaderName, HeaderValue); 1]>) -> Response {
    (StatusCode::CREATED, replayed, Json(CorrectionView::from(made))).into_response()
}

/// What the same request has made, where its user is not there.
async fn before(
    store: &dyn Store,
    error: &StoreError,
    once: Option<&Once>,
) -> Result<Option<Correction>, StoreError> {
    match (error, once) {
        (StoreError::NotFound(_), Some(once)) => store.corrected(once).await,
        _ => Ok(None),
    }
}

/// List the corrections of a user
///
/// By growing number.
#[utoipa::path(
    get, path = "/users/{id}/corrections", tag = "usage", params(IdInPath, PageWords),
    responses((status = 200, description = "A page of corrections.", body = [CorrectionView<'_>],
        headers(("Link" = String, description = "The next page, if there is one."))))
)]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Id(user): Id,
    mut words: Words,
) -> Result<Response, Problem> {
    let (limit, after) = (words.limit(), words.after_id());
    words.finish()?;
    let store = shared.store()?;
    let user = store.user(UserId(user)).await?;
    let mut corrections = store.corrections(user.id, Page { after, limit: limit + 1 }).await?;
    let next = words.page(&mut corrections, limit, |correction| correction.id.to_string());
    let views: Vec<CorrectionView<'_>> = corrections.iter().map(Into::into).collect();
    Ok((next.map(|next| [next]), Json(views)).into_response())
}

fn read(fields: &mut Fields<'_>, user_id: UserId, now_us: u64) -> NewCorrection {
    NewCorrection {
        user_id,
        key_id: fields.optional("key_id", key_id),
        route: fields.optional("route", name).unwrap_or_default(),
        hour: hour_of(fields.optional("at", |raw| read_time(&text(raw)?)).unwrap_or(now_us)),
        count: fields.optional("count", count).unwrap_or_default(),
        total: fields.required("value", value),
        note: fields.required("note", |raw| line(raw, NOTE_CHARACTERS)),
    }
}

async fn is_key_of(store: &dyn Store, key: KeyId, user: UserId) -> Result<bool, StoreError> {
    match store.key(key).await {
        Ok(key) => Ok(key.user_id == user),
        Err(StoreError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn key_id(raw: &RawValue) -> Read<KeyId> {
    let id = read_whole(raw.get()).and_then(|id| u64::try_from(id).ok());
    id.filter(|id| *id > 0).map(KeyId).ok_or_else(|| "must be an id".into())
}

fn count(raw: &RawValue) -> Read<i64> {
    read_whole(raw.get())
        .filter(|count| (-CORRECTION_MAX..=CORRECTION_MAX).contains(count))
        .ok_or_else(|| format!("must be a whole number of at most {CORRECTION_MAX}, either sign").into())
}

fn value(raw: &RawValue) -> Read<i128> {
    let most = i128::from(CORRECTION_MAX) * 1_000_000;
    let value = read_amount(raw.get()).filter(|value| (-most..=most).contains(value));
    value.ok_or_else(|| format!("must be a number of at most {CORRECTION_MAX}, either sign").into())
}
