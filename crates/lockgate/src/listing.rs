//! Lists of the admin API on standard output, page by page.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::client::{Client, Pages};
use crate::failure::Failure;
use crate::output::{self, Reader};
use crate::table::Table;

/// Prints a list as one JSON array, an entry a line, each as the gateway wrote it.
pub(crate) fn print_json(pages: Pages<'_>) -> Result<(), Failure> {
    let mut before = "[";
    for page in pages {
        let mut text = String::new();
        for entry in page? {
            text.extend([before, entry.get()]);
            before = ",\n";
        }
        if output::print(text.as_bytes())? == Reader::Gone {
            return Ok(());
        }
    }
    let end = if before == "[" { "[]\n" } else { "]\n" };
    output::print(end.as_bytes()).map(drop)
}

/// Prints a list as a table; `none` is said, to standard error, where it would be empty.
pub(crate) fn print_table<T: DeserializeOwned>(
    client: &Client,
    pages: Pages<'_>,
    mut table: Table,
    none: &str,
    row: impl Fn(&T) -> Vec<String>,
) -> Result<(), Failure> {
    let mut is_empty = true;
    for page in pages {
        let page = entries(client, &page?)?;
        if page.is_empty() {
            continue;
        }
        is_empty = false;
        if output::print(table.page(page.iter().map(&row).collect()).as_bytes())? == Reader::Gone {
            return Ok(());
        }
    }
    if is_empty {
        output::say(&format!("{none}\n"));
    }
    Ok(())
}

/// Understands the entries of a page.
pub(crate) fn entries<T: DeserializeOwned>(
    client: &Client,
    page: &[Box<RawValue>],
) -> Result<Vec<T>, Failure> {
    page.iter().map(|entry| client.parse(entry.get())).collect()
}
