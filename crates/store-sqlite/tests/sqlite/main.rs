//! The store on SQLite, through its file: the suite of all databases, and what only this one has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amounts;
mod beside;
mod opening;
mod plans;
mod suite;

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

/// A folder with a place for a database.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("lockgate.db")
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).await.unwrap()
    }
}

/// Somebody else's connection to the file.
async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}
