//! What it costs to identify, limit and meter a request while a million keys are known:
//! `cargo run --release -p proxy --example identify_cost`.
//!
//! `--count N` lets that many requests pass, of a smaller table, and prints no times: for `valgrind --tool=callgrind`, with
//! `--toggle-collect='identify_cost::Gate::identify'` and the like for each part, or `'identify_cost::Gate::all'` for the sum.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use config::{Limit, Meter, Per, Rate};
use lockgate_event::Kind;
use policy::{KeyFacts, KeyHash, KeySecret, Scopes};
use proxy::{
    Asker, FoundKey, Identity, KeyTable, Limiter, Permits, Progress, Request, Response, RouteLimits, Stage,
    Tally, header_value,
};

const KEYS: u64 = 1_000_000;
/// Keys when instructions are counted: making a million takes too long then, and a look is the same.
const KEYS_COUNTED: u64 = 50_000;
/// Requests made ready at once, few enough to be in the cache, as a request is that has just been read.
const BATCH: u64 = 64;
const ROUNDS: u64 = 4_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.find(|argument| argument == "--count").and_then(|_| arguments.next()?.parse().ok());
    if let Some(count) = count {
        let gate = Gate::new(KEYS_COUNTED);
        let mut requests = vec![Request::default(); BATCH as usize];
        let mut identities = Vec::new();
        for at in 0..count {
            gate.ask(at, KEYS, &mut requests[0]);
            gate.all(&mut requests[..1]);
            gate.ask(at, KEYS, &mut requests[0]);
            identities.clear();
            gate.identify(&mut requests[..1], &mut identities);
            gate.limit(&identities, &requests);
            gate.meter(1);
        }
        println!("{count} passed");
        return;
    }
    let gate = Gate::new(KEYS);
    for busy in [KEYS, 1_000] {
        println!("{busy} of {KEYS} keys in use, nanoseconds in the middle and at best:");
        gate.print(busy);
    }
}

/// What a worker knows.
struct Gate {
    keys: KeyTable,
    count: u64,
    limiter: Limiter,
    limits: RouteLimits,
    meter: Meter,
    response: Response,
}

impl Gate {
    fn new(count: u64) -> Self {
        let before = resident_bytes();
        let known = (0..count).map(|at| (secret(at).hash(), facts(at))).collect();
        let keys = KeyTable::new();
        let started = Instant::now();
        keys.replace(known);
        let loaded = started.elapsed();
        let started = Instant::now();
        keys.apply(vec![(secret(0).hash(), Some(facts(0)))]);
        let changed = started.elapsed();
        println!("{} keys in {loaded:.0?}, one changed in {changed:.0?}", keys.len());
        println!("{} bytes of memory for each", resident_bytes().saturating_sub(before) / count);
        let second = Rate { requests: 100, period: Duration::from_secs(1), burst: 1_000_000 };
        let limits = [Limit { rate: Some(second), concurrency: None, per: Per::User }];
        let mut response = Response::default();
        for (name, value) in [
            ("date", "Sat, 21 Nov 2026 12:00:00 GMT"),
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-units", "12.5"),
        ] {
            response.fields.append(name, value.as_bytes());
        }
        let gate = Self {
            keys,
            count,
            limiter: Limiter::new(KEYS as usize),
            limits: RouteLimits::compile("orders", &limits),
            meter: Meter::ResponseHeader("x-units".to_owned()),
            response,
        };
        gate.meet_everybody();
        gate
    }

    /// Lets every user be here once, so that what is measured is not their first time.
    fn meet_everybody(&self) {
        let mut requests = vec![Request::default()];
        let mut identities = Vec::new();
        for at in 0..self.count / 2 {
            Self::ask_with(&secret(2 * at), &mut requests[0]);
            identities.clear();
            self.identify(&mut requests, &mut identities);
            self.limit(&identities, &requests);
        }
    }

    fn print(&self, busy: u64) {
        let mut times: [Times; 5] = Default::default();
        let [hash, identify, limit, meter, all] = &mut times;
        let mut requests = vec![Request::default(); BATCH as usize];
        let mut identities = Vec::new();
        for round in 0..ROUNDS {
            self.ask_batch(2 * round, busy, &mut requests);
            identities.clear();
            identify.time(|| self.identify(&mut requests, &mut identities));
            limit.time(|| self.limit(&identities, &requests));
            meter.time(|| self.meter(BATCH));
            self.ask_batch(2 * round + 1, busy, &mut requests);
            hash.time(|| hash_all(&requests));
            all.time(|| self.all(&mut requests));
        }
        for (what, times) in ["of that hash", "identify", "limit", "meter", "all three"].iter().zip(&times) {
            println!("  {what:>12} {:7.1} {:7.1}", times.median(), times.least());
        }
    }

