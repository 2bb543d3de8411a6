//! Requests that are made twice and must count once.

use sqlx::{PgConnection, PgPool};
use store::{Once, StoreError};

use crate::failure::Failure;
use crate::number::{from_sql, to_sql};

/// What the same request made before, if it did. If it did not, the request is taken note of, and equal ones wait until this
/// transaction has ended.
pub(crate) async fn before(
    connection: &mut PgConnection,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Option<u64>, Failure> {
    let Some(once) = once else { return Ok(None) };
    // The update changes nothing, but has the row returned that is there already.
    let row = sqlx::query!(
        "INSERT INTO lockgate.once AS once (key, request, created_us) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET key = once.key
         RETURNING request, made_id",
        once.key,
        &once.request[..],
        to_sql(now_us)
    )
    .fetch_one(connection)
    .await?;
    if row.request == once.request {
        Ok(row.made_id.map(from_sql))
    } else {
        Err(StoreError::OnceReused.into())
    }
}

/// Remembers what the request made.
pub(crate) async fn made(
    connection: &mut PgConnection,
    once: Option<&Once>,
    made_id: i64,
) -> Result<(), Failure> {
    let Some(once) = once else { return Ok(()) };
    sqlx::query!("UPDATE lockgate.once SET made_id = $2 WHERE key = $1", once.key, made_id)
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn prune(pool: &PgPool, before_us: u64) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM lockgate.once WHERE created_us < $1", to_sql(before_us)).execute(pool).await?;
    Ok(())
}
