//! Users.

use sqlx::{PgConnection, PgPool};
use store::{Made, NewUser, Once, Page, StoreError, User, UserChange, UserId, email_key};

use crate::failure::Failure;
use crate::number::{from_sql, to_sql};
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
            id: UserId(from_sql(row.id)),
            name: row.name,
            email: row.email,
            created_us: from_sql(row.created_us),
            version: from_sql(row.version),
        }
    }
}

pub(crate) async fn create(
    pool: &PgPool,
    user: &NewUser,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<User>, Failure> {
    let mut transaction = pool.begin().await?;
    if let Some(id) = once::before(&mut transaction, once, now_us).await? {
        return Ok(Made::Before(read(&mut transaction, UserId(id)).await?));
    }
    let row = sqlx::query_as!(
        Row,
        "INSERT INTO lockgate.users (name, email, email_key, created_us) VALUES ($1, $2, $3, $4)
         RETURNING id, name, email, created_us, version",
        user.name,
        user.email,
        email_key(&user.email),
        to_sql(now_us)
    )
    .fetch_one(&mut *transaction)
    .await?;
    once::made(&mut transaction, once, row.id).await?;
    transaction.commit().await?;
    Ok(Made::Now(row.into()))
}

pub(crate) async fn list(pool: &PgPool, page: Page<UserId>) -> Result<Vec<User>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, email, created_us, version FROM lockgate.users WHERE id > $1 ORDER BY id LIMIT $2",
        to_sql(page.after.map_or(0, |id| id.0)),
        i64::from(page.limit)
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

pub(crate) async fn find(pool: &PgPool, id: UserId) -> Result<User, Failure> {
    read(&mut *pool.acquire().await?, id).await
}

pub(crate) async fn read(connection: &mut PgConnection, id: UserId) -> Result<User, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, email, created_us, version FROM lockgate.users WHERE id = $1",
        to_sql(id.0)
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.ok_or(StoreError::NotFound("user"))?.into())
}

pub(crate) async fn by_email(pool: &PgPool, email: &str) -> Result<User, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, email, created_us, version FROM lockgate.users WHERE email_key = $1",
        email_key(email)
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.ok_or(StoreError::NotFound("user"))?.into())
}

pub(crate) async fn change(
    pool: &PgPool,
    id: UserId,
    change: &UserChange,
    version: Option<u64>,
) -> Result<User, Failure> {
    let mut transaction = pool.begin().await?;
    let row = sqlx::query_as!(
        Row,
        "UPDATE lockgate.users
         SET name = coalesce($2, name), email = coalesce($3, email), email_key = coalesce($4, email_key),
             version = version + 1
         WHERE id = $1 AND version = coalesce($5, version)
         RETURNING id, name, email, created_us, version",
        to_sql(id.0),
        change.name.as_deref(),
        change.email.as_deref(),
        change.email.as_deref().map(email_key),
        version.map(to_sql)
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = row else { return Err(untouched(&mut transaction, id).await) };
    transaction.commit().await?;
    Ok(row.into())
}

pub(crate) async fn delete(
    pool: &PgPool,
    id: UserId,
    version: Option<u64>,
    now_us: u64,
) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    let deleted = sqlx::query!(
        "DELETE FROM lockgate.users WHERE id = $1 AND version = coalesce($2, version)",
        to_sql(id.0),
        version.map(to_sql)
    )
    .execute(&mut *transaction)
    .await?;
    if deleted.rows_affected() == 0 {
        return Err(untouched(&mut transaction, id).await);
    }
    keys::revoke_all_of(&mut transaction, id, now_us).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether a user exists, and if so, goes on existing until the transaction ends.
pub(crate) async fn holds(connection: &mut PgConnection, id: UserId) -> Result<bool, Failure> {
    let held = sqlx::query!("SELECT id FROM lockgate.users WHERE id = $1 FOR KEY SHARE", to_sql(id.0));
    Ok(held.fetch_optional(connection).await?.is_some())
}

/// Why no row was touched: there is none, or it has another version.
async fn untouched(connection: &mut PgConnection, id: UserId) -> Failure {
    match read(connection, id).await {
        Ok(user) => StoreError::Changed { version: user.version }.into(),
        Err(failure) => failure,
    }
}
