//! Users: listed, made, shown, changed, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use store::{Made, NewUser, Page, StoreError, User, UserChange, UserId};
use utoipa::ToSchema;

use super::Shared;
use super::id::{Id, IdInPath};
use super::idempotency::{OnceHeader, OnceKey, REPLAYED};
use super::json::{JsonBody, Read, line, text};
use super::precondition::{IfMatch, IfMatchHeader, IfNoneMatch, IfNoneMatchHeader, etag};
use super::problem::Problem;
use super::time::{Time, now_us};
use super::words::{PageWords, Words};
use crate::limits::{EMAIL_CHARACTERS, NAME_CHARACTERS};

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView<'a> {
    /// Its name for ever.
    #[schema(minimum = 1)]
    id: u64,
    /// What people call it.
    name: &'a str,
    /// Its address.
    email: &'a str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Counts its changes; what `ETag` says.
    #[schema(minimum = 1)]
    version: u64,
}

impl<'a> From<&'a User> for UserView<'a> {
    fn from(user: &'a User) -> Self {
        let User { id, name, email, created_us, version } = user;
        Self { id: id.0, name, email, created_at: Time(*created_us), version: *version }
    }
}

/// A user to be made.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described; read field by field")]
pub(super) struct CreateUser {
    /// What people call it: 1 to 200 characters, none of them a control character.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        example = "Ada"
    )]
    name: String,
    /// Its address; no two users share one, whatever its case.
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = r"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$",
        example = "ada@example.com"
    )]
    email: String,
}

/// What is to be different; what is left out stays.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described; read field by field")]
pub(super) struct ChangeUser {
    /// What people call it: 1 to 200 characters, none of them a control character.
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        example = "Ada"
    )]
    name: Option<String>,
    /// Its address; no two users share one, whatever its case.
    #[schema(
        required = false,
        nullable = false,
        min_length = 3,
        max_length = 254,
        example = "ada@example.com",
        pattern = r"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$"
    )]
    email: Option<String>,
}

/// Which users to list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "described, and read by `Words`")]
pub(super) struct UserWords {
    /// Only the user with this address, whatever its case.
    #[param(
        required = false,
        min_length = 3,
        max_length = 254,
        pattern = r"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$"
    )]
    email: String,
}

/// List the users
///
/// By growing id.
#[utoipa::path(
    get, path = "/users", tag = "users", params(PageWords, UserWords),
    responses((status = 200, description = "A page of users.", body = [UserView<'_>],
        headers(("Link" = String, description = "The next page, if there is one."))))
)]
pub(super) async fn list(State(shared): State<Arc<Shared>>, mut words: Words) -> Result<Response, Problem> {
    let (limit, after) = (words.limit(), words.after_id().map(UserId));
    let email = words.optional("email", |text| checked_email(text.to_owned()));
    words.finish()?;
    let store = shared.store()?;
    let mut users = match email {
        Some(email) => {
            let found = match store.user_by_email(&email).await {
                Err(StoreError::NotFound(_)) => None,
                found => Some(found?),
            };
            found.into_iter().filter(|user| after.is_none_or(|after| user.id > after)).collect()
        }
        None => store.users(Page { after, limit: limit + 1 }).await?,
    };
    let next = words.page(&mut users, limit, |user| user.id.0.to_string());
    let views: Vec<UserView<'_>> = users.iter().map(Into::into).collect();
    Ok((next.map(|next| [next]), Json(views)).into_response())
}

/// Make a user
#[utoipa::path(
    post, path = "/users", tag = "users", params(OnceHeader), request_body = CreateUser,
    responses(
        (status = 201, description = "It is made.", body = UserView<'_>, headers(
            ("Location" = String, description = "Where it is."),
            ("ETag" = String, description = "Its version."),
        )),
        (status = 409, description = "Another user has the e-mail address.", body = super::problem::ProblemView,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    once: OnceKey,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    let once = once.of(&fields);
    let user = NewUser { name: fields.required("name", name), email: fields.required("email", email) };
    fields.finish()?;
    let (user, replayed) = match shared.store()?.create_user(&user, once.as_ref(), now_us()).await? {
        Made::Now(user) => (user, None),
        Made::Before(user) => (user, Some([REPLAYED])),
    };
    let head = [etag(user.version), (LOCATION, super::location("/users/", user.id.0))];
    Ok((StatusCode::CREATED, head, replayed, Json(UserView::from(&user))).into_response())
}

/// Show a user
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", params(IdInPath, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The user.", body = UserView<'_>,
            headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is at the version of `If-None-Match`."),
    )
)]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let user = shared.store()?.user(UserId(id)).await?;
    Ok(known.answer(user.version, || Json(UserView::from(&user)).into_response()))
}

/// Change a user
///
/// By JSON merge patch (RFC 7396).
#[utoipa::path(
    patch, path = "/users/{id}", tag = "users", params(IdInPath, IfMatchHeader),
    request_body(content((ChangeUser = "application/json"), (ChangeUser = "application/merge-patch+json"))),
    responses(
        (status = 200, description = "The user as it is now.", body = UserView<'_>,
            headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "Another user has the e-mail address.", body = super::problem::ProblemView,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    condition: IfMatch,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    let change = UserChange { name: fields.optional("name", name), email: fields.optional("email", email) };
    fields.finish()?;
    let store = shared.store()?;
    let version = condition.version(version_of(&shared, id)).await?;
    let user = store.change_user(UserId(id), &change, version).await?;
    Ok(([etag(user.version)], Json(UserView::from(&user))).into_response())
}

/// Delete a user
///
/// Its keys are revoked. Its usage stays; its id is not used again, its address may be.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "users", params(IdInPath, IfMatchHeader),
    responses((status = 204, description = "It is deleted."))
)]
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Id(id): Id,
    condition: IfMatch,
) -> Result<Response, Problem> {
    let version = condition.version(version_of(&shared, id)).await?;
    shared.store()?.delete_user(UserId(id), version, now_us()).await?;
    shared.keys_changed();
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn version_of(shared: &Shared, id: u64) -> Result<u64, StoreError> {
    match shared.store() {
        Ok(store) => store.user(UserId(id)).await.map(|user| user.version),
        // The write that follows says so.
        Err(_) => Ok(0),
    }
}

/// Reads a name.
pub(super) fn name(raw: &RawValue) -> Read<String> {
    line(raw, NAME_CHARACTERS)
}

/// Reads an address.
fn email(raw: &RawValue) -> Read<String> {
    text(raw).and_then(checked_email)
}

/// An address has one `@` with something on either side. Whether it takes mail, only mail can tell.
fn checked_email(text: String) -> Read<String> {
    let is_plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control())
    };
    let is_email = text.split_once('@').is_some_and(|(local, domain)| is_plain(local) && is_plain(domain));
    if is_email && text.chars().count() <= EMAIL_CHARACTERS {
        return Ok(text);
    }
    Err(format!("must be an e-mail address of at most {EMAIL_CHARACTERS} characters").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_and_no_space() {
        let check = |text: &str, is_taken| {
            assert_eq!(checked_email(text.into()).is_ok(), is_taken, "{text}");
        };
        check("ada@example.com", true);
        check("ünï@例え.jp", true);
        check(&format!("{}@b", "a".repeat(252)), true);
        check(&format!("{}@b", "a".repeat(253)), false);
        for wrong in ["", "ada", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a\u{0}@b", "a@b\u{a0}"] {
            check(wrong, false);
        }
    }
}
