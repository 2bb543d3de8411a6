//! Keys. Locks are taken in one order, so that nobody waits in a circle: the user, its keys, the number of the change.

use sqlx::{PgConnection, PgPool};
use store::{Key, KeyChange, KeyId, Made, NewKey, Once, Page, Rotation, StoreError, UserId};

use crate::failure::Failure;
use crate::number::{from_sql, to_sql};
use crate::row::{KeyRow, scopes_to_sql};
use crate::{changes, once, users};

pub(crate) async fn create(
    pool: &PgPool,
    key: &NewKey,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<Key>, Failure> {
    let mut transaction = pool.begin().await?;
    if let Some(id) = once::before(&mut transaction, once, now_us).await? {
        return Ok(Made::Before(read(&mut transaction, KeyId(id)).await?));
    }
    if !users::holds(&mut transaction, key.user_id).await? {
        return Err(StoreError::NotFound("user").into());
    }
    let number = changes::next(&mut transaction, 1).await?;
    let scopes = scopes_to_sql(&key.scopes);
    let id = sqlx::query_scalar!(
        "INSERT INTO lockgate.keys (user_id, name, prefix, hash, scopes, created_us, expires_us, change)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        to_sql(key.user_id.0),
        key.name,
        key.prefix,
        &key.hash.0[..],
        scopes.as_deref(),
        to_sql(now_us),
        key.expires_us.map(to_sql),
        number
    )
    .fetch_one(&mut *transaction)
    .await?;
    once::made(&mut transaction, once, id).await?;
    let key = read(&mut transaction, KeyId(from_sql(id))).await?;
    transaction.commit().await?;
    Ok(Made::Now(key))
}

pub(crate) async fn list(pool: &PgPool, user: UserId, page: Page<KeyId>) -> Result<Vec<Key>, Failure> {
    let mut connection = pool.acquire().await?;
    users::read(&mut connection, user).await?;
    let rows = sqlx::query_as!(
        KeyRow,
        r#"SELECT id, user_id, name, prefix, scopes, created_us, expires_us, revoked_us,
                  used_us AS "used_us?", version
           FROM lockgate.keys LEFT JOIN lockgate.key_uses ON key_id = id
           WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
        to_sql(user.0),
        to_sql(page.after.map_or(0, |id| id.0)),
        i64::from(page.limit)
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rows.into_iter().map(Key::from).collect())
}

pub(crate) async fn find(pool: &PgPool, id: KeyId) -> Result<Key, Failure> {
    read(&mut *pool.acquire().await?, id).await
}

async fn read(connection: &mut PgConnection, id: KeyId) -> Result<Key, Failure> {
    let row = sqlx::query_as!(
        KeyRow,
        r#"SELECT id, user_id, name, prefix, scopes, created_us, expires_us, revoked_us,
                  used_us AS "used_us?", version
           FROM lockgate.keys LEFT JOIN lockgate.key_uses ON key_id = id
           WHERE id = $1"#,
        to_sql(id.0)
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.ok_or(StoreError::NotFound("key"))?.into())
}

pub(crate) async fn change(
    pool: &PgPool,
    id: KeyId,
    change: &KeyChange,
    version: Option<u64>,
) -> Result<Key, Failure> {
    let mut transaction = pool.begin().await?;
    hold(&mut transaction, id, version).await?;
    let number = changes::next(&mut transaction, 1).await?;
    let scopes = change.scopes.as_ref().and_then(scopes_to_sql);
    sqlx::query!(
        "UPDATE lockgate.keys
         SET name = coalesce($2, name),
             scopes = CASE WHEN $3 THEN $4 ELSE scopes END,
             expires_us = CASE WHEN $5 THEN $6 ELSE expires_us END,
             version = version + 1, change = $7
         WHERE id = $1",
        to_sql(id.0),
        change.name.as_deref(),
        change.scopes.is_some(),
        scopes.as_deref(),
        change.expires_us.is_some(),
        change.expires_us.flatten().map(to_sql),
        number
    )
    .execute(&mut *transaction)
    .await?;
    let key = read(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(key)
}

pub(crate) async fn revoke(
    pool: &PgPool,
    id: KeyId,
    version: Option<u64>,
    now_us: u64,
) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    hold(&mut transaction, id, version).await?;
    revoke_held(&mut transaction, &[to_sql(id.0)], now_us).await?;
    transaction.commit().await?;
    Ok(())
}

/// Revokes what keys a user has. The user's row has been deleted in the same transaction, so that there will be no more of them.
pub(crate) async fn revoke_all_of(
    connection: &mut PgConnection,
    user: UserId,
    now_us: u64,
) -> Result<(), Failure> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM lockgate.keys WHERE user_id = $1 AND revoked_us IS NULL ORDER BY id FOR UPDATE",
        to_sql(user.0)
    )
    .fetch_all(&mut *connection)
    .await?;
    if ids.is_empty() { Ok(()) } else { revoke_held(connection, &ids, now_us).await }
}

