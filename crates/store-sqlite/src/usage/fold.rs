//! A step of the fold: marks, usage and the last uses of keys, each in one statement however many there are.

use sqlx::{SqliteConnection, query, query_as, query_scalar};
use store::{Advance, DatabaseId, Fold, KeyUse, Mark, StoreError, UsageDelta};

use super::NONE;
use crate::error::Error;
use crate::numbers::{Total, signed};

pub(crate) async fn fold(connection: &mut SqliteConnection, fold: &Fold) -> Result<(), Error> {
    if let Some(database) = fold.database
        && identity(connection).await? != database
    {
        return Err(StoreError::Folded.into());
    }
    let node = fold.node.cast_signed();
    for advance in &fold.advances {
        move_mark(connection, node, *advance).await?;
    }
    add(connection, &fold.usage).await?;
    note_uses(connection, &fold.uses).await?;
    pass_ids(connection, "users", fold.last_user().map(|id| id.0)).await?;
    pass_ids(connection, "keys", fold.last_key().map(|id| id.0)).await
}

/// Lets the next id of a table be beyond `last`: a database that is put back from a backup would give out again what the journal counts
/// usage for. SQLite keeps the largest id of each table in a table that may be written (<https://sqlite.org/autoinc.html>).
async fn pass_ids(
    connection: &mut SqliteConnection,
    table: &'static str,
    last: Option<u64>,
) -> Result<(), Error> {
    let Some(last) = last.map(signed).transpose()? else { return Ok(()) };
    query!("DELETE FROM sqlite_sequence WHERE name = ? AND seq < ?", table, last)
        .execute(&mut *connection)
        .await?;
    query!(
        "INSERT INTO sqlite_sequence (name, seq)
         SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
        table,
        last
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn move_mark(connection: &mut SqliteConnection, node: i64, advance: Advance) -> Result<(), Error> {
    let (segment, from, to) = (signed(advance.segment)?, signed(advance.from)?, signed(advance.to)?);
    if from == 0 {
        // No mark is one at the start.
        let start = query!(
            "INSERT INTO marks (node, segment, offset) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
            node,
            segment
        );
        start.execute(&mut *connection).await?;
    }
    let moved = query!(
        "UPDATE marks SET offset = ? WHERE node = ? AND segment = ? AND offset = ?",
        to,
        node,
        segment,
        from
    );
    match moved.execute(connection).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Folded.into()),
    }
}

async fn add(connection: &mut SqliteConnection, usage: &[UsageDelta]) -> Result<(), Error> {
    if usage.is_empty() {
        return Ok(());
    }
    let rows = usage.iter().map(|delta| {
        let total = Total::of(delta.total)?;
        let user_id = delta.user_id.map_or(Ok(NONE), |id| signed(id.0))?;
        let key_id = delta.key_id.map_or(Ok(NONE), |id| signed(id.0))?;
        Ok((signed(delta.hour)?, user_id, key_id, &*delta.route, delta.count, total.high, total.low))
    });
    let rows = serde_json::to_string(&rows.collect::<Result<Vec<_>, Error>>()?).map_err(Error::failed)?;
    query!(
        "INSERT INTO usage_hours (hour, user_id, key_id, route, count, total_high, total_low)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
         FROM json_each(?) WHERE true
         ON CONFLICT (hour, user_id, key_id, route) DO UPDATE SET
             count = count + excluded.count,
             total_high = total_high + excluded.total_high + (total_low + excluded.total_low) / 1000000000,
             total_low = (total_low + excluded.total_low) % 1000000000",
        rows
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn note_uses(connection: &mut SqliteConnection, uses: &[KeyUse]) -> Result<(), Error> {
    if uses.is_empty() {
        return Ok(());
    }
    let rows = uses.iter().map(|used| Ok((signed(used.key_id.0)?, signed(used.used_us)?)));
    let rows = serde_json::to_string(&rows.collect::<Result<Vec<_>, Error>>()?).map_err(Error::failed)?;
    query!(
        "UPDATE keys SET last_used_us = max(coalesce(last_used_us, 0), used.value ->> 1)
         FROM json_each(?) AS used WHERE keys.id = used.value ->> 0",
        rows
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn marks(connection: &mut SqliteConnection, node: u64) -> Result<Vec<Mark>, Error> {
    struct Row {
        segment: i64,
        offset: i64,
    }
    let node = node.cast_signed();
    let rows = query_as!(Row, "SELECT segment, offset FROM marks WHERE node = ? ORDER BY segment", node);
    let mark = |row: Row| Mark { segment: row.segment.cast_unsigned(), offset: row.offset.cast_unsigned() };
    Ok(rows.fetch_all(connection).await?.into_iter().map(mark).collect())
}

pub(crate) async fn identity(connection: &mut SqliteConnection) -> Result<DatabaseId, Error> {
    let id = query_scalar!("SELECT id FROM identity WHERE one = 1").fetch_one(connection).await?;
    DatabaseId::from_bytes(&id).ok_or_else(|| Error::failed("the database's name has not 16 bytes"))
}
