//! `lockgate usage`

use std::io::Read;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Outcome;
use super::asking::Asking;
use crate::arguments::Global;
use crate::client::{Client, Request, User, UserName};
use crate::failure::Failure;
use crate::listing;
use crate::output::{self, Reader};
use crate::table::{Align, Table};

/// Rows that a page of a table or an array holds.
const PAGE: usize = 1_000;
/// Output is copied in pieces of this size, bytes.
const PIECE_BYTES: usize = 64 << 10;
/// Width of the longest bar.
const BAR: f64 = 20.0;

/// Print what users have consumed
///
/// Asks the admin API of a gateway that runs: requests and metered units, exactly as they stand in the journal,
/// corrections included. Exit status 1 when the gateway says no, as when there is no such user.
#[derive(Args, Debug)]
pub(crate) struct Usage {
    #[command(flatten)]
    asking: Asking,
    /// Only this user: id or e-mail address; only the id of one who was deleted
    #[arg(long, value_name = "USER")]
    user: Option<UserName>,
    /// From this time on: a date, or RFC 3339 as 2026-11-21T14:00:00Z; hours are counted as a whole
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// What to tell apart, separated by commas [default: user]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    by: Vec<By>,
    /// How it is printed
    #[arg(long, default_value = "table", conflicts_with = "json")]
    format: Format,
}

/// What usage is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    User,
    Key,
    Route,
    Hour,
    Day,
    Month,
}

/// How usage is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people, with bars
    Table,
    /// One JSON array, as --json
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values with a line of names
    Csv,
}

/// One row. What it is not told apart by is not there.
#[derive(Debug, Deserialize)]
struct Row {
    user_id: Option<u64>,
    key_id: Option<u64>,
    route: Option<String>,
    from: Option<String>,
    count: i64,
    /// Digits as the gateway wrote them: no other number holds them all.
    total_value: Box<RawValue>,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Route => "route",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl Usage {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let client = self.asking.client(global)?;
        let format = if self.asking.json { Format::Json } else { self.format };
        let request = self.request(&client)?;
        let paged = |request: Request| request.with("limit", PAGE.to_string());
        match format {
            Format::Table => self.print_table(&client, paged(request))?,
            Format::Json => listing::print_json(client.pages(paged(request)))?,
            Format::Ndjson => copy(&client, &request.with("format", "ndjson".to_owned()).whole())?,
            Format::Csv => copy(&client, &request.with("format", "csv".to_owned()).whole())?,
        }
        Ok(Outcome::Done)
    }

    fn request(&self, client: &Client) -> Result<Request, Failure> {
        // Asked by id, and not as a part of a user, the usage of one who was deleted can be read, too.
        let user = self.user.as_ref().map(|user| user.id(client)).transpose()?;
        let by = self.by.iter().map(|by| by.name()).collect::<Vec<_>>().join(",");
        Ok(Request::get("/usage", "usage is not shown")
            .with("user", user.map(|id| id.to_string()))
            .with("from", self.from.clone())
            .with("to", self.to.clone())
            .with("by", Some(by).filter(|by| !by.is_empty())))
    }

    fn print_table(&self, client: &Client, request: Request) -> Result<(), Failure> {
        let by = self.columns();
        let mut table = table(&by);
        let mut names = Names { client, last: None };
        let mut pages = client.pages(request);
        let mut printed = 0;
        while let Some(page) = pages.next() {
            let rows: Vec<Row> = listing::entries(client, &page?)?;
            // A bar is a part of the largest of all rows, so they must all be known.
            let is_whole = printed == 0 && !pages.go_on();
            let most = if is_whole { rows.iter().map(Row::units).fold(0.0, f64::max) } else { 0.0 };
            let cells = rows.iter().map(|row| row.cells(&by, &mut names, most));
            let cells = cells.collect::<Result<_, _>>()?;
            if output::print(table.page(cells).as_bytes())? == Reader::Gone {
                return Ok(());
            }
            printed += rows.len();
        }
        if printed == 0 {
            output::say("no usage\n");
        }
        Ok(())
    }

    /// The columns that tell rows apart, in the order of the rows.
    fn columns(&self) -> Vec<By> {
        if self.by.is_empty() {
            return vec![By::User];
        }
        By::value_variants().iter().copied().filter(|by| self.by.contains(by)).collect()
    }
}

fn table(by: &[By]) -> Table {
    let told_apart = by.iter().flat_map(|by| match by {
        By::User => vec![("USER", Align::Right), ("E-MAIL", Align::Left)],
        By::Key => vec![("KEY", Align::Right)],
        By::Route => vec![("ROUTE", Align::Left)],
        By::Hour | By::Day | By::Month => vec![("FROM (UTC)", Align::Left)],
    });
    Table::new(told_apart.chain([("REQUESTS", Align::Right), ("UNITS", Align::Point), ("", Align::Left)]))
}

impl Row {
    /// The row's cells. The longest bar stands for `most` units; none for less than any.
    fn cells(&self, by: &[By], names: &mut Names<'_>, most: f64) -> Result<Vec<String>, Failure> {
        let id = |id: Option<u64>| id.map_or_else(|| "-".into(), |id| id.to_string());
        let mut cells = Vec::with_capacity(by.len() + 4);
        for by in by {
            match by {
                By::User => cells.extend([id(self.user_id), names.of(self.user_id)?]),
                By::Key => cells.push(id(self.key_id)),
                By::Route => cells.push(self.route.clone().unwrap_or_default()),
                By::Hour => cells.push(self.start(16)),
                By::Day => cells.push(self.start(10)),
                By::Month => cells.push(self.start(7)),
            }
        }
        let bar = if most > 0.0 { (self.units() / most * BAR).round().max(0.0) } else { 0.0 };
        cells.extend([self.count.to_string(), self.total_value.get().to_owned(), "█".repeat(bar as usize)]);
        Ok(cells)
    }

    /// About how many units: for bars only.
    fn units(&self) -> f64 {
        self.total_value.get().parse().unwrap_or(0.0)
    }

    /// The first characters of the time it begins at.
    fn start(&self, characters: usize) -> String {
        let from = self.from.as_deref().unwrap_or_default();
        from.get(..characters).unwrap_or(from).replacen('T', " ", 1)
    }
}

/// Looks up who is behind an id. Rows of one user follow each other, so the last one is all that is kept.
struct Names<'a> {
    client: &'a Client,
    last: Option<(u64, String)>,
}

impl Names<'_> {
    fn of(&mut self, user: Option<u64>) -> Result<String, Failure> {
        let Some(id) = user else { return Ok("nobody".into()) };
        match &self.last {
            Some((last, name)) if *last == id => Ok(name.clone()),
            _ => {
                let name = self.look_up(id)?;
                self.last = Some((id, name.clone()));
                Ok(name)
            }
        }
    }

    fn look_up(&self, id: u64) -> Result<String, Failure> {
        let user: Option<User> = self.client.find(&User::request(id))?;
        // Usage outlives its user.
        Ok(user.map_or_else(|| "no such user".into(), |user| user.email))
    }
}

/// Copies an answer to standard output as it comes.
fn copy(client: &Client, request: &Request) -> Result<(), Failure> {
    let mut response = client.send(request)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = response.read(&mut piece).map_err(|error| client.broken_off(request, &error))?;
        if read == 0 || output::print(&piece[..read])? == Reader::Gone {
            return Ok(());
        }
    }
}
