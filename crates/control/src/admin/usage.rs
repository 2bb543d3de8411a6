//! Usage: what everybody, or one user, consumed; as pages of JSON, or whole as CSV or NDJSON.

mod row;
mod stream;
mod words;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use store::UserId;
use tokio::time::timeout;

use self::row::{cursor, is_total, total_of_nothing};
use self::words::{Asked, Format};
use super::Shared;
use super::id::{Id, IdInPath, read_id};
use super::problem::Problem;
use super::words::Words;
use crate::limits::{PAGE_ENTRIES_DEFAULT, REQUEST_TIMEOUT, USAGE_STREAM};

pub(super) use self::row::UsageRowView;
pub(super) use self::words::UsageWords;

/// Whose usage.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "described, and read by `Words`")]
pub(super) struct OfUserWord {
    /// Only the usage of this user, who may have been deleted.
    #[param(required = false, minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    user: u64,
}

/// Sum usage
///
/// By user, unless `by` says otherwise. CSV and NDJSON (by `format`, or by `Accept`) are sent whole, however long, unless `limit` is
/// there, as they were at one moment. Usage counted while pages of JSON are asked for may be in later ones and not in earlier ones.
#[utoipa::path(
    get, path = "/usage", tag = "usage", params(UsageWords, OfUserWord),
    responses((status = 200, description = "Rows of usage, corrections included, in the order of what they are told apart by.",
        headers(("Link" = String, description = "The next page, if there is one.")),
        content(([UsageRowView<'_>] = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))))
)]
pub(super) async fn of_all(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    mut words: Words,
) -> Result<Response, Problem> {
    let user = words.optional("user", |text| read_id(text).ok_or("must be an id".into()));
    let mut asked = Asked::read(&mut words, &headers)?;
    asked.query.user_id = user.map(UserId);
    if !asked.says_by {
        asked.query.by.user = true;
    }
    in_time(asked.format, answer(&shared, asked, &words)).await
}

/// Sum the usage of a user
///
/// In one row, unless `by` says otherwise. For a user who was deleted, ask `/usage?user=`.
#[utoipa::path(
    get, path = "/users/{id}/usage", tag = "usage", params(IdInPath, UsageWords),
    responses((status = 200, description = "Rows of usage, corrections included, in the order of what they are told apart by.",
        headers(("Link" = String, description = "The next page, if there is one.")),
        content(([UsageRowView<'_>] = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))))
)]
pub(super) async fn of_user(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    headers: HeaderMap,
    mut words: Words,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(&mut words, &headers)?;
    in_time(asked.format, async {
        let user = shared.store()?.user(UserId(id)).await?;
        asked.query.user_id = Some(user.id);
        asked.query.by.user = true;
        answer(&shared, asked, &words).await
    })
    .await
}

/// A page has the time of every other answer. What is sent whole may have all of it to be summed before its head can be sent.
async fn in_time(
    format: Format,
    answer: impl Future<Output = Result<Response, Problem>>,
) -> Result<Response, Problem> {
    let limit = if format == Format::Json { REQUEST_TIMEOUT } else { USAGE_STREAM };
    timeout(limit, answer).await.unwrap_or_else(|_| Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()))
}

async fn answer(shared: &Shared, asked: Asked, words: &Words) -> Result<Response, Problem> {
    let store = shared.store()?;
    let Asked { mut query, format, limit, .. } = asked;
    if format != Format::Json {
        return stream::answer(store, query, format, limit).await;
    }
    let limit = limit.unwrap_or(PAGE_ENTRIES_DEFAULT);
    query.limit = limit + 1;
    let mut rows = store.usage(&query).await?;
    if rows.is_empty() && is_total(&query) && query.after.is_none() {
        rows.push(total_of_nothing(&query));
    }
    let next = words.page(&mut rows, limit, |row| cursor(row, query.by));
    let views: Vec<UsageRowView<'_>> = rows.iter().map(|row| UsageRowView::of(row, query.by)).collect();
    Ok((next.map(|next| [next]), Json(views)).into_response())
}
