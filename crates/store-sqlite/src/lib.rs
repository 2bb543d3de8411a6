//! The store on SQLite: one file in the data directory, one process.
