//! Changes of keys: their numbers, and who is told of them.

use async_trait::async_trait;
use policy::{KeyFacts, KeyHash};
use sqlx::PgConnection;
use sqlx::postgres::{PgListener, PgPool};
use store::{ChangeListener, KeyState, StoreError};
use tokio::time::{Instant, sleep_until};

use crate::connection::in_time;
use crate::failure::Failure;
use crate::limits;
use crate::number::{from_sql, to_sql};
use crate::row::scopes_from_sql;

const CHANNEL: &str = "lockgate_keys";

/// Takes the next numbers and gives the last of them. Whoever else changes keys waits until this transaction has ended, so it is to be
/// the last lock that is taken. Listeners hear of it when it is committed.
pub(crate) async fn next(connection: &mut PgConnection, count: i64) -> Result<i64, Failure> {
    sqlx::query!("NOTIFY lockgate_keys").execute(&mut *connection).await?;
    let last =
        sqlx::query_scalar!("UPDATE lockgate.key_change SET number = number + $1 RETURNING number", count);
    Ok(last.fetch_one(connection).await?)
}

pub(crate) async fn since(pool: &PgPool, after: u64, limit: u32) -> Result<Vec<KeyState>, Failure> {
    let rows = sqlx::query!(
        r#"SELECT change, hash, id, user_id, expires_us, scopes, revoked_us IS NOT NULL AS "revoked!"
           FROM lockgate.keys WHERE change > $1 ORDER BY change LIMIT $2"#,
        to_sql(after),
        i64::from(limit)
    )
    .fetch_all(pool)
    .await?;
    let states = rows.into_iter().map(|row| {
        let facts = KeyFacts {
            key_id: from_sql(row.id),
            user_id: from_sql(row.user_id),
            expires_us: row.expires_us.map(from_sql),
            scopes: scopes_from_sql(row.scopes),
        };
        // The table has no hash of another length.
        let hash =
            KeyHash(row.hash.try_into().map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?);
        Ok(KeyState { number: from_sql(row.change), hash, facts: (!row.revoked).then_some(facts) })
    });
    states.collect()
}

/// Hears of changes over a connection of its own.
pub(crate) struct Listener {
    pool: PgPool,
    /// `None`: the connection was lost.
    listening: Option<PgListener>,
    /// When a connection may be tried next.
    not_before: Instant,
}

impl Listener {
    pub(crate) async fn start(pool: PgPool) -> Result<Self, StoreError> {
        let listening = Some(connect(&pool).await?);
        Ok(Self { pool, listening, not_before: Instant::now() })
    }
}

#[async_trait]
impl ChangeListener for Listener {
    async fn changed(&mut self) -> Result<(), StoreError> {
        let Some(listening) = &mut self.listening else {
            sleep_until(self.not_before).await;
            // Where the wait is given up below, this is not to be tried again at once.
            self.not_before = Instant::now() + limits::LISTEN_AGAIN;
            self.listening = Some(connect(&self.pool).await?);
            // What was told meanwhile was not heard.
            return Ok(());
        };
        match listening.try_recv().await {
            Ok(Some(_)) => {
                // One look at the changes serves for all that has been heard of.
                while listening.next_buffered().is_some() {}
                Ok(())
            }
            Ok(None) => {
                self.lose();
                Ok(())
            }
            Err(error) => {
                self.lose();
                Err(Failure::from(error).into())
            }
        }
    }
}

impl Listener {
    fn lose(&mut self) {
        self.listening = None;
        self.not_before = Instant::now();
    }
}

async fn connect(pool: &PgPool) -> Result<PgListener, StoreError> {
    let connecting = async {
        let mut listener = PgListener::connect_with(pool).await?;
        // A lost connection is to be told before another one is made.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    };
    in_time(limits::CALL, connecting).await
}
