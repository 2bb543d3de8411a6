//! Usage, summed by groups.

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::Connection;
use store::{Bucket, KeyId, UsageQuery, UsageRow, UsageSink, UserId};

use crate::connection::milliseconds;
use crate::failure::Failure;
use crate::number::{from_sql, to_sql};
use crate::stoppable::Stoppable;

/// Rows that are handed on at a time.
const ROWS: usize = 1024;

struct Row {
    user_id: i64,
    key_id: i64,
    route: String,
    start: i64,
    count: i64,
    total: String,
}

/// Sums usage with one statement that may take so long, and hands on what comes of it. What is not told apart is the same in all rows (0,
/// or no text), so that one statement serves every grouping; it is planned each time with what is asked for, so that it is as good as one
/// written for that.
pub(crate) async fn stream(
    connection: &mut Stoppable,
    query: &UsageQuery,
    limit: Duration,
    sink: &mut dyn UsageSink,
) -> Result<(), Failure> {
    let mut transaction = connection.begin().await?;
    // The planner does not know how many users there are in two tables together, and would sum all there is for one page of it.
    let all_at_once = if query.by.user && query.limit > 0 { "off" } else { "on" };
    // A server that has sent all it has waits for us, who may wait for a slow reader.
    sqlx::query!(
        r#"SELECT set_config('plan_cache_mode', 'force_custom_plan', TRUE) AS plan,
                  set_config('enable_hashagg', $1, TRUE) AS hash, set_config('enable_seqscan', $1, TRUE) AS scan,
                  set_config('statement_timeout', $2, TRUE) AS limit,
                  set_config('idle_in_transaction_session_timeout', $2, TRUE) AS idle"#,
        all_at_once,
        milliseconds(limit)
    )
    .fetch_one(&mut *transaction)
    .await?;
    let bounds = Bounds::of(query);
    let mut rows = sqlx::query_as!(
        Row,
        r#"SELECT user_id AS "user_id!", key_id AS "key_id!", route AS "route!", start AS "start!",
                  sum(count)::BIGINT AS "count!", sum(total)::TEXT AS "total!"
           FROM (
               SELECT CASE WHEN $5 THEN user_id ELSE 0 END AS user_id,
                      CASE WHEN $6 THEN key_id ELSE 0 END AS key_id,
                      CASE WHEN $7 THEN route ELSE '' END AS route,
                      CASE $8::TEXT
                          WHEN 'hour' THEN hour
                          WHEN 'day' THEN hour - hour % 24
                          WHEN 'month' THEN lockgate.month_of(hour)
                          ELSE 0
                      END AS start,
                      count, total
               FROM lockgate.usage_parts
               WHERE user_id >= $1 AND user_id <= $2 AND hour >= $3 AND hour < $4
           ) AS parts
           WHERE $9::BIGINT IS NULL OR (user_id, key_id, route, start) > ($9, $10::BIGINT, $11::TEXT, $12::BIGINT)
           GROUP BY user_id, key_id, route, start
           ORDER BY user_id, key_id, route, start
           LIMIT $13"#,
        bounds.users.0,
        bounds.users.1,
        to_sql(query.from_hour),
        to_sql(query.to_hour.unwrap_or(u64::MAX)),
        query.by.user,
        query.by.key,
        query.by.route,
        query.by.time.map(name),
        bounds.after.as_ref().map(|after| after.user_id),
        bounds.after.as_ref().map(|after| after.key_id),
        bounds.after.as_ref().map(|after| after.route.as_str()),
        bounds.after.as_ref().map(|after| after.start),
        (query.limit > 0).then_some(i64::from(query.limit))
    )
    .fetch(&mut *transaction);
    let mut read = Vec::new();
    while let Some(row) = rows.try_next().await? {
        read.push(value(query, row)?);
        if read.len() == ROWS {
            sink.take(std::mem::take(&mut read)).await;
        }
    }
    drop(rows);
    if !read.is_empty() {
        sink.take(read).await;
    }
    transaction.commit().await?;
    Ok(())
}

/// Where the rows lie that are asked for.
struct Bounds {
    /// First and last user.
    users: (i64, i64),
    /// The group of the page before.
    after: Option<After>,
}

struct After {
    user_id: i64,
    key_id: i64,
    route: String,
    start: i64,
}

impl Bounds {
    fn of(query: &UsageQuery) -> Self {
        let after = query.after.as_ref().map(|row| After {
            user_id: row.user_id.map_or(0, |id| to_sql(id.0)),
            key_id: row.key_id.map_or(0, |id| to_sql(id.0)),
            route: row.route.clone().unwrap_or_default(),
            start: row.hour.map_or(0, to_sql),
        });
        let (mut first, mut last) = (0, i64::MAX);
        if let Some(id) = query.user_id {
            (first, last) = (to_sql(id.0), to_sql(id.0));
        }
        if let (true, Some(after)) = (query.by.user, &after) {
            first = first.max(after.user_id);
        }
        Self { users: (first, last), after }
    }
}

fn name(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::Hour => "hour",
        Bucket::Day => "day",
        Bucket::Month => "month",
    }
}

fn value(query: &UsageQuery, row: Row) -> Result<UsageRow, Failure> {
    let by = query.by;
    let some = |id: i64, told: bool| (told && id > 0).then(|| from_sql(id));
    Ok(UsageRow {
        user_id: some(row.user_id, by.user).map(UserId),
        key_id: some(row.key_id, by.key).map(KeyId),
        route: by.route.then_some(row.route),
        hour: by.time.map(|_| from_sql(row.start)),
        count: row.count,
        total: total(&row.total)?,
    })
}

/// A total from its decimal digits.
pub(crate) fn total(digits: &str) -> Result<i128, Failure> {
    digits.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}
