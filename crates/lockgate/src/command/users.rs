//! `lockgate users`

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::Outcome;
use super::asking::Asking;
use crate::arguments::Global;
use crate::client::{Client, Request, User, UserName};
use crate::failure::Failure;
use crate::table::{Align, Table, harmless};
use crate::{listing, moment, output};

/// Users that a page of a list holds.
const PAGE: usize = 500;

/// List, make, change and delete users
///
/// Asks the admin API of a gateway that runs. A user is named by its id or its e-mail address. Exit status 1 when the
/// gateway says no: there is no such user, another one has the address, a field is not right.
#[derive(Args, Debug)]
pub(crate) struct Users {
    #[command(flatten)]
    asking: Asking,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List users, the oldest first
    List {
        /// Only the first N
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        /// Only the one with this e-mail address
        #[arg(long, value_name = "E-MAIL")]
        email: Option<String>,
    },
    /// Make a user
    Create {
        /// What people call it
        #[arg(long)]
        name: String,
        /// Its e-mail address, which no other user has
        #[arg(long, value_name = "E-MAIL")]
        email: String,
    },
    /// Show a user
    Show {
        /// Id or e-mail address
        user: UserName,
    },
    /// Change a user's name or e-mail address
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Update {
        /// Id or e-mail address
        user: UserName,
        /// Another name
        #[arg(long, group = "change")]
        name: Option<String>,
        /// Another e-mail address
        #[arg(long, value_name = "E-MAIL", group = "change")]
        email: Option<String>,
    },
    /// Delete a user and revoke its keys
    ///
    /// What it has used stays in the books under its id, which no other user will have.
    Delete {
        /// Id or e-mail address
        user: UserName,
    },
}

impl Users {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let client = self.asking.client(global)?;
        let json = self.asking.json;
        match self.what {
            What::List { limit, email } => list(&client, json, limit, email)?,
            What::Create { name, email } => {
                let failure = format!("user `{email}` is not made");
                let body = Map::from_iter([("name".into(), name.into()), ("email".into(), email.into())]);
                show(&client, json, &client.text(&Request::post("/users", Value::Object(body), failure))?)?;
            }
            What::Show { user } => show(&client, json, user.fetch(&client)?.get())?,
            What::Update { user, name, email } => {
                let request = change(&user, user.id(&client)?, [("name", name), ("email", email)]);
                show(&client, json, &client.text(&request)?)?;
            }
            What::Delete { user } => {
                let id = user.id(&client)?;
                client
                    .send(&Request::delete(format!("/users/{id}"), format!("user {user} is not deleted")))?;
                if !json {
                    output::print(format!("deleted user {id}; its keys are revoked\n").as_bytes())?;
                }
            }
        }
        Ok(Outcome::Done)
    }
}

fn list(client: &Client, json: bool, limit: Option<u64>, email: Option<String>) -> Result<(), Failure> {
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let request = Request::get("/users", "users are not listed")
        .with("limit", limit.min(PAGE).to_string())
        .with("email", email);
    let pages = client.pages(request).at_most(limit);
    if json {
        return listing::print_json(pages);
    }
    let table = Table::new([
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("E-MAIL", Align::Left),
        ("CREATED", Align::Left),
    ]);
    let none = "no users; make one with `lockgate users create --name NAME --email E-MAIL`";
    listing::print_table(client, pages, table, none, |user: &User| {
        vec![user.id.to_string(), user.name.clone(), user.email.clone(), moment::plain(&user.created_at)]
    })
}

fn show(client: &Client, json: bool, answer: &str) -> Result<(), Failure> {
    if json {
        return output::print(format!("{}\n", answer.trim_end()).as_bytes()).map(drop);
    }
    let user: User = client.parse(answer)?;
    let text = format!(
        "id       {}\nname     {}\ne-mail   {}\ncreated  {}\n",
        user.id,
        harmless(&user.name),
        harmless(&user.email),
        harmless(&moment::plain(&user.created_at))
    );
    output::print(text.as_bytes()).map(drop)
}

/// A merge patch (RFC 7396) with the members that are to be different.
fn change<const N: usize>(user: &UserName, id: u64, members: [(&str, Option<String>); N]) -> Request {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    let body = Value::Object(members.collect());
    Request::patch(format!("/users/{id}"), body, format!("user {user} is not changed"))
}
