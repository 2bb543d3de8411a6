//! What the limits of a request cost while a million users are counted: `cargo run --release -p proxy --example limiter_cost`.
//!
//! With `--count N` it lets that many requests of ten thousand users pass and prints no times: for `valgrind --tool=callgrind`, where
//! the difference of two counts is the cost.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use config::{Limit, Per, Rate};
use proxy::{Asker, Limiter, Permits, Request, Response, RouteLimits, Stage};

const USERS: u64 = 1_000_000;
const USERS_COUNTED: u64 = 10_000;
const ROUND: u64 = 200_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.find(|argument| argument == "--count").and_then(|_| arguments.next()?.parse().ok());
    let minute = Rate { requests: 1, period: Duration::from_secs(60), burst: 100_000_000 };
    let rate = |per| Limit { rate: Some(minute), concurrency: None, per };
    let both = Limit { rate: Some(minute), concurrency: Some(100), per: Per::User };
    for (what, limits) in [
        ("a rate per user", vec![rate(Per::User)]),
        ("a rate and a concurrency per user", vec![both]),
        ("a rate per user and one per address, of a thousand", vec![rate(Per::User), rate(Per::Address)]),
    ] {
        match count {
            Some(count) => {
                println!("{what}: {} passed", Gate::new(&limits, USERS_COUNTED).pass(count, USERS_COUNTED));
            }
            None => Gate::new(&limits, USERS).print(what),
        }
    }
}

struct Gate {
    limiter: Limiter,
    limits: RouteLimits,
    request: Request,
}

impl Gate {
    /// A gate that counts so many users already.
    fn new(limits: &[Limit], users: u64) -> Self {
        let limiter = Limiter::new(USERS as usize);
        let gate = Self { limiter, limits: RouteLimits::compile("r", limits), request: Request::default() };
        let passed = (1..=users).filter(|id| gate.ask(*id, Instant::now(), None)).count();
        assert!(passed as u64 > users - 20, "{passed} users found room");
        gate
    }

    /// Moment 5 of one request, and, where there is one, what the limits add to the response's head.
    fn ask(&self, id: u64, now: Instant, response: Option<&mut Response>) -> bool {
        let address = IpAddr::V4(Ipv4Addr::from_bits((id % 1_000) as u32));
        let asker = Asker { request: &self.request, address, user_id: Some(id), key_id: Some(id) };
        let mut permits = Permits::new(&self.limiter);
        let passed = permits.ask(&self.limits, Stage::Early, asker, now).is_ok()
            && permits.ask(&self.limits, Stage::Late, asker, now).is_ok();
        if let Some(response) = response {
            permits.tell(&self.limits, &mut response.fields);
        }
        passed
    }

    /// Requests of users in no order that caches could follow; answers how many passed.
    fn pass(&self, count: u64, users: u64) -> u64 {
        let now = Instant::now();
        let id = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % users + 1;
        (0..count).filter(|at| black_box(self.ask(id(*at), now, None))).count() as u64
    }

    fn print(&self, what: &str) {
        println!("{what}: {:.1} MB", self.limiter.counts().memory_bytes as f64 / 1e6);
        println!("  {:6.1} ns for one of a million users", nanoseconds(|| self.pass(ROUND, USERS)));
        println!("  {:6.1} ns for one user over and over", nanoseconds(|| self.pass(ROUND, 1)));
        let mut response = Response::default();
        let told = nanoseconds(|| {
            let now = Instant::now();
            for _ in 0..ROUND {
                response.clear();
                black_box(self.ask(1, now, Some(&mut response)));
            }
        });
        println!("  {told:6.1} ns with the response's fields");
    }
}

/// Nanoseconds per request, of the best of ten rounds: whatever else the machine does only adds to it.
fn nanoseconds<T>(mut round: impl FnMut() -> T) -> f64 {
    let timed = (0..10).map(|_| {
        let start = Instant::now();
        black_box(round());
        start.elapsed()
    });
    timed.min().unwrap_or(Duration::MAX).as_secs_f64() * 1e9 / ROUND as f64
}
