//! Users.

use sqlx::{SqliteConnection, query, query_as};
use store::{Made, NewUser, Once, Page, StoreError, User, UserChange, UserId, email_key};

use crate::error::Error;
use crate::numbers::{clamped, signed};
use crate::{keys, once};

struct Row {
    id: i64,
    name: String,
    email: String,
    created_us: i64,
    version: i64,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: UserId(row.id.cast_unsigned()),
            name: row.name,
            email: row.email,
            created_us: row.created_us.cast_unsigned(),
            version: row.version.cast_unsigned(),
        }
    }
}

/// Makes a user: with one statement, unless the request is one that may come again.
pub(crate) async fn create(
    connection: &mut SqliteConnection,
    user: &NewUser,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<User>, Error> {
    if let Some(id) = once::made(connection, once).await? {
        return Ok(Made::Before(get(connection, id).await?));
    }
    let (email_key, created_us) = (email_key(&user.email), signed(now_us)?);
    let inserted = query!(
        "INSERT INTO users (name, email, email_key, created_us, version) VALUES (?, ?, ?, ?, 1)",
        user.name,
        user.email,
        email_key,
        created_us
    );
    let id = inserted.execute(&mut *connection).await.map_err(email_taken)?.last_insert_rowid();
    once::remember(connection, once, id, now_us).await?;
    let (name, email) = (user.name.clone(), user.email.clone());
    Ok(Made::Now(User { id: UserId(id.cast_unsigned()), name, email, created_us: now_us, version: 1 }))
}

/// The address is all that users must not share.
fn email_taken(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::EmailTaken.into(),
        _ => error.into(),
    }
}

pub(crate) async fn list(connection: &mut SqliteConnection, page: Page<UserId>) -> Result<Vec<User>, Error> {
    let (after, limit) = (page.after.map_or(0, |id| clamped(id.0)), i64::from(page.limit));
    let rows = query_as!(
        Row,
        "SELECT id, name, email, created_us, version FROM users WHERE id > ? ORDER BY id LIMIT ?",
        after,
        limit
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(User::from).collect())
}

pub(crate) async fn get(connection: &mut SqliteConnection, id: i64) -> Result<User, Error> {
    let row = query_as!(Row, "SELECT id, name, email, created_us, version FROM users WHERE id = ?", id);
    Ok(row.fetch_optional(connection).await?.ok_or(StoreError::NotFound("user"))?.into())
}

pub(crate) async fn get_by_email(connection: &mut SqliteConnection, email: &str) -> Result<User, Error> {
    let email_key = email_key(email);
    let row = query_as!(
        Row,
        "SELECT id, name, email, created_us, version FROM users WHERE email_key = ?",
        email_key
    );
    Ok(row.fetch_optional(connection).await?.ok_or(StoreError::NotFound("user"))?.into())
}

/// The user, if it is at the version that was named.
async fn get_version(
    connection: &mut SqliteConnection,
    id: i64,
    version: Option<u64>,
) -> Result<User, Error> {
    let user = get(connection, id).await?;
    crate::check_version(user.version, version)?;
    Ok(user)
}

pub(crate) async fn change(
    connection: &mut SqliteConnection,
    id: UserId,
    change: &UserChange,
    version: Option<u64>,
) -> Result<User, Error> {
    let id = clamped(id.0);
    let user = get_version(connection, id, version).await?;
    let name = change.name.as_ref().unwrap_or(&user.name);
    let email = change.email.as_ref().unwrap_or(&user.email);
    let email_key = email_key(email);
    let updated = query!(
        "UPDATE users SET name = ?, email = ?, email_key = ?, version = version + 1 WHERE id = ?",
        name,
        email,
        email_key,
        id
    );
    updated.execute(&mut *connection).await.map_err(email_taken)?;
    get(connection, id).await
}

pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    id: UserId,
    version: Option<u64>,
    now_us: u64,
) -> Result<(), Error> {
    let id = clamped(id.0);
    get_version(connection, id, version).await?;
    keys::revoke_all_of(connection, id, now_us).await?;
    query!("DELETE FROM users WHERE id = ?", id).execute(connection).await?;
    Ok(())
}
