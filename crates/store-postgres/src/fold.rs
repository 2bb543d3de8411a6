//! The journal's fold: usage and marks in one transaction. Rows are touched in one order, so that nodes do not wait in a circle.

use sqlx::{PgConnection, PgExecutor, PgPool};
use store::{Advance, DatabaseId, Fold, KeyUse, Mark, StoreError, UsageDelta};

use crate::connection::milliseconds;
use crate::failure::Failure;
use crate::limits;
use crate::number::{from_sql, kept};

pub(crate) async fn identity(executor: impl PgExecutor<'_>) -> Result<DatabaseId, Failure> {
    let id = sqlx::query_scalar!("SELECT id FROM lockgate.identity").fetch_one(executor).await?;
    let named = DatabaseId::from_bytes(&id);
    named.ok_or_else(|| StoreError::Failed("the database's name has not 16 bytes".into()).into())
}

pub(crate) async fn marks(pool: &PgPool, node: u64) -> Result<Vec<Mark>, Failure> {
    let rows = sqlx::query!(
        r#"SELECT segment, "offset" FROM lockgate.marks WHERE node = $1 ORDER BY segment"#,
        node.cast_signed()
    )
    .fetch_all(pool)
    .await?;
    let mark = |segment, offset| Mark { segment: from_sql(segment), offset: from_sql(offset) };
    Ok(rows.into_iter().map(|row| mark(row.segment, row.offset)).collect())
}

pub(crate) async fn fold(pool: &PgPool, fold: &Fold) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    let limit = milliseconds(limits::FOLD_STATEMENT);
    sqlx::query!("SELECT set_config('statement_timeout', $1, TRUE) AS limit", limit)
        .fetch_one(&mut *transaction)
        .await?;
    if let Some(database) = fold.database
        && identity(&mut *transaction).await? != database
    {
        return Err(StoreError::Folded.into());
    }
    advance(&mut transaction, fold).await?;
    add_usage(&mut transaction, &fold.usage).await?;
    add_uses(&mut transaction, &fold.uses).await?;
    pass_ids(&mut transaction, fold).await?;
    transaction.commit().await?;
    Ok(())
}

/// Lets the next ids be beyond those of the fold: a database that is put back from a backup would give out again what the journal counts
/// usage for. Sequences move at once, whether the transaction commits or not: ids that nobody gets are no harm.
///
/// What moves them reads where they are first. Until it has, nobody else may: neither a fold of another node, nor whoever makes a user or a
/// key, or they would be set back. These locks are of the mode that conflicts with itself and with every write to the tables
/// (<https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES>), and are taken only where there is something to move.
async fn pass_ids(connection: &mut PgConnection, fold: &Fold) -> Result<(), Failure> {
    let last_user = kept(fold.last_user().map_or(0, |id| id.0))?;
    let last_key = kept(fold.last_key().map_or(0, |id| id.0))?;
    let behind = sqlx::query_scalar!(
        r#"SELECT (users.last_value, users.is_called) < ($1, true) OR (keys.last_value, keys.is_called) < ($2, true) AS "behind!"
           FROM lockgate.users_id_seq AS users, lockgate.keys_id_seq AS keys"#,
        last_user,
        last_key
    );
    if !behind.fetch_one(&mut *connection).await? {
        return Ok(());
    }
    sqlx::query!("LOCK TABLE lockgate.users, lockgate.keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "SELECT (SELECT setval('lockgate.users_id_seq', $1) FROM lockgate.users_id_seq WHERE (last_value, is_called) < ($1, true)) AS user_id,
                (SELECT setval('lockgate.keys_id_seq', $2) FROM lockgate.keys_id_seq WHERE (last_value, is_called) < ($2, true)) AS key_id",
        last_user,
        last_key
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Moves the marks on, if each is where it is thought to be. A fold whose commit is still under way holds its marks, and is waited for.
async fn advance(connection: &mut PgConnection, fold: &Fold) -> Result<(), Failure> {
    let column =
        |of: fn(&Advance) -> u64| fold.advances.iter().map(of).map(kept).collect::<Result<Vec<_>, _>>();
    let (segments, from, to) = (column(|a| a.segment)?, column(|a| a.from)?, column(|a| a.to)?);
    let node = fold.node.cast_signed();
    let made = sqlx::query!(
        r#"INSERT INTO lockgate.marks (node, segment, "offset")
           SELECT $1, segment, until FROM unnest($2::BIGINT[], $3::BIGINT[], $4::BIGINT[]) AS asked (segment, since, until)
           WHERE since = 0 ORDER BY segment
           ON CONFLICT DO NOTHING"#,
        node,
        &segments,
        &from,
        &to
    )
    .execute(&mut *connection)
    .await?;
    let moved = sqlx::query!(
        r#"UPDATE lockgate.marks SET "offset" = asked.until
           FROM unnest($2::BIGINT[], $3::BIGINT[], $4::BIGINT[]) AS asked (segment, since, until)
           WHERE node = $1 AND marks.segment = asked.segment AND "offset" = asked.since AND asked.since <> 0"#,
        node,
        &segments,
        &from,
        &to
    )
    .execute(connection)
    .await?;
    if made.rows_affected() + moved.rows_affected() == fold.advances.len() as u64 {
        Ok(())
    } else {
        Err(StoreError::Folded.into())
    }
}

async fn add_usage(connection: &mut PgConnection, usage: &[UsageDelta]) -> Result<(), Failure> {
    if usage.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&UsageDelta) -> u64| usage.iter().map(of).map(kept).collect::<Result<Vec<_>, _>>();
    let users = column(|delta| delta.user_id.map_or(0, |id| id.0))?;
    let keys = column(|delta| delta.key_id.map_or(0, |id| id.0))?;
    let hours = column(|delta| delta.hour)?;
    let counts: Vec<i64> = usage.iter().map(|delta| delta.count).collect();
    let routes: Vec<&str> = usage.iter().map(|delta| &*delta.route).collect();
    // Decimal digits: the driver has no integer of 128 bits.
    let totals: Vec<String> = usage.iter().map(|delta| delta.total.to_string()).collect();
    sqlx::query!(
        "INSERT INTO lockgate.usage_hours AS usage (user_id, key_id, route, hour, count, total)
         SELECT user_id, key_id, route, hour, count, total::NUMERIC
         FROM unnest($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::TEXT[])
             AS added (user_id, key_id, route, hour, count, total)
         ORDER BY user_id, hour, key_id, route COLLATE \"C\"
         ON CONFLICT (user_id, hour, key_id, route)
         DO UPDATE SET count = usage.count + excluded.count, total = usage.total + excluded.total",
        &users,
        &keys,
        &routes as &[&str],
        &hours,
        &counts,
        &totals
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn add_uses(connection: &mut PgConnection, uses: &[KeyUse]) -> Result<(), Failure> {
    if uses.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&KeyUse) -> u64| uses.iter().map(of).map(kept).collect::<Result<Vec<_>, _>>();
    sqlx::query!(
        "INSERT INTO lockgate.key_uses AS uses (key_id, used_us)
         SELECT key_id, used_us FROM unnest($1::BIGINT[], $2::BIGINT[]) AS added (key_id, used_us) ORDER BY key_id
         ON CONFLICT (key_id) DO UPDATE SET used_us = excluded.used_us WHERE uses.used_us < excluded.used_us",
        &column(|used| used.key_id.0)?,
        &column(|used| used.used_us)?
    )
    .execute(connection)
    .await?;
    Ok(())
}
