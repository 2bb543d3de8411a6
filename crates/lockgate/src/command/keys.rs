//! `lockgate keys`

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Outcome;
use super::asking::Asking;
use crate::arguments::Global;
use crate::client::{Client, Request, UserName};
use crate::failure::Failure;
use crate::listing;
use crate::moment::{self, Moment};
use crate::output::{self, Reader};
use crate::table::{Align, Table, harmless};

/// Keys that a page of a list holds.
const PAGE: usize = 500;

/// Make, list, revoke and replace API keys
///
/// Asks the admin API of a gateway that runs. What is made, revoked or replaced is so for new requests within a second.
/// Exit status 1 when the gateway says no: there is no such user or key, or a field is not right.
#[derive(Args, Debug)]
pub(crate) struct Keys {
    #[command(flatten)]
    asking: Asking,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key and print it, once
    ///
    /// Standard output gets the key alone, so that KEY=$(lockgate keys create ada@example.com) works; standard error
    /// gets what there is to know of it. Only a hash of it is kept: nobody can show it again.
    Create {
        /// Whose: id or e-mail address
        user: UserName,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// Word in the key that tells what it is for, as in lg_live_…: lower-case letters and digits
        #[arg(long, value_name = "WORD", default_value = "live")]
        env: String,
        /// Route it may be used on; may be repeated [default: all routes]
        #[arg(long = "scope", value_name = "ROUTE")]
        scopes: Vec<String>,
        /// When it ends: after a time, as 30d or 12h, or at one, as 2027-01-01T00:00:00Z [default: never]
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Print nothing but the key
        #[arg(short, long, conflicts_with = "json")]
        quiet: bool,
    },
    /// List a user's keys, the oldest first, revoked ones included
    List {
        /// Whose: id or e-mail address
        user: UserName,
    },
    /// Revoke a key for ever
    Revoke {
        /// The key's id
        key: u64,
    },
    /// Replace a key by a new one, and let the old one end a little later
    ///
    /// The new key has the name, routes and end of the old one, and is printed as `keys create` prints one.
    Rotate {
        /// The key's id
        key: u64,
        /// How long the old key goes on, as 24h or 0s
        #[arg(long, value_name = "TIME", default_value = "24h")]
        overlap: String,
        /// Print nothing but the key
        #[arg(short, long, conflicts_with = "json")]
        quiet: bool,
    },
}

/// What is shown of a key.
#[derive(Debug, Deserialize)]
struct Key {
    id: u64,
    user_id: u64,
    #[serde(default)]
    name: String,
    prefix: String,
    scopes: Option<Vec<String>>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
    secret: Option<String>,
}

/// What tells a new key from others.
#[derive(Debug, Deserialize)]
struct Made {
    id: u64,
}

