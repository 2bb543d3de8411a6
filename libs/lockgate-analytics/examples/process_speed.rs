//! Usage per user from a file: `cargo run --release -p lockgate-analytics --example process_speed -- FILE [THREADS]`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use lockgate_analytics::Query;
use lockgate_analytics::input::{Input, Options, Source, analyze};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap();
    let threads = arguments.next().and_then(|threads| threads.parse().ok());
    let query = Query::usage();
    let plan = query.plan();
    for _ in 0..5 {
        let start = Instant::now();
        let input = Input { name: path.clone(), source: Source::File(path.clone().into()) };
        let outcome = analyze(&plan, vec![input], Options { threads, ..Options::default() }, &()).unwrap();
        let took = start.elapsed().as_secs_f64();
        let rate = outcome.bytes as f64 / took / 1e9;
        println!(
            "{took:.3} s, {rate:.2} GB/s, {} lines, {} malformed, {} groups",
            outcome.lines,
            outcome.malformed,
            outcome.partial.report().rows.len()
        );
    }
}
