//! Keys, and the numbers of their changes.

mod scopes;

use policy::{KeyFacts, KeyHash};
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use store::{Key, KeyChange, KeyId, KeyState, Made, NewKey, Once, Page, Rotation, StoreError, UserId};

use crate::error::Error;
use crate::numbers::{clamped, signed};
use crate::{once, users};

struct Row {
    id: i64,
    user_id: i64,
    name: String,
    prefix: String,
    scopes: Option<String>,
    created_us: i64,
    expires_us: Option<i64>,
    revoked_us: Option<i64>,
    last_used_us: Option<i64>,
    version: i64,
}

impl TryFrom<Row> for Key {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: KeyId(row.id.cast_unsigned()),
            user_id: UserId(row.user_id.cast_unsigned()),
            name: row.name,
            prefix: row.prefix,
            scopes: scopes::read(row.scopes)?,
            created_us: row.created_us.cast_unsigned(),
            expires_us: row.expires_us.map(i64::cast_unsigned),
            revoked_us: row.revoked_us.map(i64::cast_unsigned),
            last_used_us: row.last_used_us.map(i64::cast_unsigned),
            version: row.version.cast_unsigned(),
        })
    }
}

pub(crate) async fn create(
    connection: &mut SqliteConnection,
    key: &NewKey,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<Key>, Error> {
    if let Some(id) = once::made(connection, once).await? {
        return Ok(Made::Before(get(connection, id).await?));
    }
    users::get(connection, clamped(key.user_id.0)).await?;
    let id = insert(connection, key, now_us).await?;
    once::remember(connection, once, id, now_us).await?;
    Ok(Made::Now(get(connection, id).await?))
}

async fn insert(connection: &mut SqliteConnection, key: &NewKey, now_us: u64) -> Result<i64, Error> {
    let (user_id, hash) = (signed(key.user_id.0)?, key.hash.0.as_slice());
    let (created_us, expires_us) = (signed(now_us)?, key.expires_us.map(signed).transpose()?);
    let (scopes, change) = (scopes::write(&key.scopes)?, next_change(connection).await?);
    let inserted = query!(
        "INSERT INTO keys (user_id, name, prefix, hash, scopes, created_us, expires_us, version, change)
         VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)",
        user_id,
        key.name,
        key.prefix,
        hash,
        scopes,
        created_us,
        expires_us,
        change
    );
    Ok(inserted.execute(connection).await?.last_insert_rowid())
}

/// Asks for something small, to see whether the database answers.
pub(crate) async fn check(connection: &mut SqliteConnection) -> Result<(), Error> {
    query_scalar!("SELECT last FROM key_changes WHERE one = 1").fetch_one(connection).await?;
    Ok(())
}

/// Takes the next number for a change.
async fn next_change(connection: &mut SqliteConnection) -> Result<i64, Error> {
    let next = query_scalar!("UPDATE key_changes SET last = last + 1 WHERE one = 1 RETURNING last");
    Ok(next.fetch_one(connection).await?)
}

pub(crate) async fn list(
    connection: &mut SqliteConnection,
    user: UserId,
    page: Page<KeyId>,
) -> Result<Vec<Key>, Error> {
    let user_id = clamped(user.0);
    users::get(connection, user_id).await?;
    let (after, limit) = (page.after.map_or(0, |id| clamped(id.0)), i64::from(page.limit));
    let rows = query_as!(
        Row,
        "SELECT id, user_id, name, prefix, scopes, created_us, expires_us, revoked_us, last_used_us, version
         FROM keys WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?",
        user_id,
        after,
        limit
    );
    rows.fetch_all(connection).await?.into_iter().map(Key::try_from).collect()
}

pub(crate) async fn get(connection: &mut SqliteConnection, id: i64) -> Result<Key, Error> {
    let row = query_as!(
        Row,
        "SELECT id, user_id, name, prefix, scopes, created_us, expires_us, revoked_us, last_used_us, version
         FROM keys WHERE id = ?",
        id
    );
    row.fetch_optional(connection).await?.ok_or(StoreError::NotFound("key"))?.try_into()
}

/// The key, if it has not been revoked and is at the version that was named.
async fn get_live(connection: &mut SqliteConnection, id: i64, version: Option<u64>) -> Result<Key, Error> {
    let key = get(connection, id).await?;
    if key.revoked_us.is_some() {
        return Err(StoreError::NotFound("key").into());
    }
    crate::check_version(key.version, version)?;
    Ok(key)
}

