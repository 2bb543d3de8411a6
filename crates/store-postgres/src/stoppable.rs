//! Connections whose statements are stopped when nobody waits for them any more.
//!
//! A server does not notice that a client has gone before it has something to send to it, which a sum has at its end; and a connection
//! on which a statement still runs is of no use to anybody else.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::limits;

/// A connection in use. Unless it is given back, what runs on it is stopped and it is closed when this is dropped.
pub(crate) struct Stoppable {
    connection: Option<PoolConnection<Postgres>>,
    /// The server's process behind it.
    process: i32,
    /// Where the word that stops it is sent from.
    others: PgPool,
}

impl Stoppable {
    /// Takes a connection of `pool`; the connections of `others` are to be free soon.
    pub(crate) async fn take(pool: &PgPool, others: &PgPool) -> Result<Self, Failure> {
        let mut connection = pool.acquire().await?;
        let asked = sqlx::query_scalar!(r#"SELECT pg_backend_pid() AS "process!""#);
        let process = asked.fetch_one(&mut *connection).await?;
        Ok(Self { connection: Some(connection), process, others: others.clone() })
    }

    /// Gives the connection back when nothing runs on it any more.
    pub(crate) fn give_back(mut self) {
        // The pool takes what is dropped.
        drop(self.connection.take());
    }
}

impl Deref for Stoppable {
    type Target = PgConnection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().expect("a connection is there until it is given back")
    }
}

impl DerefMut for Stoppable {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().expect("a connection is there until it is given back")
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        let (Some(connection), Ok(runtime)) = (self.connection.take(), Handle::try_current()) else { return };
        let (process, others) = (self.process, self.others.clone());
        // While the connection is ours, its process serves nobody else. Its place is free when it has ended.
        runtime.spawn(async move {
            let stop = sqlx::query!("SELECT pg_cancel_backend($1) AS stopped", process);
            // A server that cannot be told is told by the end of the connection, later.
            let _ = timeout(limits::CANCEL, stop.fetch_one(&others)).await;
            let _ = timeout(limits::CLOSE, connection.close()).await;
        });
    }
}
