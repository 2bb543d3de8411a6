//! A key as the API shows it.

use policy::Scopes;
use serde::Serialize;
use store::Key;
use utoipa::ToSchema;

use super::super::time::Time;

/// A key, without its text.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(in super::super) struct KeyView<'a> {
    /// Its name for ever.
    #[schema(minimum = 1)]
    id: u64,
    /// Whose it is.
    #[schema(minimum = 1)]
    user_id: u64,
    /// What people call it.
    name: &'a str,
    /// Start of its text, to tell keys apart.
    prefix: &'a str,
    /// Names of the routes it may be used on; `null`: all.
    #[schema(required = true, value_type = Option<Vec<String>>)]
    scopes: Option<&'a [Box<str>]>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When it ends; `null`: never.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// When it was revoked; `null`: it was not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Time>,
    /// When it was last presented, up to a few seconds ago; `null`: never.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Time>,
    /// Counts its changes; what `ETag` says. Being used is no change.
    #[schema(minimum = 1)]
    version: u64,
}

impl<'a> From<&'a Key> for KeyView<'a> {
    fn from(key: &'a Key) -> Self {
        Self {
            id: key.id.0,
            user_id: key.user_id.0,
            name: &key.name,
            prefix: &key.prefix,
            scopes: match &key.scopes {
                Scopes::All => None,
                Scopes::Routes(names) => Some(names),
            },
            created_at: Time(key.created_us),
            expires_at: key.expires_us.map(Time),
            revoked_at: key.revoked_us.map(Time),
            last_used_at: key.last_used_us.map(Time),
            version: key.version,
        }
    }
}

/// A key that was made, with its text.
#[derive(Serialize, ToSchema)]
#[schema(as = NewKey)]
pub(in super::super) struct NewKeyView<'a> {
    /// The key.
    #[serde(flatten)]
    pub(super) key: KeyView<'a>,
    /// Its text: what clients present. It cannot be shown again; `null` when the request was made before.
    #[schema(required = true)]
    pub(super) secret: Option<&'a str>,
}