pub(crate) async fn change(
    connection: &mut SqliteConnection,
    id: KeyId,
    change: &KeyChange,
    version: Option<u64>,
) -> Result<Key, Error> {
    let id = clamped(id.0);
    let key = get_live(connection, id, version).await?;
    let name = change.name.as_ref().unwrap_or(&key.name);
    let scopes = scopes::write(change.scopes.as_ref().unwrap_or(&key.scopes))?;
    let expires_us = change.expires_us.unwrap_or(key.expires_us).map(signed).transpose()?;
    let number = next_change(connection).await?;
    let updated = query!(
        "UPDATE keys SET name = ?, scopes = ?, expires_us = ?, version = version + 1, change = ? WHERE id = ?",
        name,
        scopes,
        expires_us,
        number,
        id
    );
    updated.execute(&mut *connection).await?;
    get(connection, id).await
}

pub(crate) async fn revoke(
    connection: &mut SqliteConnection,
    id: KeyId,
    version: Option<u64>,
    now_us: u64,
) -> Result<(), Error> {
    let (id, revoked_us) = (clamped(id.0), signed(now_us)?);
    get_live(connection, id, version).await?;
    let number = next_change(connection).await?;
    let updated = query!(
        "UPDATE keys SET revoked_us = ?, version = version + 1, change = ? WHERE id = ?",
        revoked_us,
        number,
        id
    );
    updated.execute(connection).await?;
    Ok(())
}

/// Revokes what is left of a user's keys. Each change has a number of its own.
pub(crate) async fn revoke_all_of(
    connection: &mut SqliteConnection,
    user_id: i64,
    now_us: u64,
) -> Result<(), Error> {
    let revoked_us = signed(now_us)?;
    let updated = query!(
        "UPDATE keys
         SET revoked_us = ?2, version = version + 1,
             change = (SELECT last FROM key_changes WHERE one = 1) + turn.number
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS number
               FROM keys WHERE user_id = ?1 AND revoked_us IS NULL) AS turn
         WHERE keys.id = turn.id",
        user_id,
        revoked_us
    );
    let revoked = clamped(updated.execute(&mut *connection).await?.rows_affected());
    let counted = query!("UPDATE key_changes SET last = last + ? WHERE one = 1", revoked);
    counted.execute(connection).await?;
    Ok(())
}

pub(crate) async fn rotate(
    connection: &mut SqliteConnection,
    id: KeyId,
    rotation: &Rotation,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<Key>, Error> {
    if let Some(id) = once::made(connection, once).await? {
        return Ok(Made::Before(get(connection, id).await?));
    }
    let old = get_live(connection, clamped(id.0), None).await?;
    let end_us = old.expires_us.map_or(rotation.old_expires_us, |end| end.min(rotation.old_expires_us));
    change(connection, id, &KeyChange { expires_us: Some(Some(end_us)), ..KeyChange::default() }, None)
        .await?;
    let successor = NewKey {
        user_id: old.user_id,
        name: old.name,
        prefix: rotation.prefix.clone(),
        hash: rotation.hash,
        scopes: old.scopes,
        expires_us: old.expires_us,
    };
    let made = insert(connection, &successor, now_us).await?;
    once::remember(connection, once, made, now_us).await?;
    Ok(Made::Now(get(connection, made).await?))
}

pub(crate) async fn changes(
    connection: &mut SqliteConnection,
    after: u64,
    limit: u32,
) -> Result<Vec<KeyState>, Error> {
    let (after, limit) = (clamped(after), i64::from(limit));
    let rows = query!(
        "SELECT change, hash, id, user_id, scopes, expires_us, revoked_us IS NOT NULL AS \"revoked!: bool\"
         FROM keys WHERE change > ? ORDER BY change LIMIT ?",
        after,
        limit
    );
    let states = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let hash = row.hash.try_into().map_err(|_| Error::failed("a key's hash is not 32 bytes"))?;
        let facts = KeyFacts {
            key_id: row.id.cast_unsigned(),
            user_id: row.user_id.cast_unsigned(),
            expires_us: row.expires_us.map(i64::cast_unsigned),
            scopes: scopes::read(row.scopes)?,
        };
        let facts = (!row.revoked).then_some(facts);
        Ok(KeyState { number: row.change.cast_unsigned(), hash: KeyHash(hash), facts })
    });
    states.collect()
}
