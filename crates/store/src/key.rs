//! Keys, as they are kept: never their text.

use policy::{KeyFacts, KeyHash, Scopes};

use crate::{KeyId, UserId};

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name for ever.
    pub id: KeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// What people call it.
    pub name: String,
    /// Start of its text, to tell keys apart.
    pub prefix: String,
    /// Routes it may be used on.
    pub scopes: Scopes,
    /// When it was made, microseconds since 1970-01-01T00:00:00Z.
    pub created_us: u64,
    /// When it ends; `None`: never.
    pub expires_us: Option<u64>,
    /// When it was revoked; `None`: it was not.
    pub revoked_us: Option<u64>,
    /// When it was last presented, as far as the journal has been folded.
    pub last_used_us: Option<u64>,
    /// Counts its changes from 1; being used is none.
    pub version: u64,
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Whose it is to be.
    pub user_id: UserId,
    /// What people call it.
    pub name: String,
    /// Start of its text.
    pub prefix: String,
    /// What stands for its text.
    pub hash: KeyHash,
    /// Routes it may be used on.
    pub scopes: Scopes,
    /// When it ends; `None`: never.
    pub expires_us: Option<u64>,
}

/// What is to be different; `None`: stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Another name.
    pub name: Option<String>,
    /// Other routes.
    pub scopes: Option<Scopes>,
    /// Another end, or with `Some(None)` none.
    pub expires_us: Option<Option<u64>>,
}

/// How a key is replaced. The new one has the user, name, scopes and end of the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Start of the new text.
    pub prefix: String,
    /// What stands for the new text.
    pub hash: KeyHash,
    /// When the old key ends, if it does not end before.
    pub old_expires_us: u64,
}

/// What became of a key, for whoever follows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Number of its last change.
    pub number: u64,
    /// What stands for its text.
    pub hash: KeyHash,
    /// What the data plane is to know of it; `None`: it was revoked.
    pub facts: Option<KeyFacts>,
}
