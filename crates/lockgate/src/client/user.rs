//! Users, as they are named on the command line and as the admin API tells of them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Client, Request};
use crate::failure::Failure;

/// A user.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) created_at: String,
}

/// A user, by number or by e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserName {
    Id(u64),
    Email(String),
}

impl FromStr for UserName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('@') {
            return Ok(Self::Email(text.into()));
        }
        let id = text.parse().map(Self::Id);
        id.map_err(|_| "write a user's id or e-mail address; `lockgate users list` shows both".into())
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Email(email) => write!(f, "`{email}`"),
        }
    }
}

impl User {
    /// Asks for the user with this number.
    pub(crate) fn request(id: u64) -> Request {
        Request::get(format!("/users/{id}"), format!("user {id} is not shown"))
    }
}

impl UserName {
    /// The user's number. Only an address has to be looked up.
    pub(crate) fn id(&self, client: &Client) -> Result<u64, Failure> {
        match self {
            Self::Id(id) => Ok(*id),
            Self::Email(_) => Ok(client.parse::<User>(self.fetch(client)?.get())?.id),
        }
    }

    /// The user, as the gateway tells of it.
    pub(crate) fn fetch(&self, client: &Client) -> Result<Box<RawValue>, Failure> {
        match self {
            Self::Id(id) => client.json(&User::request(*id)),
            Self::Email(email) => {
                let request = Request::get("/users", "users are not listed").with("email", email.clone());
                let found: Vec<Box<RawValue>> = client.json(&request)?;
                found.into_iter().next().ok_or_else(|| {
                    Failure::new(format!("no user has the e-mail address `{email}`"))
                        .hint("`lockgate users list` shows those there are")
                        .says_no()
                })
            }
        }
    }
}
