//! A key between its row and its value.

use policy::Scopes;
use store::{Key, KeyId, UserId};

use crate::number::from_sql;

pub(crate) struct KeyRow {
    pub(crate) id: i64,
    pub(crate) user_id: i64,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) created_us: i64,
    pub(crate) expires_us: Option<i64>,
    pub(crate) revoked_us: Option<i64>,
    pub(crate) used_us: Option<i64>,
    pub(crate) version: i64,
}

impl From<KeyRow> for Key {
    fn from(row: KeyRow) -> Self {
        Self {
            id: KeyId(from_sql(row.id)),
            user_id: UserId(from_sql(row.user_id)),
            name: row.name,
            prefix: row.prefix,
            scopes: scopes_from_sql(row.scopes),
            created_us: from_sql(row.created_us),
            expires_us: row.expires_us.map(from_sql),
            revoked_us: row.revoked_us.map(from_sql),
            last_used_us: row.used_us.map(from_sql),
            version: from_sql(row.version),
        }
    }
}

/// NULL stands for every route.
pub(crate) fn scopes_from_sql(names: Option<Vec<String>>) -> Scopes {
    names.map_or(Scopes::All, |names| Scopes::Routes(names.into_iter().map(String::into_boxed_str).collect()))
}

/// The other way.
pub(crate) fn scopes_to_sql(scopes: &Scopes) -> Option<Vec<String>> {
    match scopes {
        Scopes::All => None,
        Scopes::Routes(names) => Some(names.iter().map(|name| name.to_string()).collect()),
    }
}