async fn revoke_held(connection: &mut PgConnection, ids: &[i64], now_us: u64) -> Result<(), Failure> {
    let count = to_sql(ids.len() as u64);
    let last = changes::next(connection, count).await?;
    sqlx::query!(
        "UPDATE lockgate.keys
         SET revoked_us = $2, version = version + 1, change = $3 + held.place
         FROM unnest($1::BIGINT[]) WITH ORDINALITY AS held (id, place)
         WHERE keys.id = held.id",
        ids,
        to_sql(now_us),
        last - count
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn rotate(
    pool: &PgPool,
    id: KeyId,
    rotation: &Rotation,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<Key>, Failure> {
    let mut transaction = pool.begin().await?;
    if let Some(id) = once::before(&mut transaction, once, now_us).await? {
        return Ok(Made::Before(read(&mut transaction, KeyId(id)).await?));
    }
    let old = read(&mut transaction, id).await?;
    // A deleted user has only revoked keys.
    if !users::holds(&mut transaction, old.user_id).await? {
        return Err(StoreError::NotFound("key").into());
    }
    hold(&mut transaction, id, None).await?;
    let last = changes::next(&mut transaction, 2).await?;
    let successor = sqlx::query_scalar!(
        "INSERT INTO lockgate.keys (user_id, name, prefix, hash, scopes, created_us, expires_us, change)
         SELECT user_id, name, $2, $3, scopes, $4, expires_us, $5 FROM lockgate.keys WHERE id = $1
         RETURNING id",
        to_sql(id.0),
        rotation.prefix,
        &rotation.hash.0[..],
        to_sql(now_us),
        last
    )
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query!(
        "UPDATE lockgate.keys SET expires_us = least(expires_us, $2), version = version + 1, change = $3
         WHERE id = $1",
        to_sql(id.0),
        to_sql(rotation.old_expires_us),
        last - 1
    )
    .execute(&mut *transaction)
    .await?;
    once::made(&mut transaction, once, successor).await?;
    let key = read(&mut transaction, KeyId(from_sql(successor))).await?;
    transaction.commit().await?;
    Ok(Made::Now(key))
}

/// Makes sure that a key is not revoked, has a version, and stays so until the transaction ends.
async fn hold(connection: &mut PgConnection, id: KeyId, version: Option<u64>) -> Result<(), Failure> {
    let held = sqlx::query_scalar!(
        "SELECT version FROM lockgate.keys WHERE id = $1 AND revoked_us IS NULL FOR UPDATE",
        to_sql(id.0)
    )
    .fetch_optional(connection)
    .await?;
    let held = from_sql(held.ok_or(StoreError::NotFound("key"))?);
    if version.is_none_or(|version| version == held) {
        Ok(())
    } else {
        Err(StoreError::Changed { version: held }.into())
    }
}
