//! `lockgate functions list`

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;

use crate::arguments::Global;
use crate::client::Request;
use crate::command::Outcome;
use crate::command::asking::Asking;
use crate::failure::Failure;
use crate::table::{Align, Table};
use crate::{amount, listing, moment};

/// List the functions of a gateway that runs, and what they did
///
/// Figures are those since a function was loaded, which a changed component or changed settings do again.
#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    asking: Asking,
}

/// What the table shows of a function.
#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    interface: String,
    loaded_at: String,
    routes: Vec<String>,
    before: Vec<String>,
    calls: u64,
    failures: BTreeMap<String, u64>,
    running: u64,
    waiting: u64,
    cpu_seconds: f64,
    memory_bytes_max: u64,
}

const COLUMNS: [(&str, Align); 10] = [
    ("NAME", Align::Left),
    ("INTERFACE", Align::Left),
    ("WHERE", Align::Left),
    ("CALLS", Align::Right),
    ("FAILED", Align::Right),
    ("RUNNING", Align::Right),
    ("WAITING", Align::Right),
    ("CPU SECONDS", Align::Point),
    ("MEMORY", Align::Right),
    ("LOADED", Align::Left),
];

impl List {
    pub(crate) fn run(self, global: &Global) -> Result<Outcome, Failure> {
        let client = self.asking.client(global)?;
        let pages = client.pages(Request::get("/functions", "functions are not listed"));
        if self.asking.json {
            listing::print_json(pages)?;
        } else {
            let none = "no functions; `[function.NAME]` in the configuration makes one";
            listing::print_table(&client, pages, Table::new(COLUMNS), none, row)?;
        }
        Ok(Outcome::Done)
    }
}

fn row(function: &Function) -> Vec<String> {
    let before = function.before.iter().map(|route| format!("before {route}"));
    let places: Vec<_> = function.routes.iter().cloned().chain(before).collect();
    vec![
        function.name.clone(),
        function.interface.clone(),
        if places.is_empty() { "nowhere".into() } else { places.join(", ") },
        function.calls.to_string(),
        function.failures.values().sum::<u64>().to_string(),
        function.running.to_string(),
        function.waiting.to_string(),
        format!("{:.3}", function.cpu_seconds),
        amount::of_bytes(function.memory_bytes_max),
        moment::plain(&function.loaded_at),
    ]
}
