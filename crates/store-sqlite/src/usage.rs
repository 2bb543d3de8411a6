//! Usage: added by folds, summed by groups, corrected.

mod corrections;
mod fold;

pub(crate) use corrections::{correct, corrected, corrections};
pub(crate) use fold::{fold, identity, marks};

use futures_util::TryStreamExt;
use sqlx::{SqliteConnection, query_as};
use store::{Bucket, KeyId, UsageQuery, UsageRow, UsageSink, UserId};

use crate::error::Error;
use crate::numbers::{Total, clamped};

/// User and key 0 stand for none.
const NONE: i64 = 0;
/// A limit below zero is none.
const UNLIMITED: i64 = -1;

/// Rows that are handed on at a time.
const ROWS: usize = 1024;

/// A group; what it is not told apart by is 0 or empty.
struct Row {
    user_id: i64,
    key_id: i64,
    route: String,
    hour: i64,
    count: i64,
    total_high: i64,
    total_low: i64,
}

/// What a group must come after.
#[derive(Default)]
struct After {
    user_id: i64,
    key_id: i64,
    route: String,
    hour: i64,
}

/// Sums usage.
pub(crate) async fn sum(
    connection: &mut SqliteConnection,
    asked: &UsageQuery,
) -> Result<Vec<UsageRow>, Error> {
    let mut rows = Vec::new();
    stream(connection, asked, &mut rows).await?;
    Ok(rows)
}

/// Sums usage with one statement, and hands on what comes of it. SQLite waits where the sink does.
pub(crate) async fn stream(
    connection: &mut SqliteConnection,
    asked: &UsageQuery,
    sink: &mut dyn UsageSink,
) -> Result<(), Error> {
    let user_id = asked.user_id.map(|id| clamped(id.0));
    let (from, to) = (clamped(asked.from_hour), asked.to_hour.map_or(i64::MAX, clamped));
    let by = asked.by;
    let bucket = by.time.map_or("", |bucket| match bucket {
        Bucket::Hour => "hour",
        Bucket::Day => "day",
        Bucket::Month => "month",
    });
    let first = asked.after.is_none();
    let after = asked.after.as_ref().map(After::from).unwrap_or_default();
    let limit = if asked.limit == 0 { UNLIMITED } else { i64::from(asked.limit) };
    // One user's rows and those of all have branches of their own, because SQLite chooses indexes before it knows the values. The
    // branches that are not asked for end before their first row.
    let rows = query_as!(
        Row,
        "SELECT user_id AS \"user_id!: i64\", key_id AS \"key_id!: i64\", route AS \"route!: String\",
             hour AS \"hour!: i64\", sum(count) AS \"count!: i64\",
             sum(total_high) AS \"total_high!: i64\", sum(total_low) AS \"total_low!: i64\"
         FROM (
             SELECT CASE WHEN ?4 THEN user_id ELSE 0 END AS user_id,
                 CASE WHEN ?5 THEN key_id ELSE 0 END AS key_id,
                 CASE WHEN ?6 THEN route ELSE '' END AS route,
                 CASE ?7
                     WHEN 'hour' THEN hour
                     WHEN 'day' THEN hour / 24 * 24
                     WHEN 'month' THEN
                         coalesce(unixepoch(hour * 3600, 'unixepoch', 'start of month') / 3600, hour)
                     ELSE 0
                 END AS hour,
                 count, total_high, total_low
             FROM (
                 SELECT user_id, key_id, route, hour, count, total_high, total_low
                 FROM usage_hours WHERE user_id = ?1 AND hour >= ?2 AND hour < ?3
                 UNION ALL
                 SELECT user_id, key_id, route, hour, count, total_high, total_low
                 FROM usage_hours WHERE ?1 IS NULL AND hour >= ?2 AND hour < ?3
                 UNION ALL
                 SELECT user_id, key_id, route, hour, count, total_high, total_low
                 FROM corrections WHERE user_id = ?1 AND hour >= ?2 AND hour < ?3
                 UNION ALL
                 SELECT user_id, key_id, route, hour, count, total_high, total_low
                 FROM corrections WHERE ?1 IS NULL AND hour >= ?2 AND hour < ?3
             )
         )
         WHERE ?8 OR (user_id, key_id, route, hour) > (?9, ?10, ?11, ?12)
         GROUP BY user_id, key_id, route, hour ORDER BY user_id, key_id, route, hour LIMIT ?13",
        user_id,
        from,
        to,
        by.user,
        by.key,
        by.route,
        bucket,
        first,
        after.user_id,
        after.key_id,
        after.route,
        after.hour,
        limit
    );
    let mut rows = rows.fetch(connection);
    let mut read = Vec::new();
    while let Some(row) = rows.try_next().await? {
        read.push(row.into_group(asked));
        if read.len() == ROWS {
            sink.take(std::mem::take(&mut read)).await;
        }
    }
    if !read.is_empty() {
        sink.take(read).await;
    }
    Ok(())
}

impl From<&UsageRow> for After {
    fn from(row: &UsageRow) -> Self {
        Self {
            user_id: row.user_id.map_or(NONE, |id| clamped(id.0)),
            key_id: row.key_id.map_or(NONE, |id| clamped(id.0)),
            route: row.route.clone().unwrap_or_default(),
            hour: row.hour.map_or(0, clamped),
        }
    }
}

impl Row {
    fn into_group(self, asked: &UsageQuery) -> UsageRow {
        UsageRow {
            user_id: some(self.user_id).map(UserId),
            key_id: some(self.key_id).map(KeyId),
            route: asked.by.route.then_some(self.route),
            hour: asked.by.time.is_some().then_some(self.hour.cast_unsigned()),
            count: self.count,
            total: Total { high: self.total_high, low: self.total_low }.value(),
        }
    }
}

fn some(id: i64) -> Option<u64> {
    (id != NONE).then_some(id.cast_unsigned())
}
