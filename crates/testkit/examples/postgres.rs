//! A PostgreSQL server to try things on: `cargo run --package testkit --example postgres -- FILE.sql…` runs the files in an empty
//! database, prints its URL, and ends with its input.

use std::io::Write;

use testkit::Postgres;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Postgres::start()?;
    let url = server.database();
    for file in std::env::args().skip(1) {
        server.sql(&url, &std::fs::read_to_string(file)?)?;
    }
    let mut output = std::io::stdout();
    writeln!(output, "{url}")?;
    output.flush()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
