//! Requests that came before.

use sqlx::{SqliteConnection, query};
use store::{Once, StoreError};

use crate::error::Error;
use crate::numbers::{clamped, signed};

/// The id of what a request made before.
pub(crate) async fn made(
    connection: &mut SqliteConnection,
    once: Option<&Once>,
) -> Result<Option<i64>, Error> {
    let Some(once) = once else { return Ok(None) };
    let found = query!("SELECT request, made FROM requests WHERE key = ?", once.key)
        .fetch_optional(connection)
        .await?;
    match found {
        Some(row) if row.request == once.request => Ok(Some(row.made)),
        Some(_) => Err(StoreError::OnceReused.into()),
        None => Ok(None),
    }
}

/// Remembers what a request has made.
pub(crate) async fn remember(
    connection: &mut SqliteConnection,
    once: Option<&Once>,
    made: i64,
    now_us: u64,
) -> Result<(), Error> {
    let Some(once) = once else { return Ok(()) };
    let (request, now_us) = (once.request.as_slice(), signed(now_us)?);
    query!(
        "INSERT INTO requests (key, request, made, made_us) VALUES (?, ?, ?, ?)",
        once.key,
        request,
        made,
        now_us
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the requests made before a time.
pub(crate) async fn prune(connection: &mut SqliteConnection, before_us: u64) -> Result<(), Error> {
    let before_us = clamped(before_us);
    query!("DELETE FROM requests WHERE made_us < ?", before_us).execute(connection).await?;
    Ok(())
}
