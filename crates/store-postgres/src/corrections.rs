//! Corrections of usage: added, never changed.

use sqlx::{PgConnection, PgPool};
use store::{Correction, KeyId, Made, NewCorrection, Once, Page, StoreError, UserId};

use crate::failure::Failure;
use crate::number::{from_sql, kept, to_sql};
use crate::{once, usage};

struct Row {
    id: i64,
    user_id: i64,
    key_id: i64,
    route: String,
    hour: i64,
    count: i64,
    total: String,
    note: String,
    created_us: i64,
}

impl TryFrom<Row> for Correction {
    type Error = Failure;

    fn try_from(row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: from_sql(row.id),
            what: NewCorrection {
                user_id: UserId(from_sql(row.user_id)),
                key_id: (row.key_id > 0).then(|| KeyId(from_sql(row.key_id))),
                route: row.route,
                hour: from_sql(row.hour),
                count: row.count,
                total: usage::total(&row.total)?,
                note: row.note,
            },
            created_us: from_sql(row.created_us),
        })
    }
}

pub(crate) async fn add(
    pool: &PgPool,
    correction: &NewCorrection,
    once: Option<&Once>,
    now_us: u64,
) -> Result<Made<Correction>, Failure> {
    let mut transaction = pool.begin().await?;
    if let Some(id) = once::before(&mut transaction, once, now_us).await? {
        return Ok(Made::Before(read(&mut transaction, to_sql(id)).await?));
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO lockgate.corrections (user_id, key_id, route, hour, count, total, note, created_us)
         VALUES ($1, $2, $3, $4, $5, $6::TEXT::NUMERIC, $7, $8) RETURNING id",
        kept(correction.user_id.0)?,
        correction.key_id.map_or(Ok(0), |id| kept(id.0))?,
        correction.route,
        kept(correction.hour)?,
        correction.count,
        correction.total.to_string(),
        correction.note,
        to_sql(now_us)
    )
    .fetch_one(&mut *transaction)
    .await?;
    once::made(&mut transaction, once, id).await?;
    transaction.commit().await?;
    Ok(Made::Now(Correction { id: from_sql(id), what: correction.clone(), created_us: now_us }))
}

/// What a request added before. The transaction is not committed, so that a request that added nothing is not remembered.
pub(crate) async fn before(pool: &PgPool, once: &Once) -> Result<Option<Correction>, Failure> {
    let mut transaction = pool.begin().await?;
    let Some(id) = once::before(&mut transaction, Some(once), 0).await? else { return Ok(None) };
    read(&mut transaction, to_sql(id)).await.map(Some)
}

pub(crate) async fn list(pool: &PgPool, user: UserId, page: Page<u64>) -> Result<Vec<Correction>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, key_id, route, hour, count, total::TEXT AS "total!", note, created_us
           FROM lockgate.corrections WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
        to_sql(user.0),
        to_sql(page.after.unwrap_or(0)),
        i64::from(page.limit)
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Correction::try_from).collect()
}

async fn read(connection: &mut PgConnection, id: i64) -> Result<Correction, Failure> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, user_id, key_id, route, hour, count, total::TEXT AS "total!", note, created_us
           FROM lockgate.corrections WHERE id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await?;
    row.ok_or(StoreError::NotFound("correction"))?.try_into()
}
