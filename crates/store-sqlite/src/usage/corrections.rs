//! Corrections: rows of their own, never changed.

use sqlx::{SqliteConnection, query, query_as};
use store::{Correction, KeyId, Made, NewCorrection, Once, Page, StoreError, UserId};

use super::{NONE, some};
use crate::error::Error;
use crate::numbers::{Total, clamped, signed};
use crate::once;

pub(crate) async fn correct(
    connection: &mut SqliteConnection,
    what: &NewCorrection,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<Correction>, Error> {
    if let Some(id) = once::made(connection, once).await? {
        return Ok(Made::Before(correction(connection, id).await?));
    }
    let (user_id, key_id) = (signed(what.user_id.0)?, what.key_id.map_or(Ok(NONE), |id| signed(id.0))?);
    let (hour, total, created_us) = (signed(what.hour)?, Total::of(what.total)?, signed(now_us)?);
    let inserted = query!(
        "INSERT INTO corrections
             (user_id, key_id, route, hour, count, total_high, total_low, note, created_us)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        user_id,
        key_id,
        what.route,
        hour,
        what.count,
        total.high,
        total.low,
        what.note,
        created_us
    );
    let id = inserted.execute(&mut *connection).await?.last_insert_rowid();
    once::remember(connection, once, id, now_us).await?;
    Ok(Made::Now(correction(connection, id).await?))
}

pub(crate) async fn corrected(
    connection: &mut SqliteConnection,
    once: &Once,
) -> Result<Option<Correction>, Error> {
    let Some(id) = once::made(connection, Some(once)).await? else { return Ok(None) };
    correction(connection, id).await.map(Some)
}

struct Row {
    id: i64,
    user_id: i64,
    key_id: i64,
    route: String,
    hour: i64,
    count: i64,
    total_high: i64,
    total_low: i64,
    note: String,
    created_us: i64,
}

impl From<Row> for Correction {
    fn from(row: Row) -> Self {
        let what = NewCorrection {
            user_id: UserId(row.user_id.cast_unsigned()),
            key_id: some(row.key_id).map(KeyId),
            route: row.route,
            hour: row.hour.cast_unsigned(),
            count: row.count,
            total: Total { high: row.total_high, low: row.total_low }.value(),
            note: row.note,
        };
        Self { id: row.id.cast_unsigned(), what, created_us: row.created_us.cast_unsigned() }
    }
}

async fn correction(connection: &mut SqliteConnection, id: i64) -> Result<Correction, Error> {
    let row = query_as!(
        Row,
        "SELECT id, user_id, key_id, route, hour, count, total_high, total_low, note, created_us
         FROM corrections WHERE id = ?",
        id
    );
    Ok(row.fetch_optional(connection).await?.ok_or(StoreError::NotFound("correction"))?.into())
}

pub(crate) async fn corrections(
    connection: &mut SqliteConnection,
    user: UserId,
    page: Page<u64>,
) -> Result<Vec<Correction>, Error> {
    let (user_id, after, limit) = (clamped(user.0), page.after.map_or(0, clamped), i64::from(page.limit));
    let rows = query_as!(
        Row,
        "SELECT id, user_id, key_id, route, hour, count, total_high, total_low, note, created_us
         FROM corrections WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?",
        user_id,
        after,
        limit
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(Correction::from).collect())
}
