//! The store on PostgreSQL, shared by all nodes that reach it.
//!
//! Everything is in the schema `lockgate` of the database, which the first node makes. Statements are checked when this is compiled,
//! against what is kept in `.sqlx`; `cargo xtask generate` makes that again from a server with the migrations applied.

mod changes;
mod connection;
mod corrections;
mod failure;
mod fold;
mod keys;
mod limits;
mod number;
mod once;
mod row;
mod stoppable;
mod usage;
mod users;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use store::{
    ChangeListener, Correction, DatabaseId, Fold, Key, KeyChange, KeyId, KeyState, Made, Mark, NewCorrection,
    NewKey, NewUser, Once, Page, Rotation, Store, StoreError, UsageQuery, UsageRow, UsageSink, User,
    UserChange, UserId,
};
use tokio::time::timeout;

use failure::Failure;
use stoppable::Stoppable;

/// A PostgreSQL database with users, keys and usage in it.
pub struct PostgresStore {
    pool: PgPool,
    /// Connections on which usage is summed.
    summing: PgPool,
    /// Connections over which it is streamed.
    streaming: PgPool,
    /// Connections of listeners, which are busy for ever.
    listening: PgPool,
}

impl PostgresStore {
    /// Connects to the database of a URL, `postgres://user:password@host:port/database`, and brings it to this version. Of the URL's
    /// parameters those of libpq are understood that `sqlx` knows, `sslmode` and `sslrootcert` among them.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later version has been there; [`StoreError::Unavailable`] when there is no server, or none that
    /// answers; [`StoreError::Failed`] when it does not let us in.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = connection::options(url)?;
        connection::migrate(&options).await?;
        let pool = |connections| connection::pool(&options, connections, Some(limits::STATEMENT));
        Ok(Self {
            pool: pool(limits::CONNECTIONS),
            summing: pool(limits::SUMS),
            streaming: pool(limits::STREAMS),
            listening: pool(limits::LISTENERS),
        })
    }

    /// Does what a call asks for within its time, more than once if others are in its way.
    async fn call<T, Work, Doing>(&self, work: Work) -> Result<T, StoreError>
    where
        Work: Fn() -> Doing,
        Doing: Future<Output = Result<T, Failure>>,
    {
        self.call_within(limits::CALL, work).await
    }

    async fn call_within<T, Work, Doing>(&self, limit: Duration, work: Work) -> Result<T, StoreError>
    where
        Work: Fn() -> Doing,
        Doing: Future<Output = Result<T, Failure>>,
    {
        let attempts = async {
            for _ in 1..limits::ATTEMPTS {
                match work().await {
                    Err(failure) if failure.may_be_repeated() => {}
                    result => return result,
                }
            }
            work().await
        };
        connection::in_time(limit, attempts).await
    }

    /// Sums usage on a connection of `pool`, with a statement that may take so long.
    async fn sum(
        &self,
        pool: &PgPool,
        query: &UsageQuery,
        limit: Duration,
        sink: &mut dyn UsageSink,
    ) -> Result<(), Failure> {
        let mut connection = Stoppable::take(pool, &self.pool).await?;
        let summed = usage::stream(&mut connection, query, limit, sink).await;
        connection.give_back();
        summed
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.call(async || {
            sqlx::query!("SELECT 1 AS one").fetch_one(&self.pool).await?;
            Ok(())
        })
        .await
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.call(|| fold::identity(&self.pool)).await
    }

    async fn create_user(
        &self,
        user: &NewUser,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<User>, StoreError> {
        self.call(|| users::create(&self.pool, user, once, now_us)).await
    }

    async fn users(&self, page: Page<UserId>) -> Result<Vec<User>, StoreError> {
        self.call(|| users::list(&self.pool, page)).await
    }

    async fn user(&self, id: UserId) -> Result<User, StoreError> {
        self.call(|| users::find(&self.pool, id)).await
    }

    async fn user_by_email(&self, email: &str) -> Result<User, StoreError> {
        self.call(|| users::by_email(&self.pool, email)).await
    }

    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
        version: Option<u64>,
    ) -> Result<User, StoreError> {
        self.call(|| users::change(&self.pool, id, change, version)).await
    }

    async fn delete_user(&self, id: UserId, version: Option<u64>, now_us: u64) -> Result<(), StoreError> {
        self.call(|| users::delete(&self.pool, id, version, now_us)).await
    }

    async fn create_key(
        &self,
        key: &NewKey,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Key>, StoreError> {
        self.call(|| keys::create(&self.pool, key, once, now_us)).await
    }

    async fn keys(&self, user: UserId, page: Page<KeyId>) -> Result<Vec<Key>, StoreError> {
        self.call(|| keys::list(&self.pool, user, page)).await
    }

    async fn key(&self, id: KeyId) -> Result<Key, StoreError> {
        self.call(|| keys::find(&self.pool, id)).await
    }

    async fn change_key(
        &self,
        id: KeyId,
        change: &KeyChange,
        version: Option<u64>,
    ) -> Result<Key, StoreError> {
        self.call(|| keys::change(&self.pool, id, change, version)).await
    }

    async fn revoke_key(&self, id: KeyId, version: Option<u64>, now_us: u64) -> Result<(), StoreError> {
        self.call(|| keys::revoke(&self.pool, id, version, now_us)).await
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        rotation: &Rotation,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Key>, StoreError> {
        self.call(|| keys::rotate(&self.pool, id, rotation, once, now_us)).await
    }

    async fn key_changes(&self, after: u64, limit: u32) -> Result<Vec<KeyState>, StoreError> {
        self.call(|| changes::since(&self.pool, after, limit)).await
    }

    async fn listen(&self) -> Result<Box<dyn ChangeListener>, StoreError> {
        Ok(Box::new(changes::Listener::start(self.listening.clone()).await?))
    }

    async fn marks(&self, node: u64) -> Result<Vec<Mark>, StoreError> {
        self.call(|| fold::marks(&self.pool, node)).await
    }

    async fn fold(&self, fold: &Fold) -> Result<(), StoreError> {
        self.call_within(limits::FOLD_CALL, || fold::fold(&self.pool, fold)).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        self.call_within(limits::USAGE_CALL, async || {
            let mut rows = Vec::new();
            self.sum(&self.summing, query, limits::USAGE_STATEMENT, &mut rows).await?;
            Ok(rows)
        })
        .await
    }

    async fn stream_usage(&self, query: &UsageQuery, sink: &mut dyn UsageSink) -> Result<(), StoreError> {
        // What was handed on is not taken back: there is one attempt.
        let streaming = self.sum(&self.streaming, query, limits::STREAM_STATEMENT, sink);
        connection::in_time(limits::STREAM_CALL, streaming).await
    }

    async fn correct(
        &self,
        correction: &NewCorrection,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Correction>, StoreError> {
        self.call(|| corrections::add(&self.pool, correction, once, now_us)).await
    }

    async fn corrected(&self, once: &Once) -> Result<Option<Correction>, StoreError> {
        self.call(|| corrections::before(&self.pool, once)).await
    }

    async fn corrections(&self, user: UserId, page: Page<u64>) -> Result<Vec<Correction>, StoreError> {
        self.call(|| corrections::list(&self.pool, user, page)).await
    }

    async fn prune(&self, before_us: u64) -> Result<(), StoreError> {
        self.call(|| once::prune(&self.pool, before_us)).await
    }

    async fn close(&self) {
        // A connection that does not end in time ends with its server's limits; nothing more is sent over it.
        for pool in [&self.listening, &self.streaming, &self.summing, &self.pool] {
            let _ = timeout(limits::CLOSE, pool.close()).await;
        }
    }
}
