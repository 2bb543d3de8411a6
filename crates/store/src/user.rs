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

/// What all spellings of an e-mail address share, whatever their case. A database keeps it beside the address and lets it appear once,
/// because the databases do not agree on the case of letters beyond ASCII.
#[must_use]
pub fn email_key(email: &str) -> String {
    // Upper case first: it makes one of letters that have two lower cases, as the Greek sigma.
    email.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_key_whatever_its_case() {
        for (one, other) in [("A.b@X.org", "a.B@x.ORG"), ("ZOË@x", "zoë@x"), ("ΟΔΟΣ@x", "οδος@x")] {
            assert_eq!(email_key(one), email_key(other));
        }
        assert_ne!(email_key("a.b@x"), email_key("ab@x"));
    }
}
