//! Prints what one route look-up costs with 10 and with 10,000 routes:
//! `cargo run --release -p policy --example route_cost`.

#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use policy::{PathPatternError, Router, Rule, Subject};

struct Get {
    host: &'static str,
    path: String,
}

impl Subject for Get {
    fn host(&self) -> &str {
        self.host
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn method(&self) -> &str {
        "GET"
    }

    fn has_header(&self, _: &str, _: Option<&str>) -> bool {
        false
    }

    fn query(&self) -> &str {
        ""
    }
}

fn main() -> Result<(), PathPatternError> {
    println!("{:>8} {:>20} {:>12}", "routes", "shape", "ns/look-up");
    for count in [10, 10_000] {
        for (shape, pattern) in [("exact", ""), ("prefix", "/*"), ("prefix and method", "/*")] {
            let router = Router::new(&rules(count, pattern, shape.ends_with("method"))?);
            let suffix = if pattern.is_empty() { "" } else { "/items/42" };
            println!("{count:>8} {shape:>20} {:>12.1}", nanoseconds(&router, &requests(count, suffix)));
        }
    }
    Ok(())
}

fn rules(count: usize, pattern: &str, with_method: bool) -> Result<Vec<Rule>, PathPatternError> {
    let rule = |index: usize| {
        Ok(Rule {
            host: None,
            path: format!("/service-{index}{pattern}").parse()?,
            methods: with_method.then(|| vec!["GET".to_owned()]),
            headers: Vec::new(),
            query: Vec::new(),
        })
    };
    (0..count).map(rule).collect()
}

/// A thousand requests spread over the routes, in no order the caches could follow.
fn requests(count: usize, suffix: &str) -> Vec<Get> {
    let path = |at: usize| format!("/service-{}{suffix}", at * 7_919 % count);
    (0..1_000).map(|at| Get { host: "api.example.com", path: path(at) }).collect()
}

/// The best of twenty rounds: whatever else the machine does only adds to it.
fn nanoseconds(router: &Router, requests: &[Get]) -> f64 {
    let round = || {
        let start = Instant::now();
        for _ in 0..100 {
            for request in requests {
                black_box(router.route(black_box(request)));
            }
        }
        start.elapsed()
    };
    let best = (0..20).map(|_| round()).min().unwrap_or(Duration::MAX);
    best.as_secs_f64() * 1e9 / (100 * requests.len()) as f64
}
