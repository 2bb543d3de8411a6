//! Connections: how they are made, and the database brought to this version.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection};
use store::StoreError;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;
use crate::limits;

static MIGRATOR: Migrator = sqlx::migrate!();
/// Where it is written down which migrations there have been, as `sqlx.toml` says.
const MIGRATIONS: &str = "lockgate.migrations";

/// What a URL says, and what every session of ours is to be.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, Failure> {
    let options = PgConnectOptions::from_str(url)?;
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("lockgate"),
    };
    let idle = milliseconds(limits::IDLE_TRANSACTION);
    Ok(options.disable_statement_logging().options([
        ("idle_in_transaction_session_timeout", idle.as_str()),
        // Compiling a statement takes longer than any of ours.
        ("jit", "off"),
        // What the transactions are written for, whatever the database's own default is.
        ("default_transaction_isolation", "read committed"),
    ]))
}

/// A pool that connects when it is asked to, and whose statements may take so long; `None`: as long as they like. Its connections are to
/// servers that take writes: one that does not was replaced by another, and what it tells, of keys above all, is of the past. So each is
/// asked before it is used, instead of only whether it is there, which takes as long.
pub(crate) fn pool(options: &PgConnectOptions, connections: u32, statement: Option<Duration>) -> PgPool {
    let limit = milliseconds(statement.unwrap_or_default());
    let options = options.clone().options([("statement_timeout", limit)]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(limits::CONNECT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                if takes_writes(connection).await? {
                    return Ok(());
                }
                sleep(limits::READ_ONLY).await;
                Err(sqlx::Error::Io(io::Error::other("the server takes no writes")))
            })
        })
        .test_before_acquire(false)
        // One that is no more is none that takes writes.
        .before_acquire(|connection, _| {
            Box::pin(async move { Ok(takes_writes(connection).await.unwrap_or(false)) })
        })
        .connect_lazy_with(options)
}

/// Whether a transaction that begins now may write; on a standby none may.
async fn takes_writes(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let asked =
        sqlx::query_scalar!(r#"SELECT current_setting('transaction_read_only') = 'off' AS "takes_writes!""#);
    asked.fetch_one(connection).await
}

/// Brings the database to this version. Nodes that start at once take turns.
pub(crate) async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let pool = pool(options, 1, None);
    let migrated = in_time(limits::MIGRATION, run(&pool)).await;
    // What had to be written is committed; a connection that does not end well ends all the same.
    let _ = timeout(limits::CLOSE, pool.close()).await;
    migrated
}

async fn run(pool: &PgPool) -> Result<(), Failure> {
    let has_schema = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'lockgate') AS "has_schema!""#
    );
    let migrated = if has_schema.fetch_one(pool).await? {
        // `IF NOT EXISTS` or not, PostgreSQL asks for the right to make schemas, and whoever owns this one may lack it.
        migrator_of_schema().run(pool).await
    } else {
        MIGRATOR.run(pool).await
    };
    match migrated {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_)) => Err(newer(pool).await?.into()),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(error.into()),
        Err(error) => Err(StoreError::Failed(Box::new(error)).into()),
    }
}

/// The migrator where the schema is there.
fn migrator_of_schema() -> Migrator {
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.dangerous_set_table_name(MIGRATIONS);
    migrator
}

/// The refusal of a database that has seen a later version of the program.
async fn newer(pool: &PgPool) -> Result<StoreError, Failure> {
    let applied = match pool.acquire().await?.list_applied_migrations(MIGRATIONS).await {
        Ok(applied) => applied.into_iter().map(|migration| migration.version),
        Err(error) => return Err(StoreError::Failed(Box::new(error)).into()),
    };
    let known = MIGRATOR.iter().map(|migration| migration.version);
    Ok(StoreError::Newer { found: applied.max().unwrap_or(0), known: known.max().unwrap_or(0) })
}

/// Gives up on a server that stands still.
pub(crate) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, StoreError> {
    match timeout(limit, work).await {
        Ok(result) => Ok(result?),
        Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
    }
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}