    /// Makes a request with one of so many keys, in no order that caches could follow.
    fn ask(&self, at: u64, busy: u64, request: &mut Request) {
        let number = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % busy.min(self.count);
        Self::ask_with(&secret(number), request);
    }

    fn ask_with(key: &KeySecret, request: &mut Request) {
        request.clear();
        let bearer = format!("Bearer {}", key.expose());
        for (name, value) in [
            ("user-agent", "curl/8.14.1"),
            ("accept", "*/*"),
            ("accept-encoding", "gzip, br"),
            ("authorization", &bearer),
            ("x-request-id", "7f1c7b2e"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ] {
            request.fields.append(name, value.as_bytes());
        }
    }

    fn ask_batch(&self, batch: u64, busy: u64, requests: &mut [Request]) {
        for (at, request) in (batch * BATCH..).zip(requests) {
            self.ask(at, busy, request);
        }
    }

    #[inline(never)]
    fn identify(&self, requests: &mut [Request], identities: &mut Vec<Identity>) {
        for request in requests {
            let found = FoundKey::of(&request.fields, &self.keys, "orders", 1_000_000);
            identities.extend(found.and_then(|found| found.accept(&mut request.fields)));
        }
    }

    #[inline(never)]
    fn limit(&self, identities: &[Identity], requests: &[Request]) {
        let now = Instant::now();
        for (identity, request) in identities.iter().zip(requests) {
            black_box(self.passes(*identity, request, now));
        }
    }

    fn passes(&self, identity: Identity, request: &Request, now: Instant) -> bool {
        let asker = Asker {
            request,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_id: Some(identity.user_id()),
            key_id: Some(identity.key_id()),
        };
        let mut permits = Permits::new(&self.limiter);
        permits.ask(&self.limits, Stage::Early, asker, now).is_ok()
            && permits.ask(&self.limits, Stage::Late, asker, now).is_ok()
    }

    #[inline(never)]
    fn meter(&self, count: u64) {
        for at in 0..count {
            black_box(self.count_one(at));
        }
    }

    fn count_one(&self, at: u64) -> i64 {
        let mut tally = Tally::default();
        let progress = Progress { bytes_in: at, bytes_out: 512, elapsed_us: 431 };
        if let Meter::ResponseHeader(name) = &self.meter {
            tally.header = header_value(&self.response.fields, name).unwrap_or(tally.header);
        }
        let value = tally.value(Kind::Done, &self.meter, progress);
        tally.tell(&self.meter, progress);
        value.0
    }

    #[inline(never)]
    fn all(&self, requests: &mut [Request]) {
        let now = Instant::now();
        for request in requests {
            let found = FoundKey::of(&request.fields, &self.keys, "orders", 1_000_000);
            let identity = found.and_then(|found| found.accept(&mut request.fields));
            let passed = identity.is_ok_and(|identity| self.passes(identity, request, now));
            assert!(passed, "every key is known");
            black_box(self.count_one(0));
        }
    }
}

/// The part of identifying that is checksum and SHA-256.
#[inline(never)]
fn hash_all(requests: &[Request]) {
    for request in requests {
        let bearer = request.fields.get("authorization").unwrap_or_default();
        black_box(KeyHash::of_presented(bearer.strip_prefix(b"Bearer ").unwrap_or_default()));
    }
}

/// The key of that number.
fn secret(number: u64) -> KeySecret {
    let mut random = [0; 32];
    for (at, part) in random.chunks_mut(8).enumerate() {
        // SplitMix64.
        let mut mixed = (number * 4 + at as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        part.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
    }
    KeySecret::make("live", random).expect("the environment is a short word")
}

fn facts(number: u64) -> KeyFacts {
    KeyFacts { key_id: number + 1, user_id: number / 2 + 1, expires_us: Some(u64::MAX), scopes: Scopes::All }
}

/// Memory of this process, where the system tells it.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}

/// Times of batches.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn time(&mut self, run: impl FnOnce()) {
        let start = Instant::now();
        run();
        self.0.push(start.elapsed());
    }

    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        nanoseconds(sorted[sorted.len() / 2])
    }

    fn least(&self) -> f64 {
        nanoseconds(self.0.iter().min().copied().unwrap_or_default())
    }
}

fn nanoseconds(batch: Duration) -> f64 {
    batch.as_secs_f64() * 1e9 / BATCH as f64
}
