//! Users.

use crate::UserId;

/// Somebody who uses what is behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name for ever.
    pub id: UserId,
    /// What people call it.
    pub name: String,
    /// Its address; no two users share one, whatever its case.
    pub email: String,
    /// When it was made, microseconds since 1970-01-01T00:00:00Z.
    pub created_us: u64,
    /// Counts its changes from 1.
    pub version: u64,
}

/// A user to be made. Whoever makes it has checked the texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// What people call it.
    pub name: String,
    /// Its address.
    pub email: String,
}

/// What is to be different; `None`: stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another name.
    pub name: Option<String>,
    /// Another address.
    pub email: Option<String>,
}