impl Keys {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let client = self.asking.client(global)?;
        let json = self.asking.json;
        match self.what {
            What::Create { user, name, env, scopes, expires, quiet } => {
                let path = format!("/users/{}/keys", user.id(&client)?);
                let body = wanted(name, env, scopes, expires);
                let request = Request::post(path, body, format!("user {user} gets no key"));
                hand_out(&client, json, quiet, &client.text(&request)?)?;
            }
            What::List { user } => list(&client, json, &user)?,
            What::Revoke { key } => {
                client.send(&Request::delete(format!("/keys/{key}"), format!("key {key} is not revoked")))?;
                if !json {
                    output::print(format!("revoked key {key}\n").as_bytes())?;
                }
            }
            What::Rotate { key, overlap, quiet } => {
                let body = Value::Object(Map::from_iter([("overlap".into(), overlap.into())]));
                let request =
                    Request::post(format!("/keys/{key}/rotate"), body, format!("key {key} is not replaced"));
                hand_out(&client, json, quiet, &client.text(&request)?)?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// The body that asks for a key.
fn wanted(name: Option<String>, env: String, scopes: Vec<String>, expires: Option<String>) -> Value {
    let mut body = Map::from_iter([("environment".to_owned(), Value::from(env))]);
    body.extend(name.map(|name| ("name".to_owned(), name.into())));
    if !scopes.is_empty() {
        body.insert("scopes".into(), scopes.into());
    }
    body.extend(expires.map(|expires| {
        // A date begins with its year and a dash; a time to live is a number and a unit.
        let member = if expires.contains('-') { "expires_at" } else { "expires_in" };
        (member.to_owned(), expires.into())
    }));
    Value::Object(body)
}

/// Prints a new key: its text alone to standard output, and first, since nobody can show it again; the rest to standard error.
fn hand_out(client: &Client, json: bool, quiet: bool, answer: &str) -> Result<(), Failure> {
    if json {
        return print_once(client, answer, answer.trim_end());
    }
    let key: Key = client.parse(answer)?;
    print_once(client, answer, key.secret.as_deref().unwrap_or_default())?;
    if !quiet {
        let described = described(&key, Moment::now());
        output::say(&format!(
            "key {} of user {}, {described}\nthis is the only time it is shown\n",
            key.id, key.user_id
        ));
    }
    Ok(())
}

/// Prints the only copy of a new key's text; where nobody gets it, says which key is useless.
fn print_once(client: &Client, answer: &str, text: &str) -> Result<(), Failure> {
    let failure = match output::print(format!("{text}\n").as_bytes()) {
        Ok(Reader::Listens) => return Ok(()),
        Ok(Reader::Gone) => Failure::new("nobody reads standard output"),
        Err(failure) => failure,
    };
    let Made { id } = client.parse(answer)?;
    let hint = format!("nobody can show it again: `lockgate keys revoke {id}`, and make another one");
    Err(failure.leads_to(format!("key {id} was made and could not be printed")).hinted(Some(hint)))
}

fn list(client: &Client, json: bool, user: &UserName) -> Result<(), Failure> {
    let request = Request::get(
        format!("/users/{}/keys", user.id(client)?),
        format!("keys of user {user} are not listed"),
    )
    .with("limit", PAGE.to_string());
    let pages = client.pages(request);
    if json {
        return listing::print_json(pages);
    }
    let columns = ["ID", "NAME", "KEY", "ROUTES", "CREATED", "LAST USED", "STATE"];
    let align = |name| if name == "ID" { Align::Right } else { Align::Left };
    let table = Table::new(columns.map(|name| (name, align(name))));
    let none = format!("no keys; make one with `lockgate keys create {}`", plain_name(user));
    let now = Moment::now();
    listing::print_table(client, pages, table, &none, |key: &Key| {
        let last_used = key.last_used_at.as_deref();
        vec![
            key.id.to_string(),
            key.name.clone(),
            format!("{}…", key.prefix),
            routes(key),
            moment::plain(&key.created_at),
            last_used.map_or_else(|| "never".into(), |at| moment::relative(at, now)),
            state(key, now),
        ]
    })
}

/// A user as it is written on the command line.
fn plain_name(user: &UserName) -> String {
    user.to_string().trim_matches('`').to_owned()
}

fn described(key: &Key, now: Moment) -> String {
    let name = if key.name.is_empty() { String::new() } else { format!("`{}`, ", harmless(&key.name)) };
    format!("{name}routes: {}, {}", routes(key), state(key, now))
}

fn routes(key: &Key) -> String {
    match key.scopes.as_deref() {
        None => "all".into(),
        Some([]) => "none".into(),
        Some(names) => names.join(", "),
    }
}

/// Whether the key is in force, and until when.
fn state(key: &Key, now: Moment) -> String {
    if let Some(at) = &key.revoked_at {
        return format!("revoked {}", moment::relative(at, now));
    }
    match &key.expires_at {
        None => "in force".into(),
        Some(at) if Moment::read(at).is_some_and(|end| end <= now) => {
            format!("expired {}", moment::relative(at, now))
        }
        Some(at) => format!("expires {}", moment::relative(at, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expires: &str, member: &str) {
        let body = wanted(Some("ci".into()), "live".into(), vec!["orders".into()], Some(expires.into()));
        let expected = serde_json::json!({
            "environment": "live", "name": "ci", "scopes": ["orders"], member: expires
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn an_end_is_a_time_to_live_or_a_moment() {
        check("30d", "expires_in");
        check("2027-01-01T00:00:00Z", "expires_at");
        check("2027-01-01T00:00:00+01:00", "expires_at");
        assert_eq!(wanted(None, "t".into(), vec![], None), serde_json::json!({ "environment": "t" }));
    }

    #[test]
    fn a_key_says_whether_it_is_in_force() {
        let now = Moment::read("2026-11-21T12:00:00Z").unwrap();
        let said = |expires_at: Option<&str>, revoked_at: Option<&str>| {
            let key = serde_json::json!({
                "id": 1, "user_id": 2, "prefix": "lg_live_abcdef", "created_at": "2026-11-21T00:00:00Z",
                "expires_at": expires_at, "revoked_at": revoked_at
            });
            described(&serde_json::from_value(key).unwrap(), now)
        };
        let (past, future) = (Some("2026-11-21T11:00:00Z"), Some("2026-12-21T12:00:00Z"));
        assert_eq!(said(None, None), "routes: all, in force");
        assert_eq!(said(future, None), "routes: all, expires in 30 days");
        assert_eq!(said(past, None), "routes: all, expired 1 hour ago");
        assert_eq!(said(future, past), "routes: all, revoked 1 hour ago");
    }
}
